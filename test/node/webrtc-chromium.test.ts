import tap, { type Test } from 'tap'
import { PerfectNegotiation } from '../../lib/webrtc/perfect-negotiation.ts'
import { attachVideo, createClipSource, createRtpSource, type VideoSource } from '../../runtimes/node/media/index.ts'
import { type EngineName, loadEngine } from '../../runtimes/node/webrtc/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { transportPair } from '../lib/webrtc/transport-pair.ts'
import { type BrowserViewer, openBrowserViewer, viewerBecomes } from './support/browser-viewer.ts'
import { launchChromium } from './support/chromium.ts'
import { sendTestPicture } from './support/ffmpeg.ts'

const skip = skipWithout('chromium')

/** A camera for one viewer in a browser. */
async function watch(t: Test, browser: Parameters<typeof openBrowserViewer>[0], engine: EngineName, source: VideoSource): Promise<BrowserViewer> {
  const { client, device } = transportPair()
  const viewer = await openBrowserViewer(browser, client)
  const camera = (await loadEngine(engine, { loopbackOnly: true }))({ iceServers: [] })
  const negotiation = new PerfectNegotiation(camera, device)
  negotiation.onerror = (error) => t.fail(`negotiation: ${String(error)}`)
  const detach = attachVideo(camera, source, 'front-door')
  const channel = camera.createDataChannel('default')
  channel.addEventListener('open', () => channel.send('hello'))
  t.teardown(() => {
    detach()
    negotiation.close()
    camera.close()
  })
  return viewer
}

for (const engine of ['node-datachannel', 'werift'] as const) {
  void tap.test(`Chromium decodes the clip from ${engine}, over an ICE restart, and so does a viewer that joins late`, { skip }, async (t) => {
    t.setTimeout(60_000)
    const browser = await launchChromium(t)
    const source = createClipSource()
    t.teardown(() => source.close())
    const startedAt = performance.now()
    const first = await watch(t, browser, engine, source)
    await viewerBecomes(first, ({ frames }) => frames > 0)
    t.comment(`first frame after ${Math.round(performance.now() - startedAt)} ms`)
    const state = await viewerBecomes(first, ({ frames, messages }) => frames >= 20 && messages.length > 0)
    t.match(state, { connection: 'connected', width: 640, height: 360, trackId: 'front-door', messages: ['hello'] })
    const [before, after] = [await first.page.screenshot(), await viewerBecomes(first, ({ frames }) => frames > state.frames + 10)
      .then(() => first.page.screenshot())]
    t.notOk(before.equals(after), 'the picture moves')

    await first.run('pc.restartIce()')
    await viewerBecomes(first, ({ frames }) => frames > state.frames + 40)
    t.match(await first.state(), { connection: 'connected', signaling: 'stable' })

    const late = await watch(t, browser, engine, source)
    t.match(await viewerBecomes(late, ({ frames }) => frames >= 5), { width: 640, height: 360 })
  })
}

void tap.test('Chromium decodes H264 from ffmpeg', { skip: skip || skipWithout('ffmpeg') }, async (t) => {
  t.setTimeout(60_000)
  const browser = await launchChromium(t)
  const source = await createRtpSource({ codec: 'H264', port: 0 })
  t.teardown(() => source.close())
  sendTestPicture(t, 'H264', source.port)
  const viewer = await watch(t, browser, 'node-datachannel', source)
  t.match(await viewerBecomes(viewer, ({ frames }) => frames >= 20), { width: 320, height: 180 })
})
