import type * as NodeDatachannel from 'node-datachannel'
import { randomBytes } from 'node:crypto'
import type { VideoCodec, VideoReceiver, VideoSender, VideoSenderOptions } from '../../../lib/webrtc/peer-connection.ts'
import { withRtpIdentity } from '../media/rtp.ts'
import { HeldNative, type UntoldCloses } from './held-native.ts'
import type { Guard } from './listeners.ts'
import { asksForKeyFrame, isRtcp } from '../media/rtcp.ts'
import { type MediaSection, h264Parameters } from '../../../lib/webrtc/sdp.ts'

type Library = typeof NodeDatachannel
type Codecs = MediaSection['codecs']

/** Payload types of our own offers. */
const payloadTypes = { VP8: 96, H264: 102 }
/** Sent packets kept for the peer to ask for again (RTCP NACK): about two seconds of 2 Mbit/s. */
const packetsToResend = 512

function addCodec(video: NodeDatachannel.Video, codec: VideoCodec, payloadType: number, parameters: string): void {
  if (codec === 'VP8') video.addVP8Codec(payloadType)
  else video.addH264Codec(payloadType, parameters)
}

export class NativeVideoSender implements VideoSender {
  readonly codec: VideoCodec
  onKeyFrameRequest: (() => void) | undefined
  onReady: (() => void) | undefined
  mid: string | undefined
  /** RTP bytes sent. */
  bytes = 0
  readonly #library: Library
  readonly #trackId: string
  readonly #guard: Guard
  readonly #untold: UntoldCloses
  readonly #ssrc = randomBytes(4).readUInt32BE()
  #held: HeldNative<NodeDatachannel.Track> | undefined
  #payloadType: number | undefined
  #open = false
  #wasReady = false

  constructor(library: Library, { codec, trackId }: VideoSenderOptions, guard: Guard, untold: UntoldCloses) {
    this.#library = library
    this.codec = codec
    this.#trackId = trackId
    this.#guard = guard
    this.#untold = untold
  }

  get ready(): boolean {
    return this.#open && this.#payloadType !== undefined
  }

  /** Makes the native track for the section `mid`. */
  bind(native: NodeDatachannel.PeerConnection, mid: string, offered?: Codecs[number]): void {
    this.mid = mid
    const media = new this.#library.Video(mid, 'SendOnly')
    addCodec(media, this.codec, offered?.payloadType ?? payloadTypes[this.codec], offered?.parameters ?? h264Parameters)
    media.addSSRC(this.#ssrc, 'lenskey', this.#trackId, this.#trackId)
    const track = native.addTrack(media)
    track.setMediaHandler(new this.#library.RtcpNackResponder(packetsToResend))
    track.onOpen(() => {
      this.#open = true
      this.#settle()
    })
    track.onMessage((packet) => {
      if (isRtcp(packet) && asksForKeyFrame(packet)) this.#guard.guard(() => this.onKeyFrameRequest?.())
    })
    this.#held = new HeldNative(track, this.#untold, () => {
      this.#open = false
      this.#settle()
    })
  }

  /** The codecs the peer takes; none when it wants no video. */
  agree(codecs: Codecs): void {
    this.#payloadType = codecs.find(({ codec }) => codec === this.codec)?.payloadType
    this.#settle()
  }

  sendRtp(packet: Uint8Array): void {
    const track = this.#held?.native
    if (!this.#open || this.#payloadType === undefined || track === undefined) return
    const ours = withRtpIdentity(packet, this.#payloadType, this.#ssrc)
    this.bytes += ours.length
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

export class NativeVideoReceiver implements VideoReceiver {
  onRtp: ((packet: Uint8Array) => void) | undefined
  codec: VideoCodec | undefined
  mid: string | undefined
  /** RTP bytes received. */
  bytes = 0
  readonly #library: Library
  readonly #guard: Guard
  readonly #untold: UntoldCloses
  #held: HeldNative<NodeDatachannel.Track> | undefined
  #codecs: Codecs = []

  constructor(library: Library, guard: Guard, untold: UntoldCloses) {
    this.#library = library
    this.#guard = guard
    this.#untold = untold
  }

  bind(native: NodeDatachannel.PeerConnection, mid: string): void {
    const media = new this.#library.Video(mid, 'RecvOnly')
    addCodec(media, 'VP8', payloadTypes.VP8, '')
    addCodec(media, 'H264', payloadTypes.H264, h264Parameters)
    this.take(native.addTrack(media))
  }

  take(track: NodeDatachannel.Track): void {
    this.mid = track.mid()
    // Sends receiver reports and key frame requests.
    track.setMediaHandler(new this.#library.RtcpReceivingSession())
    track.onMessage((packet) => {
      if (isRtcp(packet)) return
      this.bytes += packet.length
      this.codec = this.#codecs.find(({ payloadType }) => payloadType === (packet[1] & 0x7f))?.codec
      this.#guard.guard(() => this.onRtp?.(packet))
    })
    this.#held = new HeldNative(track, this.#untold)
  }

  /** @returns whether this is the first time the peer says that it sends */
  agree(codecs: Codecs): boolean {
    const isFirst = this.#codecs.length === 0
    this.#codecs = codecs
    if (codecs.length === 1) this.codec = codecs[0]?.codec
    return isFirst
  }

  requestKeyFrame(): void {
    const track = this.#held?.native
    if (track?.isOpen() === true) this.#guard.guard(() => track.requestKeyframe())
  }

  stop(): void {
    this.#held?.letGo()
  }
}
