import { spawn } from 'node:child_process'
import type { Test } from 'tap'
import type { VideoCodec } from '../../../lib/webrtc/peer-connection.ts'

const encoders: Record<VideoCodec, string[]> = {
  VP8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-auto-alt-ref', '0', '-error-resilient', '1'],
  H264: [
    '-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p',
    '-x264-params', 'repeat-headers=1',
  ],
}

/** Sends a moving test picture, 320×180 with 15 frames and one key frame a second, to an RTP port; ends with the test. */
export function sendTestPicture(t: Test, codec: VideoCodec, port: number): void {
  const child = spawn('ffmpeg', [
    '-hide_banner', '-loglevel', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=15', '-t', '30',
    ...encoders[codec], '-g', '15', '-f', 'rtp', `rtp://127.0.0.1:${port}?pkt_size=1200`,
  ], { stdio: 'ignore' })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  t.teardown(() => {
    process.off('exit', kill)
    kill()
  })
}
