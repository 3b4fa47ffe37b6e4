import { LenskeyError } from '../errors.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NOT_A_DIGIT = 64
const DIGITS = /* @__PURE__ */ digitTable()

function digitTable(): Uint8Array {
  const table = new Uint8Array(128).fill(NOT_A_DIGIT)
  for (let digit = 0; digit < 64; digit++) table[ALPHABET.charCodeAt(digit)] = digit
  return table
}

/** Base64url without padding (RFC 4648 §5, as RFC 7515 §2 uses it). */
export function encodeBase64url(bytes: Uint8Array): string {
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

/**
 * Strict: no padding, no white space, no characters of plain base64, and unused bits must be zero, so that one byte
 * string has one spelling (a token that can be respelled escapes de-duplication).
 * @throws {LenskeyError} `ERR_BASE64URL`
 */
export function decodeBase64url(text: string): Uint8Array {
  const tail = text.length % 4
  if (tail === 1) throw new LenskeyError('ERR_BASE64URL', 'base64url text has an impossible length')
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let held = 0
  let out = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    const digit = unit < 128 ? DIGITS[unit] : NOT_A_DIGIT
    if (digit === NOT_A_DIGIT) throw new LenskeyError('ERR_BASE64URL', `not a base64url character at offset ${at}`)
    held = ((held << 6) | digit) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[out++] = (held >> bits) & 0xff
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new LenskeyError('ERR_BASE64URL', 'base64url text has stray bits at its end')
  return bytes
}
