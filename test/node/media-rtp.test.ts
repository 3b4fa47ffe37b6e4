import tap from 'tap'
import { attachVideo, countVideo, createRtpSource, type VideoCount } from '../../runtimes/node/media/index.ts'
import { loadEngine } from '../../runtimes/node/webrtc/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { sendTestPicture } from './support/ffmpeg.ts'
import { negotiate, until } from './support/negotiating-pair.ts'

const skip = skipWithout('ffmpeg')

for (const codec of ['VP8', 'H264'] as const) {
  void tap.test(`${codec} from ffmpeg reaches two viewers, one of them late`, { skip }, async (t) => {
    const create = await loadEngine('node-datachannel', { loopbackOnly: true })
    const source = await createRtpSource({ codec, port: 0 })
    t.teardown(() => source.close())
    sendTestPicture(t, codec, source.port)
    const join = () => {
      const [viewer, camera] = [create({ iceServers: [] }), create({ iceServers: [] })]
      const pair = negotiate(viewer, camera)
      const seen: { count?: VideoCount } = {}
      viewer.onVideo = (receiver) => (seen.count = countVideo(receiver))
      const detach = attachVideo(camera, source)
      t.teardown(() => {
        detach()
        pair.close()
      })
      return seen
    }
    const early = join()
    await until(() => (early.count?.frames ?? 0) >= 20, 'the early viewer sees frames')
    const late = join()
    await until(() => (late.count?.frames ?? 0) >= 5, 'the late viewer sees frames')
    for (const { count } of [early, late]) {
      t.equal(count?.codec, codec)
      t.ok((count?.keyFrames ?? 0) >= 1 && (count?.bytes ?? 0) > 5000)
    }
  })
}
