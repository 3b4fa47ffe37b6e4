import type { VideoCodec } from '../../../lib/webrtc/peer-connection.ts'
import { belongsToH264KeyFrame } from './h264.ts'
import { parseRtp } from './rtp.ts'
import type { VideoSource, VideoSubscription } from './video-source.ts'
import { type SourcePacket, ViewerFeed } from './viewer-feed.ts'
import { startsVp8KeyFrame } from './vp8.ts'

export interface FanOutOptions {
  /** Kept since the last key frame, for viewers that join. With more than that they wait for the next one. Default 1024. */
  maxKeptPackets?: number
  /** The same in bytes; default 1 MiB. */
  maxKeptBytes?: number
  /** Called when the first viewer comes and when the last one has gone. */
  onDemand?: (isWanted: boolean) => void
}

/** The least time between two repetitions for one viewer: every one may cost a whole second of video. */
const repeatIntervalMs = 1000

/** One stream of RTP packets for many viewers, with the last key frame at hand. */
export class VideoFanOut implements VideoSource {
  readonly codec: VideoCodec
  readonly #feeds = new Set<ViewerFeed>()
  readonly #maxKeptPackets: number
  readonly #maxKeptBytes: number
  readonly #onDemand: ((isWanted: boolean) => void) | undefined
  #kept: SourcePacket[] = []
  #keptBytes = 0
  #keyFrameTimestamp: number | undefined
  #ssrc: number | undefined
  #closed = false

  constructor(codec: VideoCodec, { maxKeptPackets = 1024, maxKeptBytes = 1024 * 1024, onDemand }: FanOutOptions = {}) {
    this.codec = codec
    this.#maxKeptPackets = maxKeptPackets
    this.#maxKeptBytes = maxKeptBytes
    this.#onDemand = onDemand
  }

  /** Viewers at this moment. */
  get viewers(): number {
    return this.#feeds.size
  }

  /** Takes one packet of the source and hands it on. What is no RTP is dropped. */
  push(bytes: Uint8Array): void {
    const header = parseRtp(bytes)
    if (header === undefined || this.#closed) return
    if (this.#ssrc !== undefined && header.ssrc !== this.#ssrc) this.#interrupt()
    this.#ssrc = header.ssrc
    const payload = bytes.subarray(header.payloadStart, header.payloadEnd)
    const isKey = this.codec === 'VP8' ? startsVp8KeyFrame(payload) : belongsToH264KeyFrame(payload)
    // A key frame of H.264 begins with whichever of its parts comes first.
    const startsKeyFrame = isKey && header.timestamp !== this.#keyFrameTimestamp
    if (startsKeyFrame) this.#keyFrameTimestamp = header.timestamp
    const packet = { bytes, header, startsKeyFrame }
    this.#keep(packet)
    for (const feed of this.#feeds) feed.live(packet)
  }

  subscribe(sink: (packet: Uint8Array) => void): VideoSubscription {
    const feed = new ViewerFeed(sink)
    let repeatedAt = performance.now()
    const resume = (): void => {
      if (this.#closed || this.#feeds.has(feed)) return
      feed.interrupt()
      feed.replay(this.#kept)
      this.#feeds.add(feed)
      if (this.#feeds.size === 1) this.#onDemand?.(true)
    }
    resume()
    return {
      resume,
      requestKeyFrame: () => {
        if (!this.#feeds.has(feed) || performance.now() - repeatedAt < repeatIntervalMs) return
        repeatedAt = performance.now()
        feed.replay(this.#kept)
      },
      end: () => {
        if (this.#feeds.delete(feed) && this.#feeds.size === 0) this.#onDemand?.(false)
      },
    }
  }

  close(): void {
    this.#closed = true
    this.#kept = []
    if (this.#feeds.size > 0) this.#onDemand?.(false)
    this.#feeds.clear()
  }

  #keep(packet: SourcePacket): void {
    if (packet.startsKeyFrame) this.#forget()
    else if (this.#kept.length === 0) return
    this.#keptBytes += packet.bytes.length
    if (this.#kept.length >= this.#maxKeptPackets || this.#keptBytes > this.#maxKeptBytes) this.#forget()
    else this.#kept.push(packet)
  }

  #forget(): void {
    this.#kept = []
    this.#keptBytes = 0
  }

  #interrupt(): void {
    this.#forget()
    this.#keyFrameTimestamp = undefined
    for (const feed of this.#feeds) feed.interrupt()
  }
}
