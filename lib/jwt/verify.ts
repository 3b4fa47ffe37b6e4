import { encodeUtf8 } from '../bytes/index.ts'
import { type JwtClaims, type JwtHeader, type JwtLimits, parseClaims, parseCompactJws } from './compact.ts'
import { JwtError } from './errors.ts'
import type { Hs256Key, JwtVerifyingKey } from './keys.ts'

/** One key, or the few that may have signed, such as the old and the new one of a device that changes keys. */
export type JwtVerifyingKeys = JwtVerifyingKey | readonly JwtVerifyingKey[]

export interface VerifiedJwt {
  readonly header: JwtHeader
  readonly claims: JwtClaims
}

export interface VerifiedJws {
  readonly header: JwtHeader
  readonly payload: Uint8Array
}

/**
 * Verifies the signature of a JWT and gives its claims, none of which is checked yet: see `checkClaims`. The algorithm is
 * that of the key, whatever the token says (RFC 8725 §3.1). At once where the key answers at once; else a promise, which
 * is what then carries the errors of the signature and the claims.
 * @throws {JwtError} `ERR_JWT_MALFORMED`, `ERR_JWT_HEADER`, `ERR_JWT_ALGORITHM`, `ERR_JWT_SIGNATURE`
 */
export function verifyJwt(token: string, keys: Hs256Key, limits?: JwtLimits): VerifiedJwt
export function verifyJwt(token: string, keys: JwtVerifyingKeys, limits?: JwtLimits): VerifiedJwt | Promise<VerifiedJwt>
export function verifyJwt(token: string, keys: JwtVerifyingKeys, limits: JwtLimits = {}): VerifiedJwt | Promise<VerifiedJwt> {
  const finish = ({ header, payload }: VerifiedJws): VerifiedJwt => ({ header, claims: parseClaims(payload, limits) })
  const verified = verifyJws(token, keys, limits)
  return verified instanceof Promise ? verified.then(finish) : finish(verified)
}

/** The same for a compact JWS over any bytes. */
export function verifyJws(token: string, keys: JwtVerifyingKeys, limits: JwtLimits = {}): VerifiedJws | Promise<VerifiedJws> {
  const { header, signingInput, payload, signature } = parseCompactJws(token, limits)
  const able = ('algorithm' in keys ? [keys] : keys).filter(({ algorithm }) => algorithm === header.alg)
  if (able.length === 0) throw new JwtError('ERR_JWT_ALGORITHM', 'this token is not signed with the algorithm of the key')
  const judge = (valid: unknown): VerifiedJws => {
    if (valid !== true) throw new JwtError('ERR_JWT_SIGNATURE', 'this token is not signed by the expected key, or was changed after signing')
    return { header, payload }
  }
  const valid = anyVerifies(able, encodeUtf8(signingInput), signature)
  return typeof valid === 'boolean' ? judge(valid) : valid.then(judge)
}

function anyVerifies(keys: readonly JwtVerifyingKey[], message: Uint8Array, signature: Uint8Array, index = 0): boolean | Promise<boolean> {
  if (index >= keys.length) return false
  const valid = keys[index].verify(message, signature)
  if (typeof valid === 'boolean') return valid || anyVerifies(keys, message, signature, index + 1)
  return valid.then((is: unknown) => is === true || anyVerifies(keys, message, signature, index + 1))
}
