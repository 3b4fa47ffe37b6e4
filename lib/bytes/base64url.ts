import { LenskeyError } from '../errors.ts'
import { hostBase64url } from './host-coders.ts'
import { encodeUtf8 } from './utf8.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const DIGITS = /* @__PURE__ */ digitTable()

function digitTable(): Uint8Array {
  const table = new Uint8Array(128)
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
  // Bytes behind the end are undefined, which is 0 here.
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]
    text += ALPHABET[group >> 18] + ALPHABET[(group >> 12) & 63] + ALPHABET[(group >> 6) & 63] + ALPHABET[group & 63]
  }
  return text.slice(0, Math.ceil((bytes.length * 4) / 3))
}

function decodePortably(text: string): Uint8Array {
  const tail = text.length % 4
  const stray = text.search(/[^\w-]/)
  if (stray >= 0) throw new LenskeyError('ERR_BASE64URL', `not a base64url character at offset ${stray}`)
  const bytes = new Uint8Array(3 * Math.ceil(text.length / 4))
  let group = 0
  // Nothing is a function of its own: on a bare engine a call costs more than a digit. Digits behind the end are undefined, which
  // is 0 here.
  for (let at = 0, out = 0; at < text.length; at += 4, out += 3) {
    group = (DIGITS[text.charCodeAt(at)] << 18) | (DIGITS[text.charCodeAt(at + 1)] << 12) | (DIGITS[text.charCodeAt(at + 2)] << 6) | DIGITS[text.charCodeAt(at + 3)]
    bytes[out] = group >> 16
    bytes[out + 1] = group >> 8
    bytes[out + 2] = group
  }
  // The bits of the last group that are in no byte; without a tail none, as 1 << 32 is 1.
  const unused = (1 << (8 * (4 - tail))) - 1
  if (tail === 1 || (group & unused) !== 0) throw new LenskeyError('ERR_BASE64URL', 'base64url text ends within a byte')
  return bytes.subarray(0, Math.floor((text.length * 3) / 4))
}
