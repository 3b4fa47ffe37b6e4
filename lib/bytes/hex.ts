import { LenskeyError } from '../errors.ts'

const DIGITS = '0123456789abcdef'

/** Lower case. */
export function encodeHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += DIGITS[byte >> 4] + DIGITS[byte & 15]
  return text
}

/**
 * Either case.
 * @throws {LenskeyError} `ERR_HEX`
 */
export function decodeHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new LenskeyError('ERR_HEX', 'not a string of two-digit hexadecimal bytes')
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let at = 0; at < bytes.length; at++) bytes[at] = parseInt(text.slice(2 * at, 2 * at + 2), 16)
  return bytes
}
