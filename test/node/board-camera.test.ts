// The camera as it goes onto a board: one static file per target, against a live rendezvous behind TLS, with a real WebRTC
// engine behind the line protocol.
import tap from 'tap'
import { targets } from '../../tools/board.mjs'
import { boardScene, openViewer, skipCamera } from './support/board-scene.ts'
import { until } from './support/negotiating-pair.ts'

for (const target of Object.keys(targets) as (keyof typeof targets)[]) {
  void tap.test(`${target}: from start to a picture`, { timeout: 180_000, skip: skipCamera(target) }, async (t) => {
    const scene = await boardScene(t, target)
    t.match(await scene.output('--version'), /^lenskey-camera \d+\.\d+\.\d+/)
    const { username, password, fingerprint } = await scene.invitation()
    const camera = scene.start()
    await camera.says('signaling CONNECTED', 60_000)
    t.same([...new Set(scene.front.names)], ['localhost'], 'the name of the server is sent')
    await camera.says('engine.ready')

    const { client, frames } = await openViewer(t, scene, 'werift')
    await client.ready()
    await client.verify({ fingerprint })
    await client.authenticate({ username, password })
    t.equal((await client.coap('GET', '/iam/me')).code, '2.05', 'a paired answer over CoAP')
    await until(() => frames() >= 5, 'the picture', 20_000)

    // The link flaps; the camera takes its seat again.
    const times = (): number => camera.output.split('signaling CONNECTED').length
    const before = times()
    scene.front.cut()
    await until(() => times() > before, 'connected again', 60_000)
    t.equal(await camera.stop(), 0)
    t.notMatch(camera.output + camera.errors, new RegExp(`${scene.secret}|${password}`), 'no secret is said')
  })
}
