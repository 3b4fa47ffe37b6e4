import { isObject } from '../signaling/json.ts'

/** What became of a track (protocol/edge-webrtc.md §2.4); `OK` is mostly left out. */
export const TRACK_ERRORS = ['OK', 'ACCESS_DENIED', 'UNKNOWN_TRACK_ID', 'INVALID_CODECS', 'UNKNOWN_ERROR'] as const
export type TrackError = (typeof TRACK_ERRORS)[number]

/** One track as both ends name it. */
export interface TrackEntry {
  /** Of its `m=` section. */
  mid: string
  /** The application's own name of it. */
  trackId: string
  error?: TrackError
}

/** What rides along with an offer or answer. */
export interface SessionMetadata {
  /** Always there: a browser client of the older protocol drops a message without it. */
  tracks: TrackEntry[]
  /** `FAILED` when any track has an error. */
  status: 'OK' | 'FAILED'
  /** The sender takes no candidates after the description. */
  noTrickle?: boolean
}

/** Whatever has a mid once it is negotiated: a browser's transceiver, an engine's sender. */
export interface TrackHolder {
  readonly mid?: string | null
}

/** Tracks of one connection, whichever end names them; entries past it are not kept. */
export const MAX_TRACKS = 32
/** Characters of a mid or a track id; an entry with more is not kept. */
export const MAX_TRACK_NAME = 128

/**
 * Reads metadata of a peer as far as it makes sense: it describes a session that works without it, so that nothing in it is
 * worth an error. Undefined when there is none.
 */
export function decodeSessionMetadata(value: unknown): SessionMetadata | undefined {
  if (!isObject(value)) return undefined
  const tracks = Array.isArray(value.tracks) ? entriesOf(value.tracks) : []
  return { tracks, status: statusOf(tracks), ...(value.noTrickle === true && { noTrickle: true }) }
}

function entriesOf(values: unknown[]): TrackEntry[] {
  const found = new Map<string, TrackEntry>()
  for (const value of values.slice(0, MAX_TRACKS)) {
    if (!isObject(value)) continue
    const { mid, trackId, error = 'OK' } = value
    if (!isName(mid) || !isName(trackId)) continue
    found.set(mid, entry(mid, trackId, isTrackError(error) ? error : 'UNKNOWN_ERROR'))
  }
  return [...found.values()]
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TRACK_NAME
}

export function isTrackError(value: unknown): value is TrackError {
  return (TRACK_ERRORS as readonly unknown[]).includes(value)
}

function entry(mid: string, trackId: string, error: TrackError | undefined): TrackEntry {
  return error === undefined || error === 'OK' ? { mid, trackId } : { mid, trackId, error }
}

function statusOf(tracks: TrackEntry[]): SessionMetadata['status'] {
  return tracks.some(({ error }) => error !== undefined) ? 'FAILED' : 'OK'
}

/**
 * The names of the tracks of one connection, and what became of them, at one end. Both dialects keep them so
 * (protocol/edge-webrtc.md §2.4): a device goes by the last metadata it got, a client by all it ever got; what this end
 * knows better comes on top.
 */
export class TrackMetadata {
  /** Once true it stays so: the peer takes no candidates after a description. */
  noTrickle = false
  readonly #isDevice: boolean
  #received = new Map<string, TrackEntry>()
  readonly #named: { readonly holder: TrackHolder; readonly trackId: string; error: TrackError | undefined }[] = []

  constructor(role: 'device' | 'client') {
    this.#isDevice = role === 'device'
  }

  /** Whether this end or the other has named a track: without one there is nothing to say to a peer that need not be told. */
  get isEmpty(): boolean {
    return this.#received.size === 0 && this.#named.length === 0
  }

  /**
   * Takes what came with an offer or answer, as it came. To be called for those that are applied alone: not for an offer that
   * is ignored because it collides with our own.
   * @returns the entries it held
   */
  take(value: unknown): readonly TrackEntry[] {
    const metadata = decodeSessionMetadata(value)
    if (metadata === undefined) return []
    if (this.#isDevice) this.#received.clear()
    for (const track of metadata.tracks) {
      if (this.#received.has(track.mid) || this.#received.size < MAX_TRACKS) this.#received.set(track.mid, track)
    }
    if (metadata.noTrickle === true) this.noTrickle = true
    return metadata.tracks
  }

  /**
   * Names a track of ours, or says what became of one of the peer's; once more for the same holder replaces it.
   * @param holder - whose mid may come later
   * @throws {RangeError} a name too long, or one track too many
   */
  name(holder: TrackHolder, trackId: string, error?: TrackError): void {
    if (!isName(trackId)) throw new RangeError(`a track id has at most ${MAX_TRACK_NAME} characters`)
    this.forget(holder)
    if (this.#named.length >= MAX_TRACKS) throw new RangeError(`a connection has at most ${MAX_TRACKS} named tracks`)
    this.#named.push({ holder, trackId, error })
  }

  /** Takes a name away; nothing happens when there is none. */
  forget(holder: TrackHolder): void {
    const at = this.#named.findIndex((named) => named.holder === holder || (holder.mid !== undefined && holder.mid !== null && named.holder.mid === holder.mid))
    if (at >= 0) this.#named.splice(at, 1)
  }

  /** Whether the track in the section `mid` is one that this end has named. */
  isOurs(mid: string): boolean {
    return this.#named.some(({ holder }) => holder.mid === mid)
  }

  /** What is known of the track in the section `mid`. */
  find(mid: string): TrackEntry | undefined {
    return this.outgoing().tracks.find((track) => track.mid === mid)
  }

  /** Mid of the track with that id, where it has one. */
  midOf(trackId: string): string | undefined {
    return this.outgoing().tracks.find((track) => track.trackId === trackId)?.mid
  }

  /**
   * What to send along with our next offer or answer.
   * @param mids - for a client: the sections there are; others are left out
   */
  outgoing(mids?: readonly string[]): SessionMetadata {
    const tracks = new Map(this.#received)
    for (const { holder: { mid }, trackId, error } of this.#named) {
      if (typeof mid !== 'string') continue
      const received = tracks.get(mid)
      // A client leaves to the device what it once said of a track; a device knows best what became of one.
      if (received === undefined) tracks.set(mid, entry(mid, trackId, error))
      else if (this.#isDevice) tracks.set(mid, entry(mid, received.trackId, error))
    }
    const list = [...tracks.values()].filter(({ mid }) => mids?.includes(mid) ?? true)
    return { tracks: list, status: statusOf(list) }
  }
}
