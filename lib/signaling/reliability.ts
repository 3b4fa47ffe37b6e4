import { encodeUtf8 } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { JSONValue } from './json.ts'
import type { SignalingLimits } from './limits.ts'

/** Room for what the routing layer puts around a frame. */
const ROUTING_BYTES = 512

type SenderLimits = Pick<SignalingLimits, 'maxFrameBytes' | 'maxUnackedMessages' | 'maxUnackedLength'>

/** A message on its way to the peer. */
export interface Unacked {
  readonly seq: number
  /** The DATA frame as JSON, written once. */
  readonly frame: string
  /** The socket that last carried it, by its number; 0 when none has. */
  socket: number
  sentMs: number
}

/**
 * Sending half of the reliability layer (protocol/webrtc-signaling.md §4): numbers messages and keeps them until they are
 * acknowledged. It knows nothing of sockets and timers.
 */
export class ReliableSender {
  readonly #unacked: Unacked[] = []
  readonly #limits: SenderLimits
  #nextSeq = 0
  #length = 0

  constructor(limits: SenderLimits) {
    this.#limits = limits
  }

  get pending(): number {
    return this.#unacked.length
  }

  /**
   * @throws {TypeError} when `data` is not JSON; {LenskeyError} `ERR_SIGNALING_MESSAGE_TOO_LARGE`, or
   * `ERR_SIGNALING_QUEUE_FULL` when too much waits already. Nothing is queued then.
   */
  add(data: JSONValue): Unacked {
    const json = JSON.stringify(data) as string | undefined
    if (json === undefined) throw new TypeError('a message must be JSON: an object, array, string, number, boolean or null')
    const frame = `{"type":"DATA","seq":${this.#nextSeq},"data":${json}}`
    const { maxFrameBytes, maxUnackedMessages, maxUnackedLength } = this.#limits
    // UTF-8 has at most three bytes for each unit of a string, so most frames need no closer look.
    const room = maxFrameBytes - ROUTING_BYTES
    if (frame.length * 3 > room && encodeUtf8(frame).length > room) {
      throw new LenskeyError('ERR_SIGNALING_MESSAGE_TOO_LARGE', `a message may be ${room} bytes long as JSON`)
    }
    if (this.#unacked.length >= maxUnackedMessages || this.#length + frame.length > maxUnackedLength) {
      throw new LenskeyError(
        'ERR_SIGNALING_QUEUE_FULL',
        `${this.#unacked.length} messages wait for the peer already; send again when it has come back`,
      )
    }
    const message: Unacked = { seq: this.#nextSeq++, frame, socket: 0, sentMs: 0 }
    this.#unacked.push(message)
    this.#length += frame.length
    return message
  }

  /** Only the oldest message can be acknowledged: retransmission in order brings every other acknowledgement again. */
  acknowledge(seq: number): boolean {
    if (this.#unacked.length === 0 || this.#unacked[0].seq !== seq) return false
    this.#length -= this.#unacked[0].frame.length
    this.#unacked.shift()
    return true
  }

  /** Oldest first. */
  unacked(): readonly Unacked[] {
    return this.#unacked
  }

  clear(): void {
    this.#unacked.length = 0
    this.#length = 0
  }
}

/** What to do with a DATA frame: `new` is acknowledged and delivered, `duplicate` only acknowledged, `gap` neither. */
export type Arrival = 'new' | 'duplicate' | 'gap'

/** Receiving half (§4). */
export class ReliableReceiver {
  #expected = 0

  receive(seq: number): Arrival {
    if (seq > this.#expected) return 'gap'
    if (seq < this.#expected) return 'duplicate'
    this.#expected++
    return 'new'
  }
}
