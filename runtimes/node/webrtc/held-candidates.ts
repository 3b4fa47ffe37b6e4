/** For so long the end that offered may look for the path before the other end can. */
export const HEAD_START_MS = 150

/**
 * Our candidates, until the first description of the peer is applied. A peer that knew them could finish its handshake while native
 * code is still taking in the description, and would be refused for a fingerprint that is not known yet. Nor may its handshake begin
 * before our end of the path is up: libdatachannel 0.24 loses such a beginning, which costs a second, or, rarely, waits for itself for ever.
 * So the end that offered, which waits for the handshake, keeps them until its end is up or `HEAD_START_MS` are over; the longer way
 * by a relay needs no head start.
 */
export class HeldCandidates {
  #held: { relayed: boolean; announce: () => void }[] | undefined = []
  #headStart: NodeJS.Timeout | undefined

  /** Whether any may still be kept back, so that a description must not name them either. */
  get isHolding(): boolean {
    return this.#held !== undefined
  }

  /** Announces one, now or when its time has come. */
  take(candidate: string, announce: () => void): void {
    const relayed = / typ relay/.test(candidate)
    if (this.#held === undefined || (relayed && this.#headStart !== undefined)) announce()
    else this.#held.push({ relayed, announce })
  }

  /** A description of the peer is applied: its offer, or what it answers to ours. */
  described(isOffer: boolean): void {
    if (isOffer) this.release()
    else if (this.#held !== undefined && this.#headStart === undefined) {
      this.#headStart = setTimeout(() => this.release(), HEAD_START_MS)
      for (const { relayed, announce } of this.#held) if (relayed) announce()
      this.#held = this.#held.filter(({ relayed }) => !relayed)
    }
  }

  /** Nothing is kept back from here on. */
  release(): void {
    clearTimeout(this.#headStart)
    const held = this.#held ?? []
    this.#held = undefined
    for (const { announce } of held) announce()
  }

  /** Forgets them; the connection is closed. */
  drop(): void {
    clearTimeout(this.#headStart)
    this.#held = []
  }
}
