import type { Random } from '../runtime/index.ts'

/** Letters and digits that nobody mistakes for one another, for what people type. */
const READABLE = 'abcdefghijkmnopqrstuvwxyzACEFHJKLMNPRTUVWXY3479'
const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 12 characters of 62, about 71 bits (protocol/iam.md §7). */
export function generateServerConnectToken(random: Random): string {
  return draw(LETTERS_AND_DIGITS, random)
}

/** 12 characters of 47, about 66 bits. */
export function generatePassword(random: Random): string {
  return draw(READABLE, random)
}

/** Each character with the same chance: a byte beyond the last whole round through the alphabet is drawn again. */
function draw(alphabet: string, random: Random, length = 12): string {
  const limit = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < limit && text.length < length) text += alphabet[byte % alphabet.length]
    }
  }
  return text
}
