import { LenskeyError } from '../../../lib/errors.ts'

/** For so long one end tries before the other end can. */
export const HEAD_START_MS = 150
/** No longer than this after the answer are relays of ours waited for. */
export const LONGEST_WAIT_MS = 500
/** More of the peer's candidates do not wait. */
export const MAX_WAITING = 64

/**
 * The candidates of both ends, until native code can stand them. A peer that knew ours before its description is applied could finish
 * its handshake while native code is taking that in, and would be refused for a fingerprint that is not known yet. Nor may its
 * handshake begin before our end of the path is up: libdatachannel 0.24 loses such a beginning, which costs a second, or, where the
 * path begins at a relay of ours, waits for itself for ever. So the first check that gets through has to come from the end that offered,
 * which waits for the handshake. What it does about that depends on the path:
 *
 * - A path from an address of our own is open to who knows that address. Such candidates are kept back until our end is up, or has been
 *   trying for `HEAD_START_MS`.
 * - A relay lets nobody in whom we do not know. Such candidates are announced at once, and those of the peer wait until it has tried
 *   them for `HEAD_START_MS`, in vain: its own relay lets us in from then on. The time from offer to answer tells when it has heard of
 *   ours; what it has relayed itself waits as long from when it comes.
 */
export class HeldCandidates {
  /** Told of one of the peer's that has waited and does not fit. */
  readonly #refused: (error: unknown) => void
  /** How to announce ours; undefined when nothing is kept back any more. */
  #ours: (() => void)[] | undefined = []
  /** How to take the peer's. */
  #theirs: { notBefore: number; add: () => void }[] = []
  #mustWait = false
  #timer: NodeJS.Timeout | undefined
  #offeredAt = 0
  #answeredAt: number | undefined
  #lastRelayAt: number | undefined
  #isGathered = false
  #isDropped = false

  constructor(refused: (error: unknown) => void) {
    this.#refused = refused
  }

  /** Whether any of ours may still be kept back, so that a description must not name them either. */
  get isHolding(): boolean {
    return this.#ours !== undefined
  }

  /** Whether the peer's may have to wait, so that native code must not read them out of a description. */
  get mustWait(): boolean {
    return this.#mustWait
  }

  /** Announces one of ours, now or when its time has come. */
  announce(candidate: string, announce: () => void): void {
    const isRelayed = isRelay(candidate)
    if (isRelayed) this.#lastRelayAt = performance.now()
    if (this.#ours === undefined || isRelayed) announce()
    else this.#ours.push(announce)
    this.#schedule()
  }

  /**
   * Takes one of the peer's, now or when its time has come.
   * @param add - what it throws now is thrown here
   * @throws {LenskeyError} `ERR_WEBRTC_TOO_MANY_CANDIDATES` past `MAX_WAITING`
   */
  take(candidate: string, add: () => void): void {
    if (!this.#mustWait) {
      add()
      return
    }
    if (this.#theirs.length === MAX_WAITING) throw new LenskeyError('ERR_WEBRTC_TOO_MANY_CANDIDATES', 'the peer has more candidates than can be tried')
    this.#theirs.push({ notBefore: isRelay(candidate) ? performance.now() + HEAD_START_MS : 0, add })
    this.#schedule()
  }

  /** Our first offer is made, or another in its place. @param withRelay - whether there is a relay that ours can come from */
  offered(withRelay: boolean): void {
    if (this.#ours === undefined || this.#answeredAt !== undefined) return
    this.#offeredAt = performance.now()
    this.#mustWait = withRelay
  }

  /** All of ours are known. */
  gathered(): void {
    this.#isGathered = true
    this.#schedule()
  }

  /** A description of the peer is applied: its offer, or what it answers to ours. The first decides who waits for whom. */
  described(isOffer: boolean): void {
    if (this.#ours === undefined || this.#answeredAt !== undefined) return
    if (isOffer) this.release()
    else {
      this.#answeredAt = performance.now()
      this.#schedule()
    }
  }

  /** Our end is up, or does not have to be: nothing is kept back from here on. */
  release(): void {
    clearTimeout(this.#timer)
    this.#mustWait = false
    for (const { add } of this.#theirs.splice(0)) this.#add(add)
    this.#announceOurs()
  }

  /** Forgets them; the connection is closed. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#isDropped = true
    this.#ours = []
    this.#theirs = []
  }

  /** When we may try; undefined before the answer. */
  #opensAt(): number | undefined {
    const [answeredAt, offeredAt, lastRelayAt] = [this.#answeredAt, this.#offeredAt, this.#lastRelayAt]
    if (answeredAt === undefined || !this.#mustWait) return answeredAt
    const latest = answeredAt + LONGEST_WAIT_MS
    if (!this.#isGathered) return latest
    return lastRelayAt === undefined ? answeredAt : Math.min(latest, Math.max(answeredAt, lastRelayAt + (answeredAt - offeredAt) / 2 + HEAD_START_MS))
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const opensAt = this.#opensAt()
    if (opensAt === undefined || this.#isDropped) return
    const due = this.#theirs.map(({ notBefore }) => Math.max(opensAt, notBefore))
    if (this.#ours !== undefined) due.push(opensAt + HEAD_START_MS)
    if (due.length > 0) this.#timer = setTimeout(() => this.#run(opensAt), Math.max(0, Math.min(...due) - performance.now()))
  }

  #run(opensAt: number): void {
    const now = performance.now()
    const due = this.#theirs.filter(({ notBefore }) => Math.max(opensAt, notBefore) <= now)
    this.#theirs = this.#theirs.filter((waiting) => !due.includes(waiting))
    for (const { add } of due) this.#add(add)
    if (opensAt + HEAD_START_MS <= now) this.#announceOurs()
    this.#schedule()
  }

  #add(add: () => void): void {
    try {
      add()
    } catch (error) {
      this.#refused(error)
    }
  }

  #announceOurs(): void {
    const ours = this.#ours ?? []
    this.#ours = undefined
    for (const announce of ours) announce()
  }
}

/** Whether a candidate is of a relay. */
export function isRelay(candidate: string): boolean {
  return / typ relay/.test(candidate)
}
