import { equalBytes } from '../bytes/index.ts'
import { createRsaVerifier, createVerifier, hmacSha256, type P256PublicKey, type RsaPublicKey, type Signer } from '../crypto/index.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import type { JwtAlgorithm } from './compact.ts'

/** Makes signatures of one algorithm with one key. */
export interface JwtSigningKey {
  readonly algorithm: JwtAlgorithm
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** Checks signatures of one algorithm with one key: a token never gets to choose. */
export interface JwtVerifyingKey {
  readonly algorithm: JwtAlgorithm
  verify(message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** A shared secret does both, and at once. */
export interface Hs256Key extends JwtSigningKey, JwtVerifyingKey {
  readonly algorithm: 'HS256'
  sign(message: Uint8Array): Uint8Array
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** ES256 (RFC 7518 §3.4) by a private key, wherever that key lives. */
export function es256SigningKey(signer: Signer): JwtSigningKey {
  return { algorithm: 'ES256', sign: (message) => signer.sign(message) }
}

/** ES256 by a public key. */
export function es256VerifyingKey(publicKey: P256PublicKey, host: { nativeCrypto?: NativeCrypto } = {}): JwtVerifyingKey {
  const verifier = createVerifier(publicKey, host)
  return { algorithm: 'ES256', verify: (message, signature) => verifier.verify(message, signature) }
}

/** RS256 (RFC 7518 §3.3) by a public key: what most OAuth servers sign with. */
export function rs256VerifyingKey(publicKey: RsaPublicKey, host: { nativeCrypto?: NativeCrypto } = {}): JwtVerifyingKey {
  const verifier = createRsaVerifier(publicKey, host)
  return { algorithm: 'RS256', verify: (message, signature) => verifier.verify(message, signature) }
}

/**
 * HS256 (RFC 7518 §3.2) by a secret of any length, empty included: peers use short ones (protocol/webrtc-signaling.md §7.2),
 * so the rule of 256 bits is for those who choose the secret.
 */
export function hs256Key(secret: Uint8Array, host: { nativeCrypto?: NativeCrypto } = {}): Hs256Key {
  // A copy: of a secret that the caller wipes, zeros would be left, with which anybody can sign.
  const key = new Uint8Array(secret)
  const sign = (message: Uint8Array): Uint8Array => hmacSha256(key, message, host.nativeCrypto)
  return { algorithm: 'HS256', sign, verify: (message, signature) => equalBytes(sign(message), signature) }
}
