// The engine on GStreamer with pictures of others: RTP that ffmpeg sends, a camera that speaks RTSP, and one of Video4Linux, whose kernel is played.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { type RunningProgram, startProgram } from './support/board.ts'
import { openViewer, skipCamera } from './support/board-scene.ts'
import { launchChromium } from './support/chromium.ts'
import { sendTestPicture } from './support/ffmpeg.ts'
import { freePort } from './support/free-port.ts'
import { gstreamerScene, skipGstreamer } from './support/gstreamer-engine.ts'
import { until } from './support/negotiating-pair.ts'
import { temporaryFolder } from './support/service.ts'
import { countFrames, pairPage, seePicture, untilFrames } from './support/viewer-page.ts'

tap.setTimeout(200_000)

const skip = skipCamera('x86_64') || skipGstreamer()

type Test = Parameters<typeof gstreamerScene>[0]

/** A picture from `source` reaches a viewer. @param meanwhile - done when the viewer is there and waits for it */
async function watch(t: Test & { equal: (found: unknown, wanted: unknown) => void }, source: string, codec: string, meanwhile: (engine: RunningProgram) => Promise<void> | void): Promise<RunningProgram> {
  const { scene, engine } = await gstreamerScene(t, ['--source', source, '--codec', codec])
  const { username, password, fingerprint } = await scene.invitation()
  const camera = scene.start()
  await camera.says('signaling CONNECTED', 60_000)
  await camera.says('engine.ready')
  const { client, frames } = await openViewer(t, scene)
  await client.ready()
  await client.verify({ fingerprint })
  await client.authenticate({ username, password })
  await meanwhile(engine)
  await until(() => frames() >= 15, 'the picture', 40_000)
  client.close()
  t.equal(await camera.stop(), 0)
  t.equal(await engine.stop(), 0)
  return engine
}

for (const codec of ['VP8', 'H264'] as const) {
  void tap.test(`${codec} that ffmpeg sends by RTP`, { timeout: 120_000, skip: skip || skipWithout('ffmpeg') }, async (t) => {
    const port = await freePort()
    await watch(t, `rtp:${port}`, codec, () => { sendTestPicture(t, codec, port) })
  })
}

void tap.test('a camera that speaks RTSP and is there later than the viewer', { timeout: 120_000, skip: skip || skipWithout('/usr/include/gstreamer-1.0/gst/rtsp-server/rtsp-server.h') }, async (t) => {
  const [port, secret] = [String(await freePort()), 'kept-to-itself']
  const engine = await watch(t, `rtsp://front:${secret}@127.0.0.1:${port}/front`, 'H264', async (running) => {
    await until(() => /the source has ended/.test(running.errors), 'the engine has tried')
    mkdirSync('build/gstreamer', { recursive: true })
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'gstreamer-rtsp-server-1.0'], { encoding: 'utf8' }).trim().split(/\s+/)
    execFileSync('gcc', ['-Wall', 'test/node/support/rtsp-server.c', '-o', 'build/gstreamer/rtsp-server', ...flags])
    const picture = 'videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! openh264enc gop-size=15 ! rtph264pay name=pay0 pt=96'
    await startProgram(t, ['build/gstreamer/rtsp-server', picture, 'front', secret, port]).says('serving')
  })
  t.notMatch(engine.output + engine.errors, secret, 'what it says of its tries is without the password')
})

/** Brightness of the video element's picture, 0 to 255, in the middle of its left and of its right half. */
const halves = (page: Page): Promise<number[]> => page.evaluate(() => {
  const video = document.querySelector('video')
  const canvas = document.createElement('canvas')
  if (video === null) return []
  const [width, height] = [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight]
  const context = canvas.getContext('2d')
  context?.drawImage(video, 0, 0)
  return [0.25, 0.75].map((across) => context?.getImageData(width * across, height / 2, 1, 1).data[0] ?? -1)
})

void tap.test('a camera of Video4Linux, unplugged and plugged in again while Chromium watches', { timeout: 120_000, skip: skip || skipWithout('chromium') }, async (t) => {
  mkdirSync('build/gstreamer', { recursive: true })
  const preload = 'build/gstreamer/video-device.so'
  execFileSync('gcc', ['-Wall', '-shared', '-fPIC', 'test/node/support/video-device.c', '-o', preload])
  // GStreamer wants a character device.
  const device = join(temporaryFolder(t), 'video0')
  symlinkSync('/dev/null', device)
  const { scene, engine } = await gstreamerScene(t, ['--source', `v4l2:${device}`], { preload, env: { VIDEO_DEVICE: device } })
  const link = await scene.output('--print-invitation', '--front-end', `${scene.service.url}/#`)
  const camera = scene.start()
  await camera.says('signaling CONNECTED', 60_000)
  await camera.says('engine.ready')
  const page = await (await launchChromium(t)).newPage()
  await pairPage(page, link.trim())
  await seePicture(page)
  const [left, right] = await halves(page)
  t.ok(left > 220 && right < 35, `white and black, as the device has it: ${left} and ${right}`)

  writeFileSync(`${device}.out`, '')
  await until(() => /the source has ended/.test(engine.errors), 'the end of the source')
  rmSync(`${device}.out`)
  await countFrames(page)
  await untilFrames(page, 10)
  await page.close()
  t.equal(await camera.stop(), 0)
  t.equal(await engine.stop(), 0, engine.errors)
})
