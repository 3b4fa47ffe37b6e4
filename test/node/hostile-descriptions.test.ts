// A rendezvous that changes what the ends say of their certificates, with real engines: no session comes of it, or it ends.
import tap, { type Test } from 'tap'
import { ClientMessageTransportSecurityMode, createClientMessageTransport, createSignalingClient, type WebrtcSignalingMessage } from '../../lib/signaling/index.ts'
import type { CreatePeerConnection, SessionDescription } from '../../lib/webrtc/index.ts'
import { createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { type GuardedCamera, startClient, startGuardedCamera, type TestViewer, watching } from './support/guarded-camera.ts'
import { startHoldingRelay } from './support/hostile/holding-relay.ts'
import { ANOTHER, changeDescriptions, FINGERPRINT, startMeddler, type Towards } from './support/hostile/meddler.ts'
import { until } from './support/negotiating-pair.ts'
import { DEVICE, PRODUCT, serve } from './support/service.ts'

// werift looks after a connection that ended in its handshake for another 30 seconds, and this file with it.
tap.setTimeout(150_000)

const engines = ['node-datachannel', 'werift'] as const

interface Scene {
  create: CreatePeerConnection
  /** The true rendezvous. */
  url: string
  camera: GuardedCamera
}

async function scene(t: Test, engine: (typeof engines)[number] = 'node-datachannel'): Promise<Scene> {
  const create = await loadEngine(engine, { loopbackOnly: true })
  const service = await serve(t)
  return { create, url: service.url, camera: await startGuardedCamera(t, service, create) }
}

/** The honest viewer has noticed nothing of all this. */
async function goesOn(t: Test, { client, frames, ended }: TestViewer): Promise<void> {
  t.equal(ended(), undefined)
  const seen = frames()
  await until(() => frames() > seen + 5, 'the picture of the honest viewer')
  t.equal((await client.iam.me()).username, 'maria')
}

for (const engine of engines) {
  void tap.test(`${engine}: the fingerprints swapped, and nothing else`, async (t) => {
    const { create, url, camera } = await scene(t, engine)
    const honest = await watching(t, url, camera, create)
    for (const lied of engine === 'werift' ? ['both'] : ['client', 'device', 'both']) {
      const hostile = await startMeddler(t, url, changeDescriptions((sdp, towards) => (lied === towards || lied === 'both' ? sdp.replace(FINGERPRINT, ANOTHER) : sdp)))
      const victim = startClient(t, hostile, create)
      const ready = t.rejects(victim.client.ready(), { code: 'ERR_CLIENT_ENDED' }, `no connection comes up: the lie goes to ${lied}`)
      // It may have come and gone between two looks.
      await until(() => camera.camera.sessions.size === 2 || victim.ended() !== undefined, 'a session')
      await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, 1500))])
      t.equal(victim.client.verifiedDevice, undefined)
      t.not(victim.client.viewer.peerConnection?.connectionState, 'connected')
      victim.client.close()
      await ready
      await until(() => camera.camera.sessions.size === 1, 'its end')
    }
    t.strictSame(camera.logins().map(({ outcome }) => outcome), ['allowed'], 'that of the honest viewer')
    await goesOn(t, honest)
  })
}

const second = ANOTHER.replace('sha-256', '')
const spellings: [name: string, change: (line: string) => string][] = [
  ['two fingerprints', (line) => `${line}\r\n${ANOTHER}`],
  ['two fingerprints, the other one first', (line) => `${ANOTHER}\r\n${line}`],
  ['a sha-1 beside', (line) => `${line}\r\na=fingerprint:sha-1 ${Array(20).fill('AB').join(':')}`],
  ['a sha-512 beside', (line) => `a=fingerprint:sha-512 ${Array(64).fill('AB').join(':')}\r\n${line}`],
  ['a second one with a space in front', (line) => `${line}\r\n a=fingerprint:sha-256${second.slice('a=fingerprint:'.length)}`],
  ['a second one behind a bare carriage return', (line) => `${line}\r${ANOTHER}`],
  ['a second one in capitals', (line) => `${line}\r\n${ANOTHER.toUpperCase()}`],
  ['none', () => 'a=x-nothing'],
]

void tap.test('descriptions that say more than one thing of a certificate', async (t) => {
  const here = await scene(t)
  const { create, url, camera } = here
  const honest = await watching(t, url, camera, create)
  let change = (line: string): string => line
  let lied: Towards = 'client'
  const hostile = await startMeddler(t, url, changeDescriptions((sdp, towards) => (towards === lied ? sdp.replace(FINGERPRINT, change) : sdp)))
  for (const [name, spelling] of spellings) {
    change = spelling
    lied = 'client'
    const victim = startClient(t, hostile, create)
    await t.rejects(victim.client.ready(), { code: 'ERR_CLIENT_ENDED', cause: { code: 'ERR_SDP_FINGERPRINT' } }, `to the client: ${name}`)
    lied = 'device'
    const other = startClient(t, hostile, create)
    await t.rejects(other.client.ready(), { code: 'ERR_CLIENT_ENDED', cause: { errorCode: 'CHANNEL_CLOSED' } }, `to the camera, which hangs up: ${name}`)
  }
  await until(() => camera.camera.sessions.size === 1, 'the end of all those sessions')
  t.equal(camera.logins().length, 1)
  await goesOn(t, honest)
})

