import { encodeBase64url, encodeBase64urlText, encodeUtf8 } from '../bytes/index.ts'
import type { EcJwk } from '../crypto/index.ts'
import type { JwtClaims } from './compact.ts'
import type { Hs256Key, JwtSigningKey } from './keys.ts'

/** What the signer puts beside `alg`, which comes from the key. */
export interface JwtHeaderToSign {
  readonly typ?: string
  readonly kid?: string
  /** The public key that verifies, for a reader who knows its fingerprint alone (RFC 7515 §4.1.3). */
  readonly jwk?: EcJwk
}

/**
 * Signs claims as a compact JWS (RFC 7515 §3.1). At once where the key answers at once.
 * @param claims - what `JSON.stringify` makes of them is signed
 */
export function signJwt(header: JwtHeaderToSign, claims: JwtClaims, key: Hs256Key): string
export function signJwt(header: JwtHeaderToSign, claims: JwtClaims, key: JwtSigningKey): string | Promise<string>
export function signJwt(header: JwtHeaderToSign, claims: JwtClaims, key: JwtSigningKey): string | Promise<string> {
  return jwtSigner(header, key)(claims)
}

/**
 * The same for many tokens with one header, which is encoded once. Such a signer takes claims also as the JSON text to sign,
 * for a caller whose claims hardly change.
 */
export function jwtSigner({ typ, kid, jwk }: JwtHeaderToSign, key: JwtSigningKey): (claims: JwtClaims | string) => string | Promise<string> {
  const headerPart = `${encodeBase64urlText(JSON.stringify({ alg: key.algorithm, typ, kid, jwk }))}.`
  return (claims) => {
    const signingInput = headerPart + encodeBase64urlText(typeof claims === 'string' ? claims : JSON.stringify(claims))
    const finish = (signature: Uint8Array): string => `${signingInput}.${encodeBase64url(signature)}`
    const signature = key.sign(encodeUtf8(signingInput))
    return signature instanceof Uint8Array ? finish(signature) : signature.then(finish)
  }
}
