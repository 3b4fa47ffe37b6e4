// The camera for boards with the engine on GStreamer: seen by Chromium's page and by a viewer on libdatachannel.
import tap from 'tap'
import { createCameraClient } from '../../lib/client/index.ts'
import type { MediaPeerConnection, VideoReceiver } from '../../lib/webrtc/index.ts'
import { countVideo, createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import type { RunningProgram } from './support/board.ts'
import { type BoardScene, boardScene, skipCamera } from './support/board-scene.ts'
import { launchChromium, watchPage } from './support/chromium.ts'
import { skipGstreamer, startGstreamer } from './support/gstreamer-engine.ts'
import { until } from './support/negotiating-pair.ts'
import { pairPage, seePicture, stateOf } from './support/viewer-page.ts'

tap.setTimeout(200_000)

const skip = skipCamera('x86_64') || skipGstreamer()

async function gstreamerScene(t: Parameters<typeof boardScene>[0], ...more: string[]): Promise<{ scene: BoardScene; engine: RunningProgram }> {
  let engine: RunningProgram | undefined
  const scene = await boardScene(t, 'x86_64', async (test, socket) => { engine = await startGstreamer(test, socket, ...more) })
  if (engine === undefined) throw new Error('no engine')
  return { scene, engine }
}

for (const codec of ['VP8', 'H264']) {
  void tap.test(`Chromium sees ${codec}, pairs, and comes back`, { timeout: 120_000, skip: skip || skipWithout('chromium') }, async (t) => {
    const { scene, engine } = await gstreamerScene(t, '--codec', codec)
    const link = await scene.output('--print-invitation', '--front-end', `${scene.service.url}/#`)
    const camera = scene.start()
    await camera.says('signaling CONNECTED', 60_000)
    await camera.says('engine.ready')
    const browser = await launchChromium(t)
    const page = await browser.newPage()
    const { complaints } = watchPage(page)
    await pairPage(page, link.trim())
    await seePicture(page)
    t.equal(await stateOf(page, 'trust'), 'verified')
    t.equal(await stateOf(page, 'user'), 'admin', 'answers over CoAP')
    await page.reload()
    await seePicture(page)
    t.equal(await stateOf(page, 'user'), 'admin')
    t.same(complaints, [])
    await browser.close()
    t.equal(await camera.stop(), 0)
    t.equal(await engine.stop(), 0)
    t.notMatch(camera.output + camera.errors + engine.errors, new RegExp(scene.secret))
  })
}

void tap.test('libdatachannel sees it, and the camera outlives its engine', { timeout: 120_000, skip }, async (t) => {
  const { scene, engine } = await gstreamerScene(t)
  const { username, password, fingerprint } = await scene.invitation()
  const camera = scene.start()
  await camera.says('signaling CONNECTED', 60_000)
  await camera.says('engine.ready')
  const createPeerConnection = await loadEngine('node-datachannel', { loopbackOnly: true })
  const open = (): { client: ReturnType<typeof createCameraClient<MediaPeerConnection>>; frames: () => number } => {
    let frames = (): number => 0
    const client = createCameraClient<MediaPeerConnection>({
      ...scene.target, createPeerConnection,
      attach: (connection) => {
        connection.onVideo = (receiver: VideoReceiver) => {
          const count = countVideo(receiver)
          frames = () => count.frames
        }
      },
    }, createNodeHost())
    t.teardown(() => { client.close() })
    client.start()
    return { client, frames: () => frames() }
  }
  const { client, frames } = open()
  await client.ready()
  await client.verify({ fingerprint })
  await client.authenticate({ username, password })
  t.equal((await client.coap('GET', '/iam/me')).code, '2.05')
  await until(() => frames() >= 5, 'the picture')
  t.equal(await engine.stop(), 0)
  await camera.says('engine.lost')
  client.close()
  t.equal(await camera.stop(), 0)
})
