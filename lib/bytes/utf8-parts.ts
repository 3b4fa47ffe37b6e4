import { hostUtf8Parts } from './host-coders.ts'
import { decodeUtf8 } from './utf8.ts'

/** What `decodeUtf8Part` and `writeAscii` do for longer text, in the language alone. */
export const portableUtf8Parts = {
  decodePart: (bytes: Uint8Array, start: number, end: number): string => decodeUtf8(bytes.subarray(start, end)),
  writeAscii: writeAsciiPortably,
}

let chosen: typeof portableUtf8Parts | undefined

// Chosen at the first call, since modules do nothing while loading.
function coders(): typeof portableUtf8Parts {
  return (chosen ??= hostUtf8Parts({ decode: decodeUtf8, writeShortAscii: writeAsciiPortably, room: ASCII_ROOM }) ?? portableUtf8Parts)
}

/**
 * `decodeUtf8` of the bytes from `start` up to `end`, faster than of a view of them.
 * @throws {LenskeyError} `ERR_UTF8`
 */
export function decodeUtf8Part(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length >= SHORT) return coders().decodePart(bytes, start, end)
  const units = new Array<number>(length)
  for (let at = 0; at < length; at++) {
    const byte = bytes[start + at]
    if (byte > 127) return coders().decodePart(bytes, start, end)
    units[at] = byte
  }
  return String.fromCharCode.apply(null, units)
}

/**
 * Writes text that is ASCII, one byte a character, and may use `ASCII_ROOM` bytes behind it.
 * @returns false for text that is not: what stands in the bytes then means nothing
 */
export function writeAscii(text: string, bytes: Uint8Array, start: number): boolean {
  return coders().writeAscii(text, bytes, start)
}

function writeAsciiPortably(text: string, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit > 127) return false
    bytes[start + at] = unit
  }
  return true
}

/** Bytes that `writeAscii` needs behind the text. */
export const ASCII_ROOM = 4
/** Below this a loop is faster than a call to a coder. */
const SHORT = 16
