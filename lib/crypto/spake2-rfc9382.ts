import { concatBytes, encodeUtf8 } from '../bytes/index.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import { hmacSha256, sha256 } from './sha256.ts'
import { lengthPrefixed, type Spake2Keys, type Spake2Transcript } from './spake2.ts'

/**
 * Keys of the suite SPAKE2-P256-SHA256-HKDF-HMAC (RFC 9382 §3.3, §4): lengths have eight bytes, the low one first. `key` is
 * Ke, 16 bytes.
 * @param associatedData - AAD of the key schedule
 */
export function rfc9382Keys(transcript: Spake2Transcript, associatedData: Uint8Array, native?: NativeCrypto): Spake2Keys {
  const { identityA, identityB, shareA, shareB, k, w } = transcript
  const tt = lengthPrefixed(
    [identityA, identityB, shareA, shareB, k, w], (bytes) => Uint8Array.of(bytes, bytes >>> 8, bytes >>> 16, bytes >>> 24, 0, 0, 0, 0),
  )
  const hash = sha256(tt, native)
  // HKDF (RFC 5869) without a salt, one block of output.
  const extracted = hmacSha256(new Uint8Array(32), hash.subarray(16), native)
  const info = concatBytes(encodeUtf8('ConfirmationKeys'), associatedData, Uint8Array.of(1))
  const confirmation = hmacSha256(extracted, info, native)
  return {
    key: hash.subarray(0, 16),
    confirmA: hmacSha256(confirmation.subarray(0, 16), tt, native),
    confirmB: hmacSha256(confirmation.subarray(16), tt, native),
  }
}
