// A rendezvous that meddles with sessions that are signed, or says what is not so of a client, with real engines.
import tap, { type Test } from 'tap'
import { encodeUtf8 } from '../../lib/bytes/index.ts'
import { hs256Key, type JwtClaims, signJwt } from '../../lib/jwt/index.ts'
import type { CreatePeerConnection } from '../../lib/webrtc/index.ts'
import { createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { type GuardedCamera, type GuardedCameraOptions, startClient, startGuardedCamera, type TestViewer } from './support/guarded-camera.ts'
import { ANOTHER, type Envelope, type Frame, type Meddling, startMeddler } from './support/hostile/meddler.ts'
import { until } from './support/negotiating-pair.ts'
import { connectClient, serve } from './support/service.ts'

tap.setTimeout(60_000)

const sharedSecret = 'a secret of 128 bits or more'
const host = createNodeHost()

interface Scene {
  create: CreatePeerConnection
  url: string
  camera: GuardedCamera
  /** Has the secret, and with it the picture. */
  honest: TestViewer
}

/** A camera whose secret stands for a user who may watch. */
async function scene(t: Test, options: Omit<GuardedCameraOptions, 'camera'> = {}): Promise<Scene> {
  const create = await loadEngine('node-datachannel', { loopbackOnly: true })
  const service = await serve(t)
  const { url } = service
  const camera = await startGuardedCamera(t, service, create, { camera: { access: { guarded: true, sharedSecret } }, guard: { links: { default: 'maria' } }, ...options })
  const honest = startClient(t, url, create, { sharedSecret })
  await until(() => honest.frames() > 5, 'the picture of the honest viewer')
  return { create, url, camera, honest }
}

/** Nobody but the honest viewer sees anything, and it notices nothing. */
async function goesOn(t: Test, { camera, honest }: Scene): Promise<void> {
  t.equal(camera.showing(), 1)
  t.equal(honest.ended(), undefined)
  const seen = honest.frames()
  await until(() => honest.frames() > seen + 5, 'the picture of the honest viewer')
}

/** Opens what is signed, as anybody on the way can. */
function claimsOf(jwt: string): JwtClaims {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString()) as JwtClaims
}

const swapped = (claims: JwtClaims): JwtClaims =>
  JSON.parse(JSON.stringify(claims).replace(/a=fingerprint:sha-256 [0-9A-F:]+/gi, ANOTHER)) as JwtClaims
const isDescription = (jwt: string): boolean => JSON.stringify(claimsOf(jwt)).includes('a=fingerprint')

/** Does something to signed messages; `undefined` lets one pass. */
const changeSigned = (change: (jwt: string) => Envelope | undefined): Meddling => (frame) => {
  const data = frame.message?.data
  const other = data?.type === 'JWT' ? change(data.jwt) : undefined
  return [other === undefined ? frame : { ...frame, message: { ...frame.message, type: 'DATA', data: other } }]
}

const cases: [name: string, change: (jwt: string) => Envelope | undefined][] = [
  ['a description altered under its signature', (jwt) => {
    if (!isDescription(jwt)) return undefined
    const [head, , mac] = jwt.split('.')
    return { type: 'JWT', jwt: `${head}.${Buffer.from(JSON.stringify(swapped(claimsOf(jwt)))).toString('base64url')}.${mac}` }
  }],
  ['a description altered and signed with another secret', (jwt) =>
    isDescription(jwt) ? { type: 'JWT', jwt: signJwt({ typ: 'JWT' }, swapped(claimsOf(jwt)), hs256Key(encodeUtf8('a guess'), host)) } : undefined],
  ['a description altered and not signed any more', (jwt) =>
    isDescription(jwt) ? { type: 'NONE', message: swapped(claimsOf(jwt)).message as { type: string } } : undefined],
  ['every signature taken away, from the first message on', (jwt) => ({ type: 'NONE', message: claimsOf(jwt).message as { type: string } })],
]

