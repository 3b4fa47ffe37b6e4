import { type Log } from '../../../lib/runtime/index.ts'
import { type CreatePeerConnection } from '../../../lib/webrtc/index.ts'
import { type VideoSource } from '../media/index.ts'
import { type Option, type Values } from './command.ts'

/** Options that several commands share. */
export const cameraOptions = {
  endpoint: { value: 'URL', help: 'the service, such as http://127.0.0.1:8080', required: true },
  product: { value: 'ID', help: 'product ID, such as wp-showroom', required: true },
  device: { value: 'ID', help: 'device ID, such as wd-frontdoorcamera1', required: true },
  key: { value: 'FILE', help: 'private key of the camera, from `lenskey keygen` or openssl', required: true },
  engine: { value: 'NAME', help: 'WebRTC engine: node-datachannel, werift, or auto for the first that is there', default: 'auto' },
  sharedSecret: { value: 'FILE', help: 'secret that camera and viewer share; or LENSKEY_SHARED_SECRET' },
  loopback: { help: 'offer only addresses of this machine, for when both ends are on it' },
} satisfies Record<string, Option>

/** The WebRTC engine that `--engine` and `--loopback` ask for; loaded only by the commands that need one. */
export async function openEngine(values: Values, log: Log): Promise<CreatePeerConnection> {
  const { engineNames, loadEngine } = await import('../webrtc/index.ts')
  return loadEngine(values.choice('engine', engineNames) ?? 'auto', { loopbackOnly: values.flag('loopback'), log })
}

/** An endpoint without a slash at its end, as paths are appended to it. */
export function endpointUrl(text: string): string {
  return text.replace(/\/+$/, '')
}

export const videoOptions = {
  rtp: { value: 'PORT', help: 'take video as RTP from this UDP port of 127.0.0.1' },
  'rtp-codec': { value: 'NAME', help: 'what comes in at --rtp: VP8 or H264', default: 'H264' },
} satisfies Record<string, Option>

/** What the camera shows: RTP from elsewhere if asked for, else a clip of its own. */
export async function openVideo(values: Values): Promise<VideoSource> {
  const { createClipSource, createRtpSource } = await import('../media/index.ts')
  const port = values.integer('rtp', 1, 65_535)
  if (port === undefined) return createClipSource()
  return createRtpSource({ port, codec: values.choice('rtp-codec', ['H264', 'VP8']) ?? 'H264' })
}
