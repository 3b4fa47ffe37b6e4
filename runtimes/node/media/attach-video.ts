import type { MediaPeerConnection } from '../../../lib/webrtc/peer-connection.ts'
import type { VideoSource, VideoSubscription } from './video-source.ts'

/** A track that is offered: its place in the descriptions, once it has one, and its end. */
export interface OfferedVideo {
  readonly mid: string | undefined
  end(): void
}

/**
 * Offers `source` to the peer of `pc`, and sends from the moment the connection can.
 *
 * @param trackId - what the viewer sees as the track's id
 */
export function offerVideo(pc: MediaPeerConnection, source: VideoSource, trackId = 'video'): OfferedVideo {
  const sender = pc.addVideoSender({ codec: source.codec, trackId })
  let subscription: VideoSubscription | undefined
  sender.onReady = () => {
    subscription?.end()
    subscription = source.subscribe((packet) => sender.sendRtp(packet))
  }
  sender.onKeyFrameRequest = () => subscription?.requestKeyFrame()
  return {
    get mid() {
      return sender.mid
    },
    end() {
      sender.onReady = undefined
      sender.onKeyFrameRequest = undefined
      subscription?.end()
    },
  }
}

/** The same for whoever does not care for its place. @returns ends the sending; to be called when the connection is closed */
export function attachVideo(pc: MediaPeerConnection, source: VideoSource, trackId?: string): () => void {
  const offered = offerVideo(pc, source, trackId)
  return () => offered.end()
}
