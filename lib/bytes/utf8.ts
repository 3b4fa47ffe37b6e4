import { LenskeyError } from '../errors.ts'
import { hostUtf8 } from './host-coders.ts'

/** What `encodeUtf8` and `decodeUtf8` do, in the language alone. */
export const portableUtf8 = { encode: encodePortably, decode: decodePortably }

let chosen: ReturnType<typeof hostUtf8>

// Looked for at the first call, since modules do nothing while loading.
const coders = (): typeof chosen => (chosen ??= hostUtf8())

/** Lone surrogates become U+FFFD, as in the Encoding standard. The bytes may be a view, as those of `decodeBase64url`. */
export function encodeUtf8(text: string): Uint8Array {
  return coders()?.encode(text) ?? encodePortably(text)
}

/**
 * Strict (RFC 3629): overlong forms, surrogates and cut sequences are refused. A byte order mark is kept.
 * @throws {LenskeyError} `ERR_UTF8`
 */
export function decodeUtf8(bytes: Uint8Array): string {
  return coders()?.decode(bytes) ?? decodePortably(bytes)
}

function encodePortably(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3)
  let out = 0
  for (let at = 0; at < text.length; at++) {
    let point = text.codePointAt(at) as number
    if (point < 0x80) {
      bytes[out] = point
      out += 1 // twice as fast on QuickJS as an increment whose value is used
      continue
    }
    if (point > 0xffff) at++
    else if (point >= 0xd800 && point < 0xe000) point = 0xfffd
    const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
    bytes[out++] = (0xff00 >> (more + 1)) | (point >> (6 * more))
    for (let left = more - 1; left >= 0; left--) bytes[out++] = 0x80 | ((point >> (6 * left)) & 63)
  }
  return bytes.slice(0, out)
}

const ASCII = /^[\0-\x7f]*$/
/** The most arguments that a call is given here. */
const CALL_SIZE = 1024

function decodePortably(bytes: Uint8Array): string {
  if (bytes.length <= CALL_SIZE) {
    // Most text is ASCII, and an engine without a decoder does these two calls far faster than the loop below.
    const text = String.fromCharCode.apply(null, bytes as unknown as number[])
    if (ASCII.test(text)) return text
  }
  // Not a text that grows by a character at a time, which a small engine may copy each time.
  const parts: string[] = []
  const points: number[] = []
  let at = 0
  while (at < bytes.length) {
    if (points.length === CALL_SIZE) parts.push(String.fromCodePoint(...points.splice(0)))
    const lead = bytes[at]
    if (lead < 0x80) {
      points.push(lead)
      at++
      continue
    }
    const length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 0
    let point = lead & (0xff >> (length + 1))
    if (length === 0 || at + length > bytes.length) throw malformed(at)
    for (let next = at + 1; next < at + length; next++) {
      if ((bytes[next] & 0xc0) !== 0x80) throw malformed(next)
      point = (point << 6) | (bytes[next] & 63)
    }
    const smallest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000
    if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) throw malformed(at)
    points.push(point)
    at += length
  }
  return parts.join('') + String.fromCodePoint(...points)
}

function malformed(offset: number): LenskeyError {
  return new LenskeyError('ERR_UTF8', `not well-formed UTF-8 at offset ${offset}`)
}
