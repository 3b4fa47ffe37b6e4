import { decodeUtf8, encodeUtf8 } from '../../lib/bytes/index.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type { Random } from '../../lib/runtime/index.ts'
import { ByteCollector } from './byte-streams.ts'

/** Numbers of RFC 6455 §5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

const MAX_CONTROL_BYTES = 125

/** What the peer did against RFC 6455, with the close code that tells it so (§7.4.1). */
export class WebSocketFailure extends LenskeyError {
  readonly closeCode: number

  constructor(closeCode: number, message: string) {
    super('ERR_WEB_SOCKET', message)
    this.closeCode = closeCode
  }
}

/** A frame as a client sends it: final, and masked with four fresh random bytes (§5.3). */
export function encodeClientFrame(opcode: number, payload: Uint8Array, random: Random): Uint8Array {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = new Uint8Array(6 + extended + length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127)
  for (let byte = 0, rest = length; byte < extended; byte++, rest = Math.floor(rest / 256)) frame[1 + extended - byte] = rest % 256
  const mask = random.bytes(4)
  const start = 2 + extended
  frame.set(mask, start)
  for (let at = 0; at < length; at++) frame[start + 4 + at] = payload[at] ^ mask[at & 3]
  return frame
}

/** The payload of a close frame; a reason that is too long is cut. */
export function encodeClose(code: number, reason: string): Uint8Array {
  let bytes = encodeUtf8(reason)
  while (bytes.length > MAX_CONTROL_BYTES - 2) {
    reason = reason.slice(0, -1)
    bytes = encodeUtf8(reason.replace(/[\ud800-\udbff]$/, ''))
  }
  const payload = new Uint8Array(2 + bytes.length)
  payload[0] = code >> 8
  payload[1] = code & 0xff
  payload.set(bytes, 2)
  return payload
}

export interface FrameHandlers {
  text(message: string): void
  ping(payload: Uint8Array): void
  /** @param code - 1005 when the frame had none */
  close(code: number, reason: string): void
}

/** Reads what a server sends, cut as the network likes. */
export class FrameReader {
  readonly #handlers: FrameHandlers
  readonly #maxMessageBytes: number
  readonly #header = new Uint8Array(10)
  #headerLength = 0
  #message: ByteCollector
  #control = new ByteCollector(MAX_CONTROL_BYTES)
  /** Of the message that is being put together. */
  #opcode: number | undefined
  #frame: { opcode: number; final: boolean } | undefined
  #left = 0
  #over = false

  constructor(maxMessageBytes: number, handlers: FrameHandlers) {
    this.#maxMessageBytes = maxMessageBytes
    this.#message = new ByteCollector(maxMessageBytes)
    this.#handlers = handlers
  }

  /** Nothing is delivered after a close frame (§5.5.1), nor after {@link stop}. @throws {WebSocketFailure} */
  read(bytes: Uint8Array): void {
    let at = 0
    while (!this.#over) {
      if (this.#frame === undefined) {
        if (at === bytes.length) return
        this.#header[this.#headerLength++] = bytes[at++]
        this.#readHeader()
      } else {
        const piece = bytes.subarray(at, at + this.#left)
        at += piece.length
        this.#left -= piece.length
        ;(this.#frame.opcode >= 8 ? this.#control : this.#message).add(piece)
        if (this.#left > 0) return
        const { opcode, final } = this.#frame
        this.#frame = undefined
        this.#headerLength = 0
        if (opcode >= 8) this.#takeControl(opcode, this.#control.take())
        else if (final) this.#takeMessage()
      }
    }
  }

  /** Whatever comes is dropped from here on. */
  stop(): void {
    this.#over = true
  }

  /** Looks at the header as soon as the bytes for it are there: a wrong one need not be waited for. */
  #readHeader(): void {
    const [first, second] = this.#header
    if (this.#headerLength === 1) {
      const opcode = first & 15
      // Without an extension that gives them a meaning these bits are 0 (§5.2); permessage-deflate would be one.
      if ((first & 0x70) !== 0) throw new WebSocketFailure(1002, 'a reserved bit is set')
      if ((opcode > 2 && opcode < 8) || opcode > 10) throw new WebSocketFailure(1002, 'a frame of an unknown kind')
      if (opcode >= 8 && first < 0x80) throw new WebSocketFailure(1002, 'a control frame in fragments')
      if (opcode === OPCODE.continuation && this.#opcode === undefined) throw new WebSocketFailure(1002, 'a continuation of nothing')
      if ((opcode === OPCODE.text || opcode === OPCODE.binary) && this.#opcode !== undefined) throw new WebSocketFailure(1002, 'a message within another')
      return
    }
    if (this.#headerLength === 2) {
      if (second >= 0x80) throw new WebSocketFailure(1002, 'the server masks its frames')
      if ((first & 15) >= 8 && second > MAX_CONTROL_BYTES) throw new WebSocketFailure(1002, 'a control frame is too long')
    }
    const wanted = second === 126 ? 4 : second === 127 ? 10 : 2
    if (this.#headerLength === wanted) this.#begin(wanted === 2 ? second : this.#extendedLength(wanted))
  }

  #extendedLength(end: number): number {
    // The highest bit must be 0, and numbers are exact to 2^53 only; both are far over any limit.
    if (end === 10 && this.#header[2] >= 0x80) throw new WebSocketFailure(1002, 'an impossible length')
    let length = 0
    for (let at = 2; at < end; at++) length = length * 256 + this.#header[at]
    if (length < (end === 4 ? 126 : 65_536)) throw new WebSocketFailure(1002, 'a length written longer than it needs')
    return length
  }

  #begin(length: number): void {
    const opcode = this.#header[0] & 15
    if (opcode < 8) {
      if (!this.#message.hasRoomFor(length)) throw new WebSocketFailure(1009, `a message has more than ${this.#maxMessageBytes} bytes`)
      if (opcode !== OPCODE.continuation) this.#opcode = opcode
    }
    this.#frame = { opcode, final: this.#header[0] >= 0x80 }
    this.#left = length
  }

  #takeMessage(): void {
    const isText = this.#opcode === OPCODE.text
    this.#opcode = undefined
    const bytes = this.#message.take()
    if (isText) this.#handlers.text(strictText(bytes))
  }

  #takeControl(opcode: number, payload: Uint8Array): void {
    if (opcode === OPCODE.ping) this.#handlers.ping(payload)
    if (opcode !== OPCODE.close) return
    this.#over = true
    if (payload.length === 0) {
      this.#handlers.close(1005, '')
      return
    }
    const code = payload.length === 1 ? 0 : payload[0] * 256 + payload[1]
    if (!mayBeSent(code)) throw new WebSocketFailure(1002, 'the close code is none')
    this.#handlers.close(code, strictText(payload.subarray(2)))
  }
}

function strictText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch {
    throw new WebSocketFailure(1007, 'text that is not UTF-8')
  }
}

/** §7.4: defined and meant for the wire, or of an application's own range. */
function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
}
