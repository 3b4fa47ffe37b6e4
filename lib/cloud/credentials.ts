import { encodeBase64url, encodeUtf8 } from '../bytes/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { ClientJwtPolicy } from './registry.ts'

/**
 * Names of what a seat rests on, kept in its grant and looked up again when its socket opens: the `kid` of a registered key
 * (`device:`, `product:`), a server connect token (`sct:` and its hash), or the rules for tokens of an issuer (`jwt:` and a hash
 * of all of them, so that a seat does not outlive a change). Undefined for a client that showed nothing.
 */
export type Credential = string | undefined

export const SCT_PREFIX = 'sct:'
export const JWT_PREFIX = 'jwt:'

export function jwtCredential({ issuer, audience, jwksUri, claim }: ClientJwtPolicy): string {
  return JWT_PREFIX + encodeBase64url(sha256(encodeUtf8(JSON.stringify([issuer, audience, jwksUri, claim]))))
}

/** Whether the owner of the product vouches for the client; a server connect token only lets it through (protocol/iam.md §7). */
export function isVouchedFor(credential: Credential): boolean {
  return credential !== undefined && !credential.startsWith(SCT_PREFIX)
}
