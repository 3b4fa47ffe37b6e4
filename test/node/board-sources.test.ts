// The engine on GStreamer with pictures of other programs: RTP that ffmpeg sends, and a camera that speaks RTSP.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { type RunningProgram, startProgram } from './support/board.ts'
import { openViewer, skipCamera } from './support/board-scene.ts'
import { sendTestPicture } from './support/ffmpeg.ts'
import { freePort } from './support/free-port.ts'
import { gstreamerScene, skipGstreamer } from './support/gstreamer-engine.ts'
import { until } from './support/negotiating-pair.ts'

tap.setTimeout(200_000)

const skip = skipCamera('x86_64') || skipGstreamer()

type Test = Parameters<typeof gstreamerScene>[0]

/** A picture from `source` reaches a viewer. @param meanwhile - done when the viewer is there and waits for it */
async function watch(t: Test & { equal: (found: unknown, wanted: unknown) => void }, source: string, codec: string, meanwhile: (engine: RunningProgram) => Promise<void> | void): Promise<RunningProgram> {
  const { scene, engine } = await gstreamerScene(t, '--source', source, '--codec', codec)
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
