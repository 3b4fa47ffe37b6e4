import { concatBytes } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'

/** Tags that keys and signatures are made of (X.690). */
export const DER = {
  integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, context0: 0xa0, context1: 0xa1, implicit1: 0x81,
} as const

/**
 * Reads DER and nothing looser: definite lengths in their shortest form, at most 65,535 bytes.
 * Every method throws {LenskeyError} `ERR_DER` when the bytes are not as asked.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Content of the next element, which must carry this tag. */
  read(tag: number): Uint8Array {
    if (this.#next() !== tag) throw malformed()
    let length = this.#next()
    if (length > 0x80 && length <= 0x82) {
      const octets = length - 0x80
      length = this.#next()
      if (octets === 2) length = (length << 8) | this.#next()
      if (length < (octets === 2 ? 0x100 : 0x80)) throw malformed()
    } else if (length >= 0x80) {
      throw malformed()
    }
    if (length > this.#bytes.length - this.#at) throw malformed()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** Whether there is a next element and it carries this tag. */
  has(tag: number): boolean {
    return this.#bytes[this.#at] === tag
  }

  enter(tag: number): DerReader {
    return new DerReader(this.read(tag))
  }

  /** A bit string of whole bytes. */
  readBits(tag: number = DER.bitString): Uint8Array {
    const content = this.read(tag)
    if (content[0] !== 0) throw malformed()
    return content.subarray(1)
  }

  /** Bytes of a non-negative integer in its shortest form, without the sign byte. */
  readInteger(): Uint8Array {
    const content = this.read(DER.integer)
    if (content.length === 0 || content[0] >= 0x80) throw malformed()
    if (content.length > 1 && content[0] === 0) {
      if (content[1] < 0x80) throw malformed()
      return content.subarray(1)
    }
    return content
  }

  /** Refuses anything left over. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed()
  }

  #next(): number {
    if (this.#at >= this.#bytes.length) throw malformed()
    return this.#bytes[this.#at++]
  }
}

/** What is in a sequence that is all there is. */
export function enterSequence(der: Uint8Array): DerReader {
  const outer = new DerReader(der)
  const inner = outer.enter(DER.sequence)
  outer.end()
  return inner
}

/** One element around the concatenation of `contents`. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...contents)
  const { length } = content
  if (length > 0xffff) throw new RangeError('DER elements here hold at most 65,535 bytes')
  const header = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return concatBytes(Uint8Array.from(header), content)
}

function malformed(): LenskeyError {
  return new LenskeyError('ERR_DER', 'not well-formed DER')
}
