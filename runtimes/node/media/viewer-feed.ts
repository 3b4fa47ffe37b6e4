import { type RtpHeader, withRtpPlace } from './rtp.ts'

export interface SourcePacket {
  bytes: Uint8Array
  header: RtpHeader
  startsKeyFrame: boolean
}

/** Between frames that are sent again in one go: 1 ms at 90 kHz, less than any camera has between two of its own. */
const catchUpStep = 90
/** Across a break of the source, of which nobody knows how long it was. */
const breakStep = 3000

/**
 * One viewer's place in the stream. Whatever is sent again, and however often the source begins anew, the viewer sees sequence
 * numbers that count on and timestamps that grow.
 */
export class ViewerFeed {
  readonly #sink: (packet: Uint8Array) => void
  /** What to add to the numbers of the source; undefined until a key frame begins. */
  #shift: { sequence: number; timestamp: number } | undefined
  #last: { sequence: number; timestamp: number } | undefined

  constructor(sink: (packet: Uint8Array) => void) {
    this.#sink = sink
  }

  /** A packet as it comes from the source. */
  live(packet: SourcePacket): void {
    if (this.#shift === undefined && !packet.startsKeyFrame) return
    this.#shift ??= this.#shiftTo(packet.header, breakStep)
    this.#send(packet, packet.header.timestamp + this.#shift.timestamp)
  }

  /** All packets since a key frame began, ahead of what comes next; their timestamps lie close together. */
  replay(packets: readonly SourcePacket[]): void {
    const first = packets.at(0)
    const latest = packets.at(-1)
    if (first === undefined || latest === undefined) return
    const frames = new Set(packets.map(({ header }) => header.timestamp)).size
    const shift = this.#shiftTo(first.header, catchUpStep)
    let timestamp = this.#last === undefined ? latest.header.timestamp - (frames - 1) * catchUpStep : this.#last.timestamp + catchUpStep
    this.#shift = shift
    let previous = first.header.timestamp
    for (const packet of packets) {
      if (packet.header.timestamp !== previous) timestamp += catchUpStep
      previous = packet.header.timestamp
      this.#send(packet, timestamp)
    }
    // The rest of the frame in progress, and all that follows, goes on from here.
    this.#shift = { sequence: shift.sequence, timestamp: timestamp - latest.header.timestamp }
  }

  /** The source begins anew, with numbers of its own: nothing fits until a key frame begins. */
  interrupt(): void {
    this.#shift = undefined
  }

  #shiftTo(next: RtpHeader, step: number): { sequence: number; timestamp: number } {
    if (this.#last === undefined) return { sequence: 0, timestamp: 0 }
    return { sequence: this.#last.sequence + 1 - next.sequenceNumber, timestamp: this.#last.timestamp + step - next.timestamp }
  }

  #send({ bytes, header }: SourcePacket, timestamp: number): void {
    const sequence = (header.sequenceNumber + (this.#shift?.sequence ?? 0)) & 0xffff
    this.#last = { sequence, timestamp: timestamp >>> 0 }
    this.#sink(withRtpPlace(bytes, sequence, timestamp >>> 0))
  }
}
