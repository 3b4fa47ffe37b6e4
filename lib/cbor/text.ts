import { decodeUtf8Part } from '../bytes/index.ts'

const KEY_SLOTS = 256
const LONGEST_KEPT_KEY = 32

interface KeptKey {
  readonly bytes: Uint8Array
  readonly text: string
}

// Keys repeat from message to message: the last one of each slot is kept, so that most are compared and not made again.
const kept: (KeptKey | undefined)[] = []

/**
 * A map's key: text out of UTF-8.
 * @throws {LenskeyError} `ERR_UTF8`
 */
export function keyAt(bytes: Uint8Array, start: number, length: number): string {
  if (length === 0 || length > LONGEST_KEPT_KEY) return decodeUtf8Part(bytes, start, start + length)
  const slot = (length * 37 + bytes[start] * 5 + bytes[start + length - 1] * 11 + bytes[start + (length >> 1)]) % KEY_SLOTS
  const known = kept[slot]
  if (known !== undefined && known.bytes.length === length) {
    const own = known.bytes
    let at = 0
    while (at < length && own[at] === bytes[start + at]) at++
    if (at === length) return known.text
  }
  const text = decodeUtf8Part(bytes, start, start + length)
  kept[slot] = { bytes: bytes.slice(start, start + length), text }
  return text
}
