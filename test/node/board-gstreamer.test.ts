// The camera for boards with the engine on GStreamer: seen by Chromium's page and by a viewer on libdatachannel.
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { openViewer, type SceneViewer, skipCamera } from './support/board-scene.ts'
import { launchChromium, watchPage } from './support/chromium.ts'
import { gstreamerScene, skipGstreamer } from './support/gstreamer-engine.ts'
import { until } from './support/negotiating-pair.ts'
import { pairPage, seePicture, stateOf } from './support/viewer-page.ts'

tap.setTimeout(200_000)

const skip = skipCamera('x86_64') || skipGstreamer()

for (const codec of ['VP8', 'H264']) {
  void tap.test(`Chromium sees ${codec}, pairs, and comes back`, { timeout: 120_000, skip: skip || skipWithout('chromium') }, async (t) => {
    const { scene, engine } = await gstreamerScene(t, ['--codec', codec])
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
  const { scene, engine, startAgain } = await gstreamerScene(t)
  const { username, password, fingerprint } = await scene.invitation()
  const camera = scene.start()
  await camera.says('signaling CONNECTED', 60_000)
  await camera.says('engine.ready')
  const watch = async ({ client, frames }: SceneViewer): Promise<void> => {
    await client.ready()
    await client.verify({ fingerprint })
    await client.authenticate({ username, password })
    t.equal((await client.coap('GET', '/iam/me')).code, '2.05')
    await until(() => frames() >= 5, 'the picture')
  }
  const first = await openViewer(t, scene)
  await watch(first)
  engine.child.kill('SIGKILL')
  await camera.says('engine.lost')
  first.client.close()

  // Without an engine a viewer is told, and the camera goes on.
  const refused = await openViewer(t, scene)
  t.match(await new Promise((resolve) => { refused.client.viewer.on('ended', resolve) }), { errorCode: /./ }, 'turned away with a reason')
  refused.client.close()

  const second = await startAgain()
  await camera.says(/engine\.ready[\s\S]*engine\.lost[\s\S]*engine\.ready/, 40_000)
  await watch(await openViewer(t, scene))
  t.equal(await camera.stop(), 0)
  t.equal(await second.stop(), 0, second.errors)
})
