import type { MediaPeerConnection } from '../../../lib/webrtc/peer-connection.ts'
import type { VideoSource, VideoSubscription } from './video-source.ts'

/**
 * Offers `source` to the peer of `pc`, and sends from the moment the connection can.
 *
 * @param trackId - what the viewer sees as the track's id
 * @returns ends the sending; to be called when the connection is closed
 */
export function attachVideo(pc: MediaPeerConnection, source: VideoSource, trackId = 'video'): () => void {
  const sender = pc.addVideoSender({ codec: source.codec, trackId })
  let subscription: VideoSubscription | undefined
  sender.onReady = () => {
    subscription?.end()
    subscription = source.subscribe((packet) => sender.sendRtp(packet))
  }
  sender.onKeyFrameRequest = () => subscription?.requestKeyFrame()
  return () => {
    sender.onReady = undefined
    sender.onKeyFrameRequest = undefined
    subscription?.end()
  }
}
