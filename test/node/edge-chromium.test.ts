// The Edge dialect from login to picture in a real browser: a page written after the protocol alone, and our own client.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import tap, { type Test } from 'tap'
import { createSigner, fingerprintOf } from '../../lib/crypto/index.ts'
import { createCamera, createCameraGuard, DeviceTokenGenerator } from '../../lib/device/index.ts'
import { addEdgeInfoEndpoint, createEdgeDialect } from '../../lib/edge/index.ts'
import { type Iam, openIam } from '../../lib/iam/index.ts'
import type { MediaPeerConnection } from '../../lib/webrtc/index.ts'
import type * as EdgeClientModuleNames from '../../runtimes/browser/edge-client.ts'
import { createMemoryStorage } from '../../runtimes/memory/index.ts'
import { attachVideo, createClipSource, createNodeHost, type EngineName, loadEngine } from '../../runtimes/node/index.ts'
import type { RunningRendezvous } from '../../runtimes/node/service/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { edgePage } from './support/edge-page.ts'
import { launchChromium } from './support/chromium.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve } from './support/service.ts'

const skip = skipWithout('chromium')

type EdgeClientModule = typeof EdgeClientModuleNames

interface Scene {
  service: RunningRendezvous
  iam: Iam
  password: string
  fingerprint: string
  page: Page
  sessions: () => number
}

async function scene(t: Test, engine: EngineName): Promise<Scene> {
  t.setTimeout(90_000)
  const host = createNodeHost()
  const service = await serve(t)
  const { key } = await registerTestDevice(service)
  const signer = createSigner(key, host)
  const iam = await openIam({ storage: createMemoryStorage() }, host)
  const password = randomBytes(12).toString('hex')
  await iam.users.create('maria', { role: 'Administrator', password })
  const guard = createCameraGuard<MediaPeerConnection>({ iam, signer, host })
  addEdgeInfoEndpoint(guard.router, iam, host.random)
  const tokens = new DeviceTokenGenerator(PRODUCT, DEVICE, signer, host)
  const source = createClipSource()
  const camera = createCamera({
    productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url, tokenGenerator: () => tokens.generateToken(),
    access: { guarded: true }, dialects: [createEdgeDialect({ iam })],
    createPeerConnection: await loadEngine(engine, { loopbackOnly: true }),
    attach: (session) => {
      guard.attach(session, { video: () => attachVideo(session.peerConnection, source) })
    },
  }, host)
  camera.start()
  await new Promise<void>((resolve) => {
    camera.device.on('connectionstatechange', () => { if (camera.device.connectionState === 'CONNECTED') resolve() })
  })
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  t.teardown(async () => {
    camera.close()
    source.close()
    await iam.close()
  })
  return { service, iam, password, fingerprint: fingerprintOf(signer.publicKey), page, sessions: () => camera.sessions.size }
}

