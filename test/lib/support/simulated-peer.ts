import type { JSONValue } from '../../../lib/signaling/index.ts'

type Frame = Record<string, unknown>

/**
 * The other end of a channel, made by hand: reliability as published SDKs do it, with every message and error it saw kept
 * for a look. `acksEverything` is the kind of peer that also delivers duplicates and what comes out of order.
 */
export class SimulatedPeer {
  readonly messages: JSONValue[] = []
  readonly errors: { code: string; message?: string }[] = []
  readonly frames: Frame[] = []
  connected = true
  /** Frames are lost on their way to it until it connects again. */
  dropping = false
  acksEverything = false
  /** Acknowledgements are lost on their way from it. */
  mute = false
  readonly #deliver: (frame: Frame) => void
  readonly #unacked: Frame[] = []
  #nextSeq = 0
  #expected = 0

  /** @param deliver - brings a `MESSAGE` or `ERROR` body to the end under test */
  constructor(deliver: (frame: Frame) => void) {
    this.#deliver = deliver
  }

  send(data: JSONValue): void {
    const frame = { type: 'DATA', seq: this.#nextSeq++, data }
    this.#unacked.push(frame)
    if (this.connected) this.#deliver({ type: 'MESSAGE', message: frame })
  }

  sendError(code: string, message?: string): void {
    this.#deliver({ type: 'ERROR', error: { code, message } })
  }

  connect(): void {
    this.connected = true
    this.dropping = false
    this.retransmit()
  }

  retransmit(): void {
    for (const frame of this.#unacked) this.#deliver({ type: 'MESSAGE', message: frame })
  }

  /** One routing frame that reached it. */
  receive(frame: Frame): void {
    if (this.dropping) return
    this.frames.push(frame)
    if (frame.type === 'ERROR') this.errors.push(frame.error as { code: string; message?: string })
    if (frame.type === 'PEER_CONNECTED') this.retransmit()
    if (frame.type !== 'MESSAGE') return
    const { type, seq, data } = frame.message as { type: string; seq: number; data: JSONValue }
    if (type === 'ACK') {
      if (this.#unacked.length > 0 && this.#unacked[0].seq === seq) this.#unacked.shift()
      return
    }
    if (seq > this.#expected && !this.acksEverything) return
    if (!this.mute) this.#deliver({ type: 'MESSAGE', message: { type: 'ACK', seq } })
    if (seq === this.#expected || this.acksEverything) {
      this.#expected = Math.max(this.#expected, seq + 1)
      this.messages.push(data)
    }
  }
}
