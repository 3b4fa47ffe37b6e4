// A guarded camera over real engines and a real rendezvous: proof, login, picture, and the end of it when the user is removed.
import { randomBytes } from 'node:crypto'
import tap from 'tap'
import { createCameraClient } from '../../lib/client/index.ts'
import { createSigner, fingerprintOf } from '../../lib/crypto/index.ts'
import { createCamera, createCameraGuard, DeviceTokenGenerator } from '../../lib/device/index.ts'
import { openIam } from '../../lib/iam/index.ts'
import type { MediaPeerConnection, VideoReceiver } from '../../lib/webrtc/index.ts'
import { createMemoryStorage } from '../../runtimes/memory/index.ts'
import { attachVideo, countVideo, createClipSource, createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve } from './support/service.ts'

for (const engine of ['node-datachannel', 'werift'] as const) {
  void tap.test(`${engine}: verify, log in, watch, be removed`, { timeout: 60_000 }, async (t) => {
    const host = createNodeHost()
    const service = await serve(t)
    const { key } = await registerTestDevice(service)
    const signer = createSigner(key, host)
    const iam = await openIam({ storage: createMemoryStorage() }, host)
    const password = randomBytes(12).toString('hex')
    await iam.users.create('maria', { role: 'Guest', password })
    const guard = createCameraGuard<MediaPeerConnection>({ iam, signer, host })
    const createPeerConnection = await loadEngine(engine, { loopbackOnly: true })
    const at = { productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url }
    const tokens = new DeviceTokenGenerator(PRODUCT, DEVICE, signer, host)
    const source = createClipSource()
    const camera = createCamera({
      ...at, tokenGenerator: () => tokens.generateToken(), access: { sharedSecret: 'demo secret' }, createPeerConnection,
      attach: (session) => {
        guard.attach(session, { video: () => attachVideo(session.peerConnection, source) })
      },
    }, host)
    camera.start()

    let frames = (): number => 0
    const client = createCameraClient<MediaPeerConnection>({
      ...at, sharedSecret: 'demo secret', createPeerConnection,
      attach: (connection) => {
        connection.onVideo = (receiver: VideoReceiver) => {
          const count = countVideo(receiver)
          frames = () => count.frames
        }
      },
    }, host)
    t.teardown(async () => {
      client.close()
      camera.close()
      await iam.close()
    })
    const until = async (done: () => boolean, what: string, withinMs = 20_000): Promise<void> => {
      const startMs = host.clock.monotonicMs()
      while (!done()) {
        if (host.clock.monotonicMs() - startMs > withinMs) throw new Error(`${what}: not within ${withinMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }

    client.start()
    await client.ready()
    await t.rejects(client.authenticate({ username: 'maria', password }), { code: 'ERR_CLIENT_UNVERIFIED' })
    await t.rejects(client.verify({ fingerprint: 'ab'.repeat(32) }), { code: 'ERR_CHALLENGE_DEVICE' })
    await client.verify({ fingerprint: fingerprintOf(signer.publicKey) })
    t.equal(frames(), 0, 'no picture for a stranger')
    await t.rejects(client.authenticate({ username: 'maria', password: 'not this one' }), { code: 'ERR_PASSWORD_WRONG' })
    await client.authenticate({ username: 'maria', password })
    t.equal((await client.iam.me()).username, 'maria')
    await until(() => frames() > 10, 'the picture')

    await iam.users.delete('maria')
    // What is under way still arrives; a second later nothing does.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const seen = frames()
    await new Promise((resolve) => setTimeout(resolve, 700))
    t.equal(frames(), seen, 'the picture is gone within a second')
    t.equal((await client.coap('GET', '/iam/users')).code, '4.03')
  })
}
