import type { VideoCodec, VideoReceiver } from '../../../lib/webrtc/peer-connection.ts'
import { belongsToH264KeyFrame } from './h264.ts'
import { parseRtp } from './rtp.ts'
import { startsVp8KeyFrame } from './vp8.ts'

/** What a viewer without a screen can say of a stream. */
export interface VideoCount {
  codec: VideoCodec | undefined
  packets: number
  /** RTP packets with their headers. */
  bytes: number
  /** Frames begun: timestamps that differ from the one before. */
  frames: number
  keyFrames: number
}

/** Counts what arrives at `receiver`, whose `onRtp` it takes; the object returned goes on changing. */
export function countVideo(receiver: VideoReceiver, onPacket?: (packet: Uint8Array) => void): VideoCount {
  const count: VideoCount = { codec: receiver.codec, packets: 0, bytes: 0, frames: 0, keyFrames: 0 }
  let timestamp: number | undefined
  let keyFrameTimestamp: number | undefined
  receiver.onRtp = (packet) => {
    const header = parseRtp(packet)
    if (header === undefined) return
    count.codec = receiver.codec
    count.packets++
    count.bytes += packet.length
    if (header.timestamp !== timestamp) count.frames++
    timestamp = header.timestamp
    const payload = packet.subarray(header.payloadStart, header.payloadEnd)
    const isKey = receiver.codec === 'H264' ? belongsToH264KeyFrame(payload) : startsVp8KeyFrame(payload)
    if (isKey && timestamp !== keyFrameTimestamp) {
      count.keyFrames++
      keyFrameTimestamp = timestamp
    }
    onPacket?.(packet)
  }
  return count
}
