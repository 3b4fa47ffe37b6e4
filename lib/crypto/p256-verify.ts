import { type ECDSA, ecdsa } from '@noble/curves/abstract/weierstrass.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { noRandom, p256With } from './p256.ts'

let curve: ECDSA | undefined

/**
 * ECDSA with SHA-256.
 * @param signature - R‖S, 64 bytes
 * @param point - 65 bytes, uncompressed
 */
export function verifyP256(message: Uint8Array, signature: Uint8Array, point: Uint8Array): boolean {
  if (curve === undefined) {
    const { Point, randomBytes } = p256With(noRandom)
    // Half of all valid ES256 signatures have a high S (RFC 7518 §3.4 has no low-S rule); by default they would be refused.
    curve = ecdsa(Point, sha256, { randomBytes, lowS: false })
  }
  return curve.verify(signature, message, point)
}
