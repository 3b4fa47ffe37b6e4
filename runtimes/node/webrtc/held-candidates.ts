import { LenskeyError } from '../../../lib/errors.ts'

/** For so long one end may look for the path before the other end can. */
export const HEAD_START_MS = 150
/** For no longer than this after its answer do the peer's candidates wait. */
export const LONGEST_WAIT_MS = 500
/** More of the peer's do not wait. */
export const MAX_WAITING = 64

/**
 * The candidates of both ends, until native code can stand them. A peer that knew ours before its description is applied could finish
 * its handshake while native code is taking that in, and would be refused for a fingerprint that is not known yet. Nor may its
 * handshake begin before our end of the path is up: libdatachannel 0.24 loses such a beginning, which costs a second, or, where the
 * path begins at a relay of ours, waits for itself for ever. So the end that offered, which waits for the handshake, looks first:
 *
 * - A path from an address of our own is open to who knows that address. Such candidates are kept back until our end is up, or for
 *   `HEAD_START_MS`.
 * - A relay lets nobody in whom we do not know. Such candidates are announced at once, and those of the peer wait until it has had
 *   `HEAD_START_MS` to try, in vain, what it has heard of; the time from offer to answer tells how long hearing takes.
 */
export class HeldCandidates {
  readonly #refused: (error: unknown) => void
  /** How to announce ours; undefined when nothing is kept back any more. */
  #ours: (() => void)[] | undefined = []
  /** How to take the peer's; undefined when none has to wait. */
  #theirs: (() => void)[] | undefined
  #timer: NodeJS.Timeout | undefined
  #offeredAt = 0
  #answeredAt: number | undefined
  #lastRelayAt: number | undefined
  #isGathered = false

  /** @param refused - told of one of the peer's that was taken late and does not fit */
  constructor(refused: (error: unknown) => void) {
    this.#refused = refused
  }

  /** Whether any of ours may still be kept back, so that a description must not name them either. */
  get isHolding(): boolean {
    return this.#ours !== undefined
  }

  /** Whether what the peer has must wait. */
  get mustWait(): boolean {
    return this.#theirs !== undefined
  }

  /** Announces one of ours, now or when its time has come. */
  take(candidate: string, announce: () => void): void {
    const isRelayed = isRelay(candidate)
    if (isRelayed) this.#lastRelayAt = performance.now()
    if (this.#ours === undefined || isRelayed) announce()
    else this.#ours.push(announce)
  }

  /**
   * Takes one of the peer's, now or when its time has come.
   * @param add - what it throws now is thrown here
   * @throws {LenskeyError} `ERR_WEBRTC_TOO_MANY_CANDIDATES` past `MAX_WAITING`
   */
  takeTheirs(add: () => void): void {
    if (this.#theirs === undefined) add()
    else if (this.#theirs.length < MAX_WAITING) this.#theirs.push(add)
    else throw new LenskeyError('ERR_WEBRTC_TOO_MANY_CANDIDATES', 'the peer has more candidates than can be tried')
  }

  /** Our offer is made. @param withRelay - whether there is a relay that ours can come from */
  offered(withRelay: boolean): void {
    this.#offeredAt = performance.now()
    if (withRelay && this.#ours !== undefined) this.#theirs ??= []
  }

  /** All of ours are known. */
  gathered(): void {
    this.#isGathered = true
    if (this.#theirs !== undefined) this.#wait()
  }

  /** A description of the peer is applied: its offer, or what it answers to ours. */
  described(isOffer: boolean): void {
    if (isOffer) this.release()
    else if (this.#ours !== undefined && this.#answeredAt === undefined) {
      this.#answeredAt = performance.now()
      if (this.#theirs === undefined) this.#look()
      else this.#wait()
    }
  }

  /** Nothing is kept back from here on. */
  release(): void {
    clearTimeout(this.#timer)
    const ours = this.#ours ?? []
    this.#ours = undefined
    this.#letIn()
    for (const announce of ours) announce()
  }

  /** Forgets them; the connection is closed. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#ours = []
    this.#theirs = []
  }

  /** Waits until the peer has tried what it knows of ours. */
  #wait(): void {
    if (this.#answeredAt === undefined) return
    let until = this.#answeredAt + LONGEST_WAIT_MS
    if (this.#isGathered) {
      const heardAfter = (this.#answeredAt - this.#offeredAt) / 2
      until = this.#lastRelayAt === undefined ? 0 : Math.min(until, this.#lastRelayAt + heardAfter + HEAD_START_MS)
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), until - performance.now())
  }

  /** Our end looks for the path, and then the other. */
  #look(): void {
    this.#letIn()
    this.#timer = setTimeout(() => this.release(), HEAD_START_MS)
  }

  #letIn(): void {
    const theirs = this.#theirs ?? []
    this.#theirs = undefined
    for (const add of theirs) {
      try {
        add()
      } catch (error) {
        this.#refused(error)
      }
    }
  }
}

/** Whether a candidate is of a relay. */
export function isRelay(candidate: string): boolean {
  return / typ relay/.test(candidate)
}
