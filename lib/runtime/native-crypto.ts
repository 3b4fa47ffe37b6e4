/** An ES256 private key held by the platform. */
export interface NativeSigner {
  /** ECDSA P-256 with SHA-256 over `message`; R‖S, 64 bytes. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** A public key held by the platform. */
export interface NativeVerifier {
  /** @param signature - of ES256 R‖S, 64 bytes, high S included (RFC 7518 §3.4 has no low-S rule); of RS256 as long as the modulus */
  verify(message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/**
 * Crypto that the platform does faster than JavaScript can: OpenSSL in Node, WebCrypto, a board's TLS library.
 * Every part is optional; what is missing is done in JavaScript with the same results.
 */
export interface NativeCrypto {
  /** @param d - the private scalar, 32 bytes, already checked to be in range; @returns the public point, 65 bytes, uncompressed */
  p256PublicPoint?(d: Uint8Array): Uint8Array
  /** @param d - the private scalar, 32 bytes; @param point - the public point, 65 bytes, uncompressed */
  p256Signer?(d: Uint8Array, point: Uint8Array): NativeSigner
  /** @param point - 65 bytes, uncompressed, already checked to be on the curve */
  p256Verifier?(point: Uint8Array): NativeVerifier
  /** RSASSA-PKCS1-v1_5 with SHA-256. @param n - modulus, @param e - exponent; big-endian, already checked */
  rs256Verifier?(n: Uint8Array, e: Uint8Array): NativeVerifier
  sha256?(message: Uint8Array): Uint8Array
  hmacSha256?(key: Uint8Array, message: Uint8Array): Uint8Array
}
