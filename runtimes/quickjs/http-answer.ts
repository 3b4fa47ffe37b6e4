import { LenskeyError } from '../../lib/errors.ts'
import { ByteCollector } from './byte-streams.ts'

/** Status line and headers of an answer. */
export interface AnswerHead {
  status: number
  /** By lower-case name; those that came several times are joined by `, ` (RFC 9110 §5.3). */
  headers: Map<string, string>
}

/** Longest head, and so the most that one line can have. */
export const MAX_HEAD_BYTES = 16_384
/** Most header lines; also of a trailer. */
const MAX_LINES = 100
/** Interim answers (RFC 9110 §15.2) before the one that counts. */
const MAX_INTERIM = 8
/** A chunk's size with its extensions. */
const MAX_CHUNK_LINE_BYTES = 1024

const CR = 13
const LF = 10

/** Takes lines that end in CR LF out of pieces; a CR or LF alone is refused, since two readers may see different lines in it. */
export class LineReader {
  #line: ByteCollector
  #afterCr = false

  constructor(maxBytes: number) {
    this.#line = new ByteCollector(maxBytes)
  }

  /** @returns the line without its end, as Latin-1, and where it ended; undefined when `bytes` holds no end */
  read(bytes: Uint8Array, from: number): { line: string; end: number } | undefined {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]
      if (this.#afterCr) {
        if (byte !== LF) throw badAnswer('a carriage return stands alone')
        this.#afterCr = false
        return { line: latin1(this.#line.take()), end: at + 1 }
      }
      if (byte === LF) throw badAnswer('a line feed stands alone')
      if (byte === CR) {
        this.#add(bytes.subarray(from, at))
        this.#afterCr = true
        from = at + 1
      } else if (byte === 0) throw badAnswer('a line holds a NUL')
    }
    if (!this.#afterCr) this.#add(bytes.subarray(from))
    return undefined
  }

  #add(piece: Uint8Array): void {
    if (!this.#line.hasRoomFor(piece.length)) throw badAnswer('a line is too long')
    this.#line.add(piece)
  }
}

/** Reads status line and headers (RFC 9112 §2 to §5), strictly: what two readers could understand differently is refused. */
export class HeadReader {
  #lines = new LineReader(MAX_HEAD_BYTES)
  #length = 0
  #count = 0
  #interim = 0
  #head: AnswerHead | undefined

  /** @returns the head and where it ended, or undefined while it goes on. @throws {LenskeyError} `ERR_HTTP_ANSWER` */
  read(bytes: Uint8Array): { head: AnswerHead; end: number } | undefined {
    let at = 0
    for (let found = this.#lines.read(bytes, at); found !== undefined; found = this.#lines.read(bytes, at)) {
      this.#length += found.line.length + 2
      if (this.#length > MAX_HEAD_BYTES) throw badAnswer(`its headers have more than ${MAX_HEAD_BYTES} bytes`)
      at = found.end
      if (this.#head === undefined) this.#head = { status: statusOf(found.line), headers: new Map() }
      else if (found.line !== '') this.#addHeader(this.#head.headers, found.line)
      else {
        const head = this.#head
        if (head.status >= 200 || head.status === 101) return { head, end: at }
        if (++this.#interim > MAX_INTERIM) throw badAnswer('interim answers do not end')
        this.#head = undefined
      }
    }
    return undefined
  }

  #addHeader(headers: Map<string, string>, line: string): void {
    if (++this.#count > MAX_LINES) throw badAnswer(`it has more than ${MAX_LINES} headers`)
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line)
    if (parts === null) throw badAnswer('a header is none')
    const name = parts[1].toLowerCase()
    const before = headers.get(name)
    headers.set(name, before === undefined ? parts[2] : `${before}, ${parts[2]}`)
  }
}

function statusOf(line: string): number {
  const parts = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: .*)?$/.exec(line)
  if (parts === null) throw badAnswer('its first line is not that of HTTP/1.1')
  return Number(parts[1])
}

/** One whole answer. */
export class AnswerReader {
  head: AnswerHead | undefined
  readonly #heads = new HeadReader()
  readonly #body: ByteCollector
  readonly #maxBodyBytes: number
  readonly #withoutBody: boolean
  #rest: (bytes: Uint8Array, from: number) => boolean = () => false
  #untilClosed = false

