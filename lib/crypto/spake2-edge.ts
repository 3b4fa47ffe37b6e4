import type { NativeCrypto } from '../runtime/index.ts'
import { sha256 } from './sha256.ts'
import { lengthPrefixed, type Spake2Keys, type Spake2Transcript } from './spake2.ts'

/**
 * How a peer writes `w` into the transcript (protocol/iam.md §6.1): `minimal` without leading zero bytes, as devices do, or
 * `full`, always 32 bytes, as browser clients do. They differ for one password in 256.
 */
export type EdgeW = 'minimal' | 'full'

/**
 * Keys of password authentication (protocol/iam.md §6.1): the fingerprints are the identities, lengths have four bytes, the
 * high one first, and each side shows a hash of the key.
 */
export function edgeKeys(transcript: Spake2Transcript, encoding: EdgeW, native?: NativeCrypto): Spake2Keys {
  const { identityA, identityB, shareA, shareB, k, w } = transcript
  const fields = [identityA, identityB, shareA, shareB, k, encoding === 'full' ? w : withoutLeadingZeros(w)]
  const key = sha256(lengthPrefixed(fields, (bytes) => Uint8Array.of(bytes >>> 24, bytes >>> 16, bytes >>> 8, bytes)), native)
  const confirmB = sha256(key, native)
  return { key, confirmA: sha256(confirmB, native), confirmB }
}

function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  let zeros = 0
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++
  return bytes.subarray(zeros)
}
