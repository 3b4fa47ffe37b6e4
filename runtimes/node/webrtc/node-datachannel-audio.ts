import type * as NodeDatachannel from 'node-datachannel'
import { randomBytes } from 'node:crypto'
import type { AudioCodec, AudioTrack, AudioTrackOptions } from '../../../lib/webrtc/peer-connection.ts'
import { type MediaSection, receivesMedia, sendsMedia } from '../../../lib/webrtc/sdp.ts'
import { isRtcp } from '../media/rtcp.ts'
import { withRtpIdentity } from '../media/rtp.ts'
import { HeldNative, type UntoldCloses } from './held-native.ts'
import type { Guard } from './listeners.ts'

type Library = typeof NodeDatachannel

/** Sound on one native track: of ours when it has options, otherwise of the peer. */
export class NativeAudioTrack implements AudioTrack {
  onRtp: ((packet: Uint8Array) => void) | undefined
  onReady: (() => void) | undefined
  codec: AudioCodec | undefined
  mid: string | undefined
  /** RTP bytes sent. */
  bytesSent = 0
  /** RTP bytes received. */
  bytesReceived = 0
  readonly #library: Library
  readonly #guard: Guard
  readonly #untold: UntoldCloses
  readonly #options: AudioTrackOptions | undefined
  readonly #ssrc = randomBytes(4).readUInt32BE()
  #held: HeldNative<NodeDatachannel.Track> | undefined
  #payloadType: number | undefined
  #open = false
  #wasReady = false
  #announced = false

  constructor(library: Library, guard: Guard, untold: UntoldCloses, options?: AudioTrackOptions) {
    this.#library = library
    this.#guard = guard
    this.#untold = untold
    this.#options = options
  }

  get ready(): boolean {
    return this.#open && this.#payloadType !== undefined
  }

  /** Makes the native track for the section `mid`; the peer's has been made for it. */
  bind(native: NodeDatachannel.PeerConnection, mid: string): void {
    const { codec = 'opus', trackId = '', direction } = this.#options ?? {}
    const media = new this.#library.Audio(mid, direction === 'sendonly' ? 'SendOnly' : 'SendRecv')
    if (codec === 'opus') media.addOpusCodec(111)
    else media.addAudioCodec(0, 'PCMU')
    media.addSSRC(this.#ssrc, 'lenskey', trackId, trackId)
    this.take(native.addTrack(media))
  }

  take(track: NodeDatachannel.Track): void {
    this.mid = track.mid()
    // Sends receiver reports.
    track.setMediaHandler(new this.#library.RtcpReceivingSession())
    track.onOpen(() => {
      this.#open = true
      this.#settle()
    })
    track.onMessage((packet) => {
      if (isRtcp(packet)) return
      this.bytesReceived += packet.length
      this.#guard.guard(() => this.onRtp?.(packet))
    })
    this.#open = track.isOpen()
    this.#held = new HeldNative(track, this.#untold, () => {
      this.#open = false
      this.#settle()
    })
  }

  /**
   * Takes what both ends agreed on.
   * @param section - the peer's
   * @returns whether the peer sends, which is told for the first time
   */
  agree({ rejected, direction, audioCodecs }: MediaSection): boolean {
    const wanted = this.#options?.codec
    const agreed = rejected ? undefined : audioCodecs.find(({ codec }) => wanted === undefined || codec === wanted)
    this.codec = agreed?.codec
    this.#payloadType = receivesMedia(direction) ? agreed?.payloadType : undefined
    this.#settle()
    const isFirst = this.#options === undefined && !this.#announced && agreed !== undefined && sendsMedia(direction)
    if (isFirst) this.#announced = true
    return isFirst
  }

  sendRtp(packet: Uint8Array): void {
    const track = this.#held?.native
    if (!this.#open || this.#payloadType === undefined || track === undefined) return
    const ours = withRtpIdentity(packet, this.#payloadType, this.#ssrc)
    this.bytesSent += ours.length
    this.#guard.guard(() => track.sendMessageBinary(ours))
  }

  stop(): void {
    this.#open = false
    this.#held?.letGo()
  }

  #settle(): void {
    const before = this.#wasReady
    this.#wasReady = this.ready
    if (!before && this.#wasReady) this.#guard.guard(() => this.onReady?.())
  }
}
