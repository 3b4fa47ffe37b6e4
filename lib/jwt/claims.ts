import type { JwtClaims } from './compact.ts'
import { JwtError } from './errors.ts'

export interface ClaimRules {
  /** Seconds since 1970-01-01T00:00Z; passed in because a camera may boot without a clock. */
  nowSeconds: number
  /** Clock difference to tolerate; default 60. */
  leewaySeconds?: number
  /** Time claims that must be there; those that are there are checked in any case. Default: none. */
  required?: readonly ('exp' | 'iat' | 'nbf')[]
  /** Longest time from `iat` to `exp`, both then required; default: no bound. */
  maxLifetimeSeconds?: number
}

/**
 * Checks the time claims of a verified token (RFC 7519 §4.1.4 to §4.1.6).
 * @throws {JwtError} `ERR_JWT_EXPIRED` when `exp` is not after `nowSeconds - leewaySeconds`; `ERR_JWT_NOT_YET_VALID` when
 * `nbf` or `iat` is after `nowSeconds + leewaySeconds`; `ERR_JWT_CLAIM` when one is missing or no number, or the token
 * lives too long
 */
export function checkClaims(claims: JwtClaims, rules: ClaimRules): void {
  const { nowSeconds, leewaySeconds = 60, required = [], maxLifetimeSeconds } = rules
  const time = (name: 'exp' | 'iat' | 'nbf', demanded = required.includes(name)): number | undefined => {
    const value = claims[name]
    if (value === undefined && !demanded) return undefined
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new JwtError('ERR_JWT_CLAIM', `claim "${name}" of this token is ${value === undefined ? 'missing' : 'no number'}`)
    }
    return value
  }
  const bounded = maxLifetimeSeconds !== undefined
  const [exp, iat, nbf] = [time('exp', bounded || undefined), time('iat', bounded || undefined), time('nbf')]
  // Each comparison asks for what is good, so that a clock or a bound that is NaN refuses.
  if (exp !== undefined && !(exp > nowSeconds - leewaySeconds)) throw new JwtError('ERR_JWT_EXPIRED', 'this token has expired; make a new one, or set the clock')
  if ((nbf ?? iat) !== undefined && !(Math.max(nbf ?? -Infinity, iat ?? -Infinity) <= nowSeconds + leewaySeconds)) {
    throw new JwtError('ERR_JWT_NOT_YET_VALID', 'this token is from the future; set the clock of its maker or of its reader')
  }
  if (bounded && exp !== undefined && iat !== undefined && !(exp - iat <= maxLifetimeSeconds)) {
    throw new JwtError('ERR_JWT_CLAIM', `this token lives longer than ${maxLifetimeSeconds} seconds`)
  }
}