/** Pages have to come from an address that browsers take for secure. */
async function host(t: Test, files: Record<string, string>): Promise<string> {
  const server = createServer(({ url = '/' }, response) => {
    const text = files[url] as string | undefined
    response.setHeader('content-type', url.endsWith('.js') ? 'text/javascript' : 'text/html').end(text ?? '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await done());) {
    if (Date.now() > end) throw new Error(`${what}: not within 20 seconds`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

for (const engine of ['node-datachannel', 'werift'] as const) {
  for (const noTrickle of [false, true]) {
    void tap.test(`${engine}${noTrickle ? ', without trickling' : ''}: a page after the protocol connects, verifies, logs in, manages and sees the picture`, { skip }, async (t) => {
      const { service, iam, password, fingerprint, page, sessions } = await scene(t, engine)
      await page.goto(await host(t, { '/': edgePage }))
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
      t.equal(await run('edge.frames'), 0, 'nor at the picture')
      t.equal(await run(`edge.login('maria', 'not this one')`), 401)
      const before = Date.now()
      t.equal(await run(`edge.login('maria', ${JSON.stringify(password)})`), 'logged in')
      t.match(await run(`edge.coap('GET', '/iam/me')`), { statusCode: 205, contentFormat: 60 })
      t.match(await run(`edge.coap('POST', '/iam/users', 60, [0xa1, ...cborText('Username'), ...cborText('guest')])`), { statusCode: 201 })
      t.ok(iam.users.find('guest'), 'made over the data channel')
      await until(async () => Number(await run('edge.frames')) > 10, 'the picture')
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

void tap.test('a device that lets nobody signal, and the end of the device', { skip }, async (t) => {
  const { service, page, iam, sessions } = await scene(t, 'node-datachannel')
  await page.goto(await host(t, { '/': edgePage }))
  const url = JSON.stringify(`${service.url.replace('http', 'ws')}/signaling/v1`)
  const login = JSON.stringify({ productId: PRODUCT, deviceId: DEVICE, sct: 'sct' })
  await page.evaluate(`edge.connect(${url}, ${login})`)
  t.equal(sessions(), 1)
  await service.close()
  await until(async () => (await page.evaluate('edge.closed')) !== undefined, 'the end')
  t.match(await page.evaluate('edge.closed'), { code: 1001 })
  t.ok(iam)
})

void tap.test('our own client, under the published names', { skip }, async (t) => {
  const { service, iam, password, fingerprint, page, sessions } = await scene(t, 'node-datachannel')
  const { outputFiles } = await build({ entryPoints: ['runtimes/browser/edge-client.ts'], bundle: true, format: 'esm', write: false, logLevel: 'silent' })
  await page.goto(await host(t, { '/': '<!doctype html><video muted playsinline></video>', '/edge-client.js': outputFiles[0].text }))
  const options = { productId: PRODUCT, deviceId: DEVICE, sct: 'sct', signalingServerUrl: service.url.replace('http', 'ws') }
  const found = await page.evaluate(async ({ options, password, fingerprint }) => {
    const path = '/edge-client.js'
    const { CoapContentFormat, CoapMethod, createEdgeWebrtcConnection, createEdgeWebrtcIamUtil, NabtoWebrtcError, NabtoWebrtcErrorCode } = await import(path) as EdgeClientModule
    const codeOf = (thrown: unknown): unknown => (thrown instanceof NabtoWebrtcError ? thrown.code : String(thrown))
    const caught = async (work: () => Promise<unknown>): Promise<unknown> => {
      try {
        await work()
        return 'nothing'
      } catch (thrown) {
        return codeOf(thrown)
      }
    }
    const wrong = createEdgeWebrtcConnection()
    const withoutOptions = await caught(() => wrong.connect())
    wrong.setConnectionOptions({ ...options, deviceId: 'wd-nobody' })
    const notConnected = await caught(() => wrong.coapInvoke(CoapMethod.GET, '/iam/me'))
    const unknown = [await caught(() => wrong.connect()), NabtoWebrtcErrorCode.BASESTATION_UNKNOWN_DEVICE_ID]

    const connection = createEdgeWebrtcConnection()
    connection.setConnectionOptions(options)
    const tracks: unknown[] = []
    const closed: unknown[] = []
    let frames = 0
    connection.onTrack(({ track }, trackId, error) => {
      tracks.push([track.kind, trackId, error])
      const video = document.querySelector('video') as HTMLVideoElement
      video.srcObject = new MediaStream([track])
      const count = (): void => {
        frames++
        video.requestVideoFrameCallback(count)
      }
      video.requestVideoFrameCallback(count)
      void video.play()
    })
    connection.onClosed((error) => closed.push(error?.code))
    await connection.connect()
    const again = await caught(() => connection.connect())
    const valid = [await connection.validateFingerprint(fingerprint), await connection.validateFingerprint('ab'.repeat(32))]
    const wrongPassword = await caught(() => connection.passwordAuthenticate('maria', 'wrong'))
    await connection.passwordAuthenticate('maria', password)
    const info = await connection.coapInvoke(CoapMethod.GET, '/p2p/webrtc-info')
    const iam = createEdgeWebrtcIamUtil()
    const me = await iam.getMe(connection)
    const roles = await iam.listIamRoles(connection)
    const made = await iam.createUser(connection, 'guest', 'Guest')
    const name = await connection.coapInvoke(CoapMethod.PUT, '/iam/users/guest/display-name', CoapContentFormat.APPLICATION_CBOR, new Uint8Array([0x61, 0x47]).buffer)
    const missing = await connection.coapInvoke(CoapMethod.GET, '/nothing/here')
    const channel = await connection.createDatachannel('default')
    for (const end = Date.now() + 20_000; frames < 10 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 50))
    await connection.close()
    return {
      withoutOptions, notConnected, unknown, again, valid, wrongPassword, me: me.Username, roles, made, name: name.statusCode, missing: missing.statusCode,
      info: [info.statusCode, info.contentFormat, typeof (JSON.parse(new TextDecoder().decode(info.payload)) as { SignalingStreamPort: unknown }).SignalingStreamPort],
      label: channel.label, tracks, enough: frames >= 10, closed,
    }
  }, { options, password, fingerprint })
  t.match(found, {
    withoutOptions: /Missing connection options/, notConnected: /Not Connected/, again: /once/,
    valid: [true, false], wrongPassword: /PasswordError/, me: 'maria', name: 204, missing: 404, info: [205, 50, 'number'], label: 'default', enough: true,
    made: { Username: 'guest', Role: 'Guest', Password: String }, closed: [undefined],
  })
  t.equal(found.unknown[0], found.unknown[1])
  t.ok(found.roles.includes('Guest'))
  t.equal(found.tracks.length, 1)
  t.equal(iam.users.find('guest')?.displayName, 'G')
  t.equal(iam.users.find('guest')?.password, found.made.Password)
  await until(() => sessions() === 0, 'the end of the session')
})
