import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts'
import { EdgeError } from './errors.ts'

/** Longest record, bytes of UTF-8: a description with a dozen tracks and all its candidates has a quarter of it. */
export const DEFAULT_MAX_EDGE_RECORD_BYTES = 262_144

const HEADER_BYTES = 4
/** What a record is given at first: an announcement alone costs the announcer nothing, and us no more than this. */
const FIRST_BYTES = 4096

/**
 * A record of the signaling stream (protocol/edge-webrtc.md §2.1): length in bytes, 32 bits little endian, then the text.
 * @throws {EdgeError} `ERR_EDGE_RECORD_TOO_LARGE`
 */
export function encodeEdgeRecord(text: string, maxBytes = DEFAULT_MAX_EDGE_RECORD_BYTES): Uint8Array {
  const content = encodeUtf8(text)
  if (content.length > maxBytes) throw tooLarge(content.length, maxBytes)
  const record = new Uint8Array(HEADER_BYTES + content.length)
  new DataView(record.buffer).setUint32(0, content.length, true)
  record.set(content, HEADER_BYTES)
  return record
}

/** Puts records together from the pieces in which a stream delivers them, however it cuts them. */
export class EdgeRecordDecoder {
  readonly #maxBytes: number
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  /** Of the record that is being read; undefined between records. */
  #content: Uint8Array | undefined
  #length = 0
  #bytes = 0
  #broken: EdgeError | undefined

  constructor(maxBytes = DEFAULT_MAX_EDGE_RECORD_BYTES) {
    this.#maxBytes = maxBytes
  }

  /**
   * Takes the next piece. Empty records are left out, and so are those that are no UTF-8.
   * @returns the texts that are whole now
   * @throws {EdgeError} `ERR_EDGE_RECORD_TOO_LARGE`, now and from then on: where the next record begins, nobody knows
   */
  push(piece: Uint8Array): string[] {
    if (this.#broken !== undefined) throw this.#broken
    const texts: string[] = []
    for (let at = 0; at < piece.length;) {
      at += this.#content === undefined ? this.#readHeader(piece, at) : this.#readContent(this.#content, piece, at)
      if (this.#content === undefined || this.#bytes < this.#length) continue
      const text = textOf(this.#content.subarray(0, this.#length))
      this.#content = undefined
      if (text !== undefined) texts.push(text)
    }
    return texts
  }

  #readHeader(piece: Uint8Array, at: number): number {
    this.#header[this.#headerBytes++] = piece[at]
    if (this.#headerBytes < HEADER_BYTES) return 1
    this.#headerBytes = 0
    this.#length = new DataView(this.#header.buffer).getUint32(0, true)
    if (this.#length > this.#maxBytes) throw (this.#broken = tooLarge(this.#length, this.#maxBytes))
    this.#bytes = 0
    if (this.#length > 0) this.#content = new Uint8Array(Math.min(this.#length, FIRST_BYTES))
    return 1
  }

  #readContent(content: Uint8Array, piece: Uint8Array, at: number): number {
    const taken = Math.min(piece.length - at, this.#length - this.#bytes)
    const needed = this.#bytes + taken
    if (needed > content.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(needed, content.length * 2)))
      grown.set(content)
      this.#content = content = grown
    }
    content.set(piece.subarray(at, at + taken), this.#bytes)
    this.#bytes = needed
    return taken
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes)
  } catch {
    return undefined
  }
}

function tooLarge(length: number, maxBytes: number): EdgeError {
  return new EdgeError('ERR_EDGE_RECORD_TOO_LARGE', `a record of ${length} bytes, where ${maxBytes} are the most`)
}
