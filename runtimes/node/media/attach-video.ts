import type { MediaPeerConnection, VideoSender } from '../../../lib/webrtc/peer-connection.ts'
import type { VideoSource, VideoSubscription } from './video-source.ts'

/** A track that is offered: its place in the descriptions, once it has one, and its end. */
export interface OfferedVideo {
  readonly mid: string | undefined
  end(): void
}

/** A connection cannot take back what it has offered: what ended is kept here, to be gone on with. */
interface Place {
  readonly source: VideoSource
  readonly sender: VideoSender
  subscription: VideoSubscription | undefined
  isFree: boolean
}

const places = new WeakMap<MediaPeerConnection, Map<string, Place>>()

/**
 * Offers `source` to the peer of `pc`, and sends from the moment the connection can. Offered again after its end, the track that is
 * there is gone on with, without another word to the peer.
 *
 * @param trackId - what the viewer sees as the track's id
 */
export function offerVideo(pc: MediaPeerConnection, source: VideoSource, trackId = 'video'): OfferedVideo {
  const place = takePlace(pc, source, trackId)
  const { sender } = place
  const begin = (): void => {
    place.subscription?.end()
    if (place.subscription === undefined) place.subscription = source.subscribe((packet) => sender.sendRtp(packet))
    else place.subscription.resume()
  }
  sender.onReady = begin
  sender.onKeyFrameRequest = () => place.subscription?.requestKeyFrame()
  if (sender.ready) begin()
  return {
    get mid() {
      return sender.mid
    },
    end() {
      if (place.isFree) return
      place.isFree = true
      sender.onReady = undefined
      sender.onKeyFrameRequest = undefined
      place.subscription?.end()
    },
  }
}

function takePlace(pc: MediaPeerConnection, source: VideoSource, trackId: string): Place {
  const known = places.get(pc) ?? new Map<string, Place>()
  places.set(pc, known)
  const found = known.get(trackId)
  if (found?.isFree === true && found.source === source) {
    found.isFree = false
    return found
  }
  const place = { source, sender: pc.addVideoSender({ codec: source.codec, trackId }), subscription: undefined, isFree: false }
  known.set(trackId, place)
  return place
}

/** The same for whoever does not care for its place. @returns ends the sending; to be called when the connection is closed */
export function attachVideo(pc: MediaPeerConnection, source: VideoSource, trackId?: string): () => void {
  const offered = offerVideo(pc, source, trackId)
  return () => offered.end()
}
