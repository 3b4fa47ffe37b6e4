import type { NativeCrypto } from '../runtime/index.ts'
import { digest, keyed } from './sha256-portable.ts'

/** SHA-256 (FIPS 180-4), 32 bytes. */
export function sha256(message: Uint8Array, native?: NativeCrypto): Uint8Array {
  return native?.sha256?.(message) ?? digest(message)
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array, native?: NativeCrypto): Uint8Array {
  return native?.hmacSha256?.(key, message) ?? keyed(key)(message)
}