void tap.test('signed sessions', async (t) => {
  const here = await scene(t)
  const { create, url, camera } = here
  let change = cases[0][1]
  const hostile = await startMeddler(t, url, changeSigned((jwt) => change(jwt)))
  for (const [name, next] of cases) {
    await t.test(name, async (t) => {
      change = next
      const victim = startClient(t, hostile, create, { sharedSecret })
      await t.rejects(victim.client.ready(), { code: 'ERR_CLIENT_ENDED', cause: { errorCode: 'VERIFICATION_ERROR' } })
      t.equal(victim.client.viewer.peerConnection?.connectionState === 'connected', false)
      await until(() => camera.camera.sessions.size === 1, 'the end of it at the camera')
      await goesOn(t, here)
    })
  }
})

void tap.test('an unsigned session stays one, whatever is signed into it', async (t) => {
  const here = await scene(t)
  const { create, url, camera } = here
  let mix = false
  const hostile = await startMeddler(t, url, (frame: Frame, towards) => {
    const data = frame.message?.data
    if (!mix || towards !== 'device' || data?.type !== 'NONE') return [frame]
    // By somebody who does know the secret.
    const jwt = signJwt({ typ: 'JWT' }, { message: data.message, messageSeq: 0, signerNonce: 'x' }, hs256Key(encodeUtf8(sharedSecret), host))
    return [{ ...frame, message: { ...frame.message, type: 'DATA', data: { type: 'JWT', jwt } } }]
  })
  const stranger = startClient(t, hostile, create)
  await stranger.client.ready()
  t.strictSame([...camera.camera.sessions].map(({ keyId }) => keyId), ['default', undefined])
  await t.rejects(stranger.client.iam.me(), { code: 'ERR_DEVICE_NOT_FOUND' })
  await goesOn(t, here)
  mix = true
  stranger.client.viewer.peerConnection?.addVideoReceiver()
  await until(() => stranger.ended() !== undefined, 'the end of a session that is signed all at once')
  await goesOn(t, here)
})

void tap.test('a SETUP_REQUEST played again', async (t) => {
  const here = await scene(t)
  const { create, url, camera } = here
  const heard: Frame[] = []
  const listening = await startMeddler(t, url, (frame, towards) => {
    if (towards === 'device') heard.push(frame)
    return [frame]
  })
  const victim = startClient(t, listening, create, { sharedSecret })
  await until(() => victim.frames() > 0, 'the picture')
  victim.client.close()
  await until(() => camera.camera.sessions.size === 1, 'the end of that session')

  const attacker = await connectClient(t, { url } as Parameters<typeof connectClient>[1])
  for (const frame of heard) if (frame.message?.type === 'DATA') attacker.socket.send({ ...frame, channelId: attacker.channelId })
  await until(() => attacker.socket.relayed.some((frame) => (frame as { type?: unknown }).type === 'ERROR'), 'what the camera says to that')
  t.match(attacker.socket.relayed.find((frame) => (frame as { type?: unknown }).type === 'ERROR'), { error: { code: 'VERIFICATION_ERROR' } })
  t.equal(camera.camera.sessions.size, 1)
  await goesOn(t, here)
})

void tap.test('a service that vouches for a stranger', async (t) => {
  const lying = (url: string): Promise<string> => startMeddler(t, url, (frame) => [{ ...frame, authorized: true }])
  const create = await loadEngine('node-datachannel', { loopbackOnly: true })
  for (const authorizedRole of [undefined, 'Guest']) {
    const service = await serve(t)
    const camera = await startGuardedCamera(t, service, create, { endpointUrl: await lying(service.url), guard: { authorizedRole } })
    const stranger = startClient(t, service.url, create)
    await stranger.client.ready()
    await t.rejects(stranger.client.iam.me(), { code: 'ERR_DEVICE_NOT_FOUND' }, 'it is no user')
    t.equal((await stranger.client.coap('GET', '/iam/users')).code, '4.03')
    t.equal([...camera.camera.sessions][0].authorized, true)
    if (authorizedRole === undefined) t.equal(camera.showing(), 0, 'believed, and no more than a stranger')
    else await until(() => stranger.frames() > 0, 'that is what the role is for: the service is trusted with it')
    stranger.client.close()
  }
})
