import type * as Werift from 'werift'
import type { VideoCodec, VideoReceiver, VideoSender, VideoSenderOptions } from '../../../lib/webrtc/peer-connection.ts'
import type { Listeners } from './listeners.ts'
import { asksForKeyFrame } from '../media/rtcp.ts'

type Guard = Pick<Listeners<unknown>, 'guard'>

export class WeriftVideoSender implements VideoSender {
  onKeyFrameRequest: (() => void) | undefined
  onReady: (() => void) | undefined
  readonly #codec: VideoCodec
  readonly #native: Werift.RTCPeerConnection
  readonly #transceiver: Werift.RTCRtpTransceiver
  readonly #guard: Guard
  #ready = false

  constructor(library: typeof Werift, native: Werift.RTCPeerConnection, { codec, trackId }: VideoSenderOptions, guard: Guard) {
    this.#codec = codec
    this.#native = native
    this.#guard = guard
    const track = new library.MediaStreamTrack({ kind: 'video', id: trackId })
    const stream = new library.MediaStream({ id: trackId, tracks: [track] })
    this.#transceiver = native.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
    // The library names the track at random otherwise.
    Object.assign(this.#transceiver.sender, { trackId })
    this.#transceiver.codecs = [codec === 'VP8' ? library.useVP8({ payloadType: 96 }) : library.useH264({ payloadType: 102 })]
    this.#transceiver.sender.onRtcp.subscribe((packet) => {
      if (asksForKeyFrame(packet.serialize())) guard.guard(() => this.onKeyFrameRequest?.())
    })
  }

  get mid(): string | undefined {
    return this.#transceiver.mid ?? undefined
  }

  get ready(): boolean {
    const direction = this.#transceiver.currentDirection
    return (
      this.#native.connectionState === 'connected' &&
      (direction === 'sendonly' || direction === 'sendrecv') &&
      codecOf(this.#transceiver.sender.codec) === this.#codec
    )
  }

  /** Of the codecs that a remote description offers, the library takes the first; we have one alone. */
  keepItsCodec(): void {
    const { codecs, sender } = this.#transceiver
    const ours = codecs.find((codec) => codecOf(codec) === this.#codec)
    if (ours === undefined) return
    this.#transceiver.codecs = [ours]
    sender.codec = ours
  }

  settle(): void {
    const before = this.#ready
    this.#ready = this.ready
    if (!before && this.#ready) this.#guard.guard(() => this.onReady?.())
  }

  sendRtp(packet: Uint8Array): void {
    if (!this.ready) return
    // Payload type and SSRC are the library's work. What it rejects is a packet lost, as on any network.
    this.#transceiver.sender.sendRtp(Buffer.from(packet)).catch(() => undefined)
  }
}

export class WeriftVideoReceiver implements VideoReceiver {
  onRtp: ((packet: Uint8Array) => void) | undefined
  readonly #native: Werift.RTCPeerConnection
  readonly #track: Werift.MediaStreamTrack
  #ssrc: number | undefined
  #codec: VideoCodec | undefined

  constructor(native: Werift.RTCPeerConnection, track: Werift.MediaStreamTrack, guard: Guard) {
    this.#native = native
    this.#track = track
    track.onReceiveRtp.subscribe((packet) => {
      this.#ssrc = packet.header.ssrc
      const codecs = this.#transceiver()?.codecs ?? []
      this.#codec = codecOf(codecs.find(({ payloadType }) => payloadType === packet.header.payloadType))
      guard.guard(() => this.onRtp?.(packet.serialize()))
    })
  }

  get mid(): string | undefined {
    return this.#transceiver()?.mid ?? undefined
  }

  get codec(): VideoCodec | undefined {
    const codecs = this.#transceiver()?.codecs ?? []
    return this.#codec ?? (codecs.length === 1 ? codecOf(codecs[0]) : undefined)
  }

  requestKeyFrame(): void {
    if (this.#ssrc === undefined) return
    this.#transceiver()?.receiver.sendRtcpPLI(this.#ssrc).catch(() => undefined)
  }

  #transceiver(): Werift.RTCRtpTransceiver | undefined {
    return this.#native.getTransceivers().find(({ receiver }) => receiver.tracks.includes(this.#track))
  }
}

function codecOf(codec: Werift.RTCRtpCodecParameters | undefined): VideoCodec | undefined {
  const name = codec?.mimeType.toLowerCase()
  return name === 'video/vp8' ? 'VP8' : name === 'video/h264' ? 'H264' : undefined
}
