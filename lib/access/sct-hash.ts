import { encodeBase64url, encodeUtf8 } from '../bytes/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { NativeCrypto } from '../runtime/index.ts'

/** Tokens of one device that a rendezvous keeps: what fits one request. */
export const MAX_SERVER_CONNECT_TOKENS = 256
/** Bytes of one (protocol/iam.md §4). */
export const MAX_SERVER_CONNECT_TOKEN_BYTES = 64

/**
 * What a rendezvous knows of a server connect token: SHA-256 over `sct:<productId>:<deviceId>:<token>`, base64url. Whoever
 * reads its database cannot connect with that, and a match takes the same time whatever part of a token was guessed.
 */
export function serverConnectTokenHash({ productId, deviceId }: { productId: string; deviceId: string }, token: string, native?: NativeCrypto): string {
  return encodeBase64url(sha256(encodeUtf8(`sct:${productId}:${deviceId}:${token}`), native))
}