for (const towards of ['client', 'device'] as const) {
  void tap.test(`another certificate later in the session, told to the ${towards}`, async (t) => {
    const { create, url, camera } = await scene(t)
    const honest = await watching(t, url, camera, create)
    let lies = false
    const hostile = await startMeddler(t, url, changeDescriptions((sdp, to) => (lies && to === towards ? sdp.replace(FINGERPRINT, ANOTHER) : sdp)))
    const { client, frames, ended } = startClient(t, hostile, create)
    await client.ready()
    await client.verify({ fingerprint: camera.fingerprint })
    lies = true
    // The picture needs another round of descriptions, which may come before the answer.
    await client.authenticate({ username: 'maria', password: camera.password }).catch((error: unknown) => { t.match(error, { code: 'ERR_CLIENT_ENDED' }) })
    await until(() => ended() !== undefined, 'the end of the session')
    if (towards === 'client') t.match(ended(), { code: 'ERR_SDP_FINGERPRINT_CHANGED' })
    t.equal(client.verifiedDevice, undefined)
    t.equal(frames(), 0)
    await until(() => camera.camera.sessions.size === 1 && camera.showing() === 1, 'the end of it at the camera')
    await goesOn(t, honest)
  })
}

/** A certificate that somebody else has: the digits of a fingerprint as a line of SDP. */
const lineOf = (fingerprint: string): string => `a=fingerprint:sha-256 ${fingerprint.toUpperCase().match(/../g)?.join(':')}`

for (const engine of engines) {
  void tap.test(`${engine}: the certificate of a user, claimed by somebody who has another`, async (t) => {
    const { create, url, camera } = await scene(t, engine)
    const owner = startClient(t, url, create)
    await owner.client.ready()
    await owner.client.verify({ fingerprint: camera.fingerprint })
    await owner.client.iam.pair({ mode: 'password-invite', username: 'maria', password: camera.password })
    const [{ fingerprint }] = camera.iam.users.find('maria')?.fingerprints ?? []
    owner.client.close()
    await until(() => camera.camera.sessions.size === 0, 'the end of the owner\'s session')

    const host = createNodeHost()
    const relay = await startHoldingRelay(t)
    const signaling = createSignalingClient({ productId: PRODUCT, deviceId: DEVICE, endpointUrl: url }, host)
    const transport = createClientMessageTransport(signaling, { securityMode: ClientMessageTransportSecurityMode.NONE })
    const attacker = (await loadEngine('node-datachannel', { loopbackOnly: true }))({ iceServers: [] })
    const channel = attacker.createDataChannel('coap')
    t.teardown(() => {
      attacker.close()
      signaling.close()
    })
    const portIn = (candidate = ''): number => Number(/ 127\.0\.0\.1 (\d+) /.exec(candidate)?.[1])
    const to = (port: number) => ({ candidate: `candidate:1 1 UDP 2122260223 127.0.0.1 ${port} typ host`, sdpMid: '0' })
    let answers = 0
    attacker.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null) relay.targets({ attacker: portIn(candidate.toJSON().candidate) })
    })
    transport.on('webrtcsignalingmessage', async (message: WebrtcSignalingMessage) => {
      if (message.type === 'CANDIDATE') {
        relay.targets({ victim: portIn(message.candidate.candidate) })
      } else if (message.description.type === 'answer' && answers++ === 0) {
        const { type, sdp } = message.description
        const port = portIn(sdp)
        if (port > 0) relay.targets({ victim: port })
        await attacker.setRemoteDescription({ type, sdp: sdp.replace(/^a=(candidate|end-of-candidates).*\r?\n/gm, '') })
        await attacker.addIceCandidate(to(relay.ports.attacker))
        await transport.sendWebrtcSignalingMessage({ type: 'CANDIDATE', candidate: to(relay.ports.victim) })
      }
    })
    await new Promise<void>((resolve) => {
      transport.on('setupdone', () => { resolve() })
      signaling.start()
    })
    await attacker.setLocalDescription()
    const offer = attacker.localDescription as SessionDescription
    await transport.sendWebrtcSignalingMessage({ type: 'DESCRIPTION', description: offer })
    await until(() => relay.isHolding(), 'the last flight of the handshake')
    await transport.sendWebrtcSignalingMessage({ type: 'DESCRIPTION', description: { type: 'offer', sdp: offer.sdp.replace(FINGERPRINT, lineOf(fingerprint)) } })
    await until(() => answers > 1 || camera.camera.sessions.size === 0, 'what the camera says to that')
    relay.release()
    await until(() => channel.readyState === 'open' || camera.camera.sessions.size === 0, 'the connection')
    await new Promise((resolve) => setTimeout(resolve, 200))
    t.equal(camera.showing(), 0, 'no picture for the attacker')
    t.equal(camera.camera.sessions.size, 0, 'the session is over')
  })
}