  /** @param withoutBody - the method was HEAD */
  constructor(maxBodyBytes: number, withoutBody: boolean) {
    this.#body = new ByteCollector(maxBodyBytes)
    this.#maxBodyBytes = maxBodyBytes
    this.#withoutBody = withoutBody
  }

  /** @returns whether the answer is whole. @throws {LenskeyError} `ERR_HTTP_ANSWER`, `ERR_HTTP_TOO_LARGE` */
  read(bytes: Uint8Array): boolean {
    if (this.head !== undefined) return this.#rest(bytes, 0)
    const found = this.#heads.read(bytes)
    if (found === undefined) return false
    this.head = found.head
    this.#rest = this.#bodyReader(found.head)
    return this.#rest(bytes, found.end)
  }

  /** The server has ended the stream. @returns whether that was the end of the answer */
  ended(): boolean {
    return this.#untilClosed
  }

  takeBody(): Uint8Array {
    return this.#body.take()
  }

  /** How the body's length is told (RFC 9112 §6.3). */
  #bodyReader({ status, headers }: AnswerHead): (bytes: Uint8Array, from: number) => boolean {
    if (status === 101) throw badAnswer('it switches to a protocol that nobody asked for')
    if (this.#withoutBody || status === 204 || status === 304) return () => true
    const coding = headers.get('transfer-encoding')
    const lengths = headers.get('content-length')
    if (coding !== undefined) {
      if (lengths !== undefined) throw badAnswer('it tells its length in two ways')
      if (coding.toLowerCase() !== 'chunked') throw badAnswer('it has a transfer coding other than chunked')
      return this.#chunks()
    }
    if (lengths === undefined) {
      this.#untilClosed = true
      return (bytes, from) => {
        this.#add(bytes.subarray(from))
        return false
      }
    }
    const [length, ...others] = new Set(lengths.split(/\s*,\s*/))
    if (others.length > 0 || !/^[0-9]{1,15}$/.test(length)) throw badAnswer('its content-length is none')
    if (Number(length) > this.#maxBodyBytes) throw tooLarge(this.#maxBodyBytes)
    return (bytes, from) => {
      this.#add(bytes.subarray(from, from + Number(length) - this.#body.length))
      return this.#body.length === Number(length)
    }
  }

  /** RFC 9112 §7.1. Extensions and trailers are read and dropped. */
  #chunks(): (bytes: Uint8Array, from: number) => boolean {
    let lines = new LineReader(MAX_CHUNK_LINE_BYTES)
    let state: 'size' | 'data' | 'data end' | 'trailer' = 'size'
    let left = 0
    let trailers = 0
    return (bytes, from) => {
      let at = from
      for (;;) {
        if (state === 'data') {
          const piece = bytes.subarray(at, at + left)
          this.#add(piece)
          at += piece.length
          left -= piece.length
          if (left > 0) return false
          state = 'data end'
        }
        const found = lines.read(bytes, at)
        if (found === undefined) return false
        at = found.end
        const { line } = found
        if (state === 'size') {
          const parts = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/.exec(line)
          if (parts === null) throw badAnswer('the size of a chunk is none')
          left = parseInt(parts[1], 16)
          if (left > this.#maxBodyBytes) throw tooLarge(this.#maxBodyBytes)
          if (left === 0) lines = new LineReader(MAX_HEAD_BYTES)
          state = left === 0 ? 'trailer' : 'data'
        } else if (state === 'data end') {
          if (line !== '') throw badAnswer('a chunk is longer than it said')
          state = 'size'
        } else if (line === '') return true
        else if (++trailers > MAX_LINES) throw badAnswer('its trailer does not end')
      }
    }
  }

  #add(piece: Uint8Array): void {
    if (!this.#body.hasRoomFor(piece.length)) throw tooLarge(this.#maxBodyBytes)
    this.#body.add(piece)
  }
}

export function badAnswer(why: string): LenskeyError {
  return new LenskeyError('ERR_HTTP_ANSWER', `the answer is not as HTTP/1.1 has it: ${why}`)
}

function tooLarge(maxBytes: number): LenskeyError {
  return new LenskeyError('ERR_HTTP_TOO_LARGE', `the answer has more than ${maxBytes} bytes`)
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
