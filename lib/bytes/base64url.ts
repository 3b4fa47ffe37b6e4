import { LenskeyError } from '../errors.ts'
import { hostBase64url } from './host-coders.ts'
import { encodeUtf8 } from './utf8.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NOT_A_DIGIT = 64
const DIGITS = /* @__PURE__ */ digitTable()

function digitTable(): Uint8Array {
  const table = new Uint8Array(128).fill(NOT_A_DIGIT)
  for (let digit = 0; digit < 64; digit++) table[ALPHABET.charCodeAt(digit)] = digit
  return table
}

/** What `encodeBase64url` and `decodeBase64url` do, in the language alone. */
export const portableBase64url = {
  encode: encodePortably,
  encodeText: (text: string): string => encodePortably(encodeUtf8(text)),
  decode: decodePortably,
}

let chosen: typeof portableBase64url | undefined

// Chosen at the first call, since modules do nothing while loading.
function coders(): typeof portableBase64url {
  return (chosen ??= hostBase64url(decodePortably) ?? portableBase64url)
}

/** Base64url without padding (RFC 4648 §5, as RFC 7515 §2 uses it). */
export function encodeBase64url(bytes: Uint8Array): string {
  return coders().encode(bytes)
}

/** Base64url of UTF-8, as the parts of a token are. */
export function encodeBase64urlText(text: string): string {
  return coders().encodeText(text)
}

/**
 * Strict: no padding, no white space, no characters of plain base64, and unused bits must be zero, so that one byte
 * string has one spelling (a token that can be respelled escapes de-duplication). The bytes may be a view: on Node, their
 * `buffer` shows what others decoded too.
 * @throws {LenskeyError} `ERR_BASE64URL`
 */
export function decodeBase64url(text: string): Uint8Array {
  return coders().decode(text)
}

function encodePortably(bytes: Uint8Array): string {
  let text = ''
  let at = 0
  for (; at + 2 < bytes.length; at += 3) {
    const group = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]
    text += ALPHABET[group >> 18] + ALPHABET[(group >> 12) & 63] + ALPHABET[(group >> 6) & 63] + ALPHABET[group & 63]
  }
  if (bytes.length - at === 1) {
    text += ALPHABET[bytes[at] >> 2] + ALPHABET[(bytes[at] << 4) & 63]
  } else if (bytes.length - at === 2) {
    const group = (bytes[at] << 8) | bytes[at + 1]
    text += ALPHABET[group >> 10] + ALPHABET[(group >> 4) & 63] + ALPHABET[(group << 2) & 63]
  }
  return text
}

function decodePortably(text: string): Uint8Array {
  const tail = text.length % 4
  if (tail === 1) throw new LenskeyError('ERR_BASE64URL', 'base64url text has an impossible length')
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  const whole = text.length - tail
  let out = 0
  for (let at = 0; at < whole; at += 4) {
    const group = (digitAt(text, at) << 18) | (digitAt(text, at + 1) << 12) | (digitAt(text, at + 2) << 6) | digitAt(text, at + 3)
    bytes[out++] = group >> 16
    bytes[out++] = group >> 8
    bytes[out++] = group
  }
  if (tail > 0) {
    const group = (digitAt(text, whole) << 18) | (digitAt(text, whole + 1) << 12) | (tail === 3 ? digitAt(text, whole + 2) << 6 : 0)
    bytes[out++] = group >> 16
    if (tail === 3) bytes[out] = group >> 8
    if ((group & (tail === 3 ? 0xff : 0xffff)) !== 0) throw new LenskeyError('ERR_BASE64URL', 'base64url text has stray bits at its end')
  }
  return bytes
}

function digitAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  const digit = unit < 128 ? DIGITS[unit] : NOT_A_DIGIT
  if (digit === NOT_A_DIGIT) throw new LenskeyError('ERR_BASE64URL', `not a base64url character at offset ${at}`)
  return digit
}
