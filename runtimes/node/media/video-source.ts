import type { VideoCodec } from '../../../lib/webrtc/peer-connection.ts'

/** Video that any number of viewers can take at once. */
export interface VideoSource {
  readonly codec: VideoCodec
  /**
   * Hands every RTP packet from now on to `sink`, a key frame first: at once when one is at hand. Sequence numbers and timestamps
   * are continuous for each subscriber; payload type and SSRC are for the connection to set. A sink must not change the packet.
   */
  subscribe(sink: (packet: Uint8Array) => void): VideoSubscription
  /** Ends the source; nothing is handed out afterwards. */
  close(): void
}

export interface VideoSubscription {
  /** Sends the last key frame again, and what followed it, unless that was done within the last second. */
  requestKeyFrame(): void
  end(): void
  /** Goes on after its end, with the next sequence number and a key frame first. */
  resume(): void
}
