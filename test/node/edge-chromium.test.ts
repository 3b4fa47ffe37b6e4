// The Edge dialect from login to picture in a real browser, with a page that was written after the protocol alone.
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { edgePage } from './support/edge-page.ts'
import { edgeScene, serveFiles, until } from './support/edge-scene.ts'
import { DEVICE, PRODUCT } from './support/service.ts'

const skip = skipWithout('chromium')

for (const engine of ['node-datachannel', 'werift'] as const) {
  for (const noTrickle of [false, true]) {
    void tap.test(`${engine}${noTrickle ? ', without trickling' : ''}: a page after the protocol connects, verifies, logs in, manages and sees the picture`, { skip }, async (t) => {
      const { service, iam, password, fingerprint, page, sessions } = await edgeScene(t, engine)
      await page.goto(await serveFiles(t, { '/': edgePage }))
      const run = (expression: string): Promise<unknown> => page.evaluate(expression)
      const url = `${service.url.replace('http', 'ws')}/signaling/v1`
      const login = { productId: PRODUCT, deviceId: DEVICE, sct: 'sct' }
      const startedMs = Date.now()
      await run(`edge.connect(${JSON.stringify(url)}, ${JSON.stringify(login)}, { noTrickle: ${noTrickle} })`)
      t.comment(`from the click to the open channel: ${Date.now() - startedMs} ms`)
      t.equal(sessions(), 1)

      t.match(await run(`edge.json('GET', '/p2p/webrtc-info')`), { statusCode: 205, contentFormat: 50 })
      const { body } = await run(`edge.json('GET', '/p2p/webrtc-info/')`) as { body: { SignalingStreamPort: number } }
      t.ok(body.SignalingStreamPort >= 0x80000000 && body.SignalingStreamPort <= 0xffffffff)
      const proof = { alg: 'ES256', typ: 'JWS', good: true, nonce: true, device: true, client_fingerprint: true, device_fingerprint: true }
      t.strictSame(await run(`edge.challenge(${JSON.stringify(fingerprint)})`), proof)

      t.match(await run(`edge.coap('GET', '/iam/users')`), { statusCode: 403 }, 'a stranger may not look at users')
      t.match(await run(`edge.json('POST', '/webrtc/tracks', { tracks: ['frontdoor-video'] })`), { statusCode: 401 }, 'nor at the picture')
      t.equal(await run(`edge.login('maria', 'not this one')`), 401)
      const before = Date.now()
      t.equal(await run(`edge.login('maria', ${JSON.stringify(password)})`), 'logged in')
      t.match(await run(`edge.coap('GET', '/iam/me')`), { statusCode: 205, contentFormat: 60 })
      t.match(await run(`edge.coap('POST', '/iam/users', 60, [0xa1, ...cborText('Username'), ...cborText('guest')])`), { statusCode: 201 })
      t.ok(iam.users.find('guest'), 'made over the data channel')
      t.match(await run(`edge.json('GET', '/webrtc/tracks/default')`), { statusCode: 205, body: { videoTrackId: 'frontdoor-video' } })
      t.match(await run(`edge.json('POST', '/webrtc/tracks', { tracks: ['backdoor-video'] })`), { statusCode: 404 })
      t.match(await run(`edge.json('POST', '/webrtc/tracks', { tracks: ['frontdoor-video'] })`), { statusCode: 201 })
      await until(async () => Number(await run('edge.frames')) > 10, 'the picture')
      t.match(await run('edge.tracks'), [{ mid: String, trackId: 'frontdoor-video', error: undefined }], 'the track has its name')
      t.comment(`from the login to ten frames: ${Date.now() - before} ms`)
      t.match(await run('({ width: edge.width, height: edge.height })'), { width: 640, height: 360 })
      const received = await run('edge.received') as number[]
      t.strictSame(received.slice(0, 3), [21, 4, 1], 'nothing before the answer')
      t.equal(received.includes(2), !noTrickle)
      t.strictSame(await run(`edge.challenge(${JSON.stringify(fingerprint)})`), proof, 'the same after the renegotiation')

      await iam.users.delete('maria')
      await new Promise((resolve) => setTimeout(resolve, 1000))
      const seen = await run('edge.frames')
      await new Promise((resolve) => setTimeout(resolve, 500))
      t.equal(await run('edge.frames'), seen, 'the picture is gone within a second')
      await run('edge.close()')
      await until(() => sessions() === 0, 'the end of the session')
    })
  }
}

void tap.test('a service that goes away takes the session with it, and says so', { skip }, async (t) => {
  const { service, page, sessions } = await edgeScene(t, 'node-datachannel')
  await page.goto(await serveFiles(t, { '/': edgePage }))
  const url = JSON.stringify(`${service.url.replace('http', 'ws')}/signaling/v1`)
  const login = JSON.stringify({ productId: PRODUCT, deviceId: DEVICE, sct: 'sct' })
  await page.evaluate(`edge.connect(${url}, ${login})`)
  t.equal(sessions(), 1)
  await service.close()
  await until(async () => (await page.evaluate('edge.closed')) !== undefined, 'the end')
  t.match(await page.evaluate('edge.closed'), { code: 1001 })
})
