import { roomForBody, writeBody } from './body.ts'
import { coapCodeByte, coapCodeOf } from './codes.ts'
import { CoapFormatError } from './errors.ts'
import { checkSize, type CoapDecodeOptions, type CoapMessage, readTokenAndBody } from './message.ts'

/**
 * One message for a transport that is reliable and keeps messages whole: RFC 8323 as it is over WebSockets (§4.2), where the
 * length field is zero.
 * @throws {RangeError} a token over 8 bytes, an option value that its definition does not take, a code that is none
 */
export function encodeCoapFrame(message: CoapMessage): Uint8Array {
  const { token } = message
  if (token.length > 8) throw new RangeError('a token has up to 8 bytes')
  const start = 2 + token.length
  const bytes = new Uint8Array(start + roomForBody(message))
  bytes[0] = token.length
  bytes[1] = coapCodeByte(message.code)
  bytes.set(token, 2)
  return bytes.subarray(0, writeBody(message, bytes, start))
}

/** @throws {CoapFormatError} */
export function decodeCoapFrame(bytes: Uint8Array, options: CoapDecodeOptions = {}): CoapMessage {
  checkSize(bytes, options)
  if (bytes.length < 2) throw new CoapFormatError('ERR_COAP_TRUNCATED', 'a header has 2 bytes', bytes.length)
  if (bytes[0] >> 4 !== 0) throw new CoapFormatError('ERR_COAP_MALFORMED', 'a length where the transport has one', 0)
  const code = coapCodeOf(bytes[1])
  const { token, options: list, payload, badOption } = readTokenAndBody(bytes, 2, bytes[0] & 15, code, options)
  return { code, token, options: list, payload, badOption }
}

/** A frame of `encodeCoapFrame` with the length in front that a stream of bytes needs (RFC 8323 §3.2). */
export function toCoapStream(frame: Uint8Array): Uint8Array {
  const tokenLength = frame[0] & 15
  const length = frame.length - 2 - tokenLength
  const head = length < 13 ? [length << 4]
    : length < 269 ? [13 << 4, length - 13]
      : length < 65_805 ? [14 << 4, (length - 269) >> 8, (length - 269) & 255]
        : [15 << 4, (length - 65_805) >>> 24, ((length - 65_805) >> 16) & 255, ((length - 65_805) >> 8) & 255, (length - 65_805) & 255]
  head[0] |= tokenLength
  const bytes = new Uint8Array(head.length + frame.length - 1)
  bytes.set(head)
  bytes.set(frame.subarray(1), head.length)
  return bytes
}

export interface CoapStreamReader {
  /**
   * @returns the frames that are complete now, as `decodeCoapFrame` takes them
   * @throws {CoapFormatError} `ERR_COAP_TOO_LARGE` as soon as a header announces it; the stream has no way on after that
   */
  read(chunk: Uint8Array): Uint8Array[]
}

/** Takes a stream of bytes apart again. @param maxBytes - of one frame, default 65,536 */
export function createCoapStreamReader({ maxBytes = 65_536 }: { maxBytes?: number } = {}): CoapStreamReader {
  let waiting = new Uint8Array(0)

  function take(bytes: Uint8Array, start: number): { frame: Uint8Array; end: number } | undefined {
    if (start >= bytes.length) return undefined
    const nibble = bytes[start] >> 4
    const tokenLength = bytes[start] & 15
    const width = nibble < 13 ? 0 : nibble === 13 ? 1 : nibble === 14 ? 2 : 4
    const code = start + 1 + width
    if (code >= bytes.length) return undefined
    let length = width === 0 ? nibble : 0
    for (let at = start + 1; at < code; at++) length = length * 256 + bytes[at]
    length += width === 1 ? 13 : width === 2 ? 269 : width === 4 ? 65_805 : 0
    if (length + tokenLength + 2 > maxBytes) throw new CoapFormatError('ERR_COAP_TOO_LARGE', `more than ${maxBytes} bytes`, start)
    const end = code + 1 + tokenLength + length
    if (end > bytes.length) return undefined
    const frame = new Uint8Array(end - code + 1)
    frame[0] = tokenLength
    frame.set(bytes.subarray(code, end), 1)
    return { frame, end }
  }

  return {
    read(chunk): Uint8Array[] {
      const bytes = new Uint8Array(waiting.length + chunk.length)
      bytes.set(waiting)
      bytes.set(chunk, waiting.length)
      const frames: Uint8Array[] = []
      let at = 0
      for (let next = take(bytes, at); next !== undefined; next = take(bytes, at)) {
        frames.push(next.frame)
        at = next.end
      }
      waiting = bytes.slice(at)
      return frames
    },
  }
}
