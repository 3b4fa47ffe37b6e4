import { sha256 } from '../../../lib/crypto/index.ts'
import type { Random } from '../../../lib/runtime/index.ts'

/** Bytes that are the same in every run; `drawn` counts the calls. */
export function seededRandom(seed: number): Random & { drawn(): number } {
  let count = 0
  return {
    drawn: () => count,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += 32) {
        count++
        bytes.set(sha256(Uint8Array.of(seed, count >> 16, count >> 8, count)).subarray(0, length - at), at)
      }
      return bytes
    },
  }
}
