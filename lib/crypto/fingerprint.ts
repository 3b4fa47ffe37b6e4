import { encodeHex } from '../bytes/index.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import { encodeSpki, type P256PublicKey } from './public-key.ts'
import { sha256 } from './sha256.ts'

/** SHA-256 over the 91 bytes of the SubjectPublicKeyInfo, 64 lower-case digits (protocol/webrtc-signaling.md §1.2). */
export function fingerprintOf(key: P256PublicKey, native?: NativeCrypto): string {
  return encodeHex(sha256(encodeSpki(key), native))
}

/** `kid` of tokens that a device signs. */
export function deviceKeyId(key: P256PublicKey, native?: NativeCrypto): string {
  return `device:${fingerprintOf(key, native)}`
}

/** `kid` of tokens signed by an authorization key of the product (protocol/webrtc-signaling.md §1.4). */
export function productKeyId(key: P256PublicKey, native?: NativeCrypto): string {
  return `product:${fingerprintOf(key, native)}`
}
