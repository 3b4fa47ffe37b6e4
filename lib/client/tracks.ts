import { type NegotiationMetadata, parseMediaSections, type SessionDescription, type TrackEntry, type TrackHolder, TrackMetadata } from '../webrtc/index.ts'

/** The part of a browser's connection that adds tracks. */
export interface TransceiverConnection<Track> {
  getTransceivers(): { readonly mid: string | null; direction: string; readonly sender: { replaceTrack(track: Track | null): Promise<void> } }[]
  addTransceiver(track: Track, init: { direction: 'sendrecv' }): TrackHolder
}

/** The names of one session's tracks at the client's end (protocol/edge-webrtc.md §2.4 and §3), for `ViewerOptions.metadata`. */
export class ClientTracks implements NegotiationMetadata {
  /** The camera has named a track, of its own or of ours, or said what became of one: `error` is there when it will not flow. */
  onchange: ((track: TrackEntry) => void) | undefined
  readonly #metadata = new TrackMetadata('client')

  take(metadata: unknown): void {
    const before = new Map(this.#metadata.outgoing().tracks.map((track) => [track.mid, track]))
    for (const track of this.#metadata.take(metadata)) {
      const old = before.get(track.mid)
      if (old?.trackId !== track.trackId || old.error !== track.error) this.onchange?.(track)
    }
  }

  outgoing({ sdp }: Pick<SessionDescription, 'sdp'>): object | undefined {
    return this.#metadata.isEmpty ? undefined : this.#metadata.outgoing(parseMediaSections(sdp).map(({ mid }) => mid))
  }

  /** What is known of the track in the section `mid`: for a browser's event `track`, that of its transceiver. */
  find(mid: string): TrackEntry | undefined {
    return this.#metadata.find(mid)
  }

  /** Names a track of ours, such as one of an engine's `addAudio`. To be called before it is offered. @throws {RangeError} */
  name(holder: TrackHolder, trackId: string): void {
    this.#metadata.name(holder, trackId)
  }

  /**
   * Sends a track of a browser to the device: on the one that the device has added under that id, where there is one, otherwise
   * on one of its own.
   * @throws {RangeError}
   */
  async addTrack<Track>(peerConnection: TransceiverConnection<Track>, track: Track, trackId: string): Promise<void> {
    const mid = this.#metadata.midOf(trackId)
    const transceiver = mid === undefined ? undefined : peerConnection.getTransceivers().find((candidate) => candidate.mid === mid)
    if (transceiver === undefined) {
      this.name(peerConnection.addTransceiver(track, { direction: 'sendrecv' }), trackId)
      return
    }
    transceiver.direction = 'sendrecv'
    await transceiver.sender.replaceTrack(track)
  }
}
