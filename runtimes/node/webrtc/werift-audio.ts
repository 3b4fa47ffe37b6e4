import type * as Werift from 'werift'
import type { AudioCodec, AudioTrack, AudioTrackOptions } from '../../../lib/webrtc/peer-connection.ts'
import type { Listeners } from './listeners.ts'

/** Sound on one transceiver of the library. One that the peer has added is heard only: the library does not answer on it. */
export class WeriftAudioTrack implements AudioTrack {
  onRtp: ((packet: Uint8Array) => void) | undefined
  onReady: (() => void) | undefined
  readonly transceiver: Werift.RTCRtpTransceiver
  readonly #native: Werift.RTCPeerConnection
  readonly #guard: Pick<Listeners<unknown>, 'guard'>
  readonly #isOurs: boolean
  #ready = false

  constructor(native: Werift.RTCPeerConnection, transceiver: Werift.RTCRtpTransceiver, guard: Pick<Listeners<unknown>, 'guard'>, isOurs: boolean) {
    this.#native = native
    this.transceiver = transceiver
    this.#guard = guard
    this.#isOurs = isOurs
  }

  /** A track of ours. */
  static offer(library: typeof Werift, native: Werift.RTCPeerConnection, { codec, trackId, direction = 'sendrecv' }: AudioTrackOptions, guard: Pick<Listeners<unknown>, 'guard'>): WeriftAudioTrack {
    const track = new library.MediaStreamTrack({ kind: 'audio', id: trackId })
    const transceiver = native.addTransceiver(track, { direction, streams: [new library.MediaStream({ id: trackId, tracks: [track] })] })
    // The library names the track at random otherwise.
    Object.assign(transceiver.sender, { trackId })
    transceiver.codecs = [codec === 'opus' ? library.useOPUS({ payloadType: 111 }) : library.usePCMU()]
    return new WeriftAudioTrack(native, transceiver, guard, true)
  }

  get mid(): string | undefined {
    return this.transceiver.mid ?? undefined
  }

  get codec(): AudioCodec | undefined {
    const name = this.transceiver.codecs.at(0)?.mimeType.toLowerCase()
    return name === 'audio/opus' ? 'opus' : name === 'audio/pcmu' ? 'PCMU' : undefined
  }

  get ready(): boolean {
    const { currentDirection, sender } = this.transceiver
    const isSending = currentDirection === 'sendonly' || currentDirection === 'sendrecv'
    return this.#isOurs && this.#native.connectionState === 'connected' && isSending && sender.codec !== undefined
  }

  /** Takes the peer's packets. */
  hear(track: Werift.MediaStreamTrack): void {
    track.onReceiveRtp.subscribe((packet) => this.#guard.guard(() => this.onRtp?.(packet.serialize())))
  }

  settle(): void {
    const before = this.#ready
    this.#ready = this.ready
    if (!before && this.#ready) this.#guard.guard(() => this.onReady?.())
  }

  sendRtp(packet: Uint8Array): void {
    if (!this.ready) return
    // Payload type and SSRC are the library's work. What it rejects is a packet lost, as on any network.
    this.transceiver.sender.sendRtp(Buffer.from(packet)).catch(() => undefined)
  }
}
