import { checkClaims } from './claims.ts'
import { type JwtClaims, type JwtHeader, type JwtLimits, parseClaims, parseCompactJws, readJwtHeader } from './compact.ts'
import { JwtError } from './errors.ts'
import { JwksError, type JwtKeySource } from './jwks.ts'
import { verifyJwt } from './verify.ts'

/** What a token by somebody else's server must show. */
export interface IssuedTokenRules {
  keys: JwtKeySource
  /** `iss`, letter by letter. */
  issuer: string
  /** Must be among those of `aud`, letter by letter. */
  audience: string
  /** Clock difference to tolerate; default 60. */
  leewaySeconds?: number
  /** Longest time from `iat` to `exp`, both then required; default: no bound. */
  maxLifetimeSeconds?: number
  limits?: JwtLimits
}

export interface IssuedToken {
  readonly header: JwtHeader
  readonly claims: JwtClaims
  /** 1 to 255 characters. */
  readonly subject: string
  readonly audiences: readonly string[]
  /** `exp`, seconds since 1970. */
  readonly expiresAt: number
}

/** Names of the type that an access token may have: none, that of any JWT, that of RFC 9068. */
const ACCEPTED_TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']
const MAX_SUBJECT_LENGTH = 255

/**
 * Checks an access token by an authorization server: key by `kid`, algorithm by key, signature, type, issuer, audience, times
 * and subject (RFC 8725 §3, RFC 9068 §4). `exp` must be there: a token that is good for ever cannot be taken back.
 * @throws {JwtError} @throws {JwksError}
 */
export async function verifyIssuedToken(token: string, rules: IssuedTokenRules, nowSeconds: number): Promise<IssuedToken> {
  const { keys, issuer, audience, leewaySeconds, maxLifetimeSeconds, limits } = rules
  const { kid, typ } = readJwtHeader(token, limits)
  if (typ !== undefined && !ACCEPTED_TYPES.includes(typ.toLowerCase())) throw new JwtError('ERR_JWT_HEADER', 'this is no access token but of another type ("typ")')
  if (kid === undefined) throw new JwtError('ERR_JWT_HEADER', 'the header of this token names no key ("kid")')
  const { header, claims } = await verifyJwt(token, await keys.keyFor(kid), limits)
  if (claims.iss !== issuer) throw badClaim('iss', 'is not the issuer that is expected here')
  const audiences = audiencesOf(claims)
  if (!audiences.includes(audience)) throw badClaim('aud', 'does not hold what it would have to be meant for')
  checkClaims(claims, { nowSeconds, leewaySeconds, maxLifetimeSeconds, required: ['exp'] })
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_LENGTH) throw badClaim('sub', `is not a text of 1 to ${MAX_SUBJECT_LENGTH} characters`)
  return { header, claims, subject: sub, audiences, expiresAt: Number(claims.exp) }
}

/** `aud` (RFC 7519 §4.1.3): one text, or a list of them. @throws {JwtError} `ERR_JWT_CLAIM` */
function audiencesOf({ aud }: JwtClaims): readonly string[] {
  const list: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!list.every((one): one is string => typeof one === 'string')) throw badClaim('aud', 'is neither a text nor a list of texts')
  return list
}

/**
 * `iss` of a token that nobody has verified: for choosing whose keys to verify it with, and for nothing else.
 * @throws {JwtError} `ERR_JWT_MALFORMED`, `ERR_JWT_HEADER`
 */
export function readUnverifiedIssuer(token: string, limits: JwtLimits = {}): string | undefined {
  const { iss } = parseClaims(parseCompactJws(token, limits).payload, limits)
  return typeof iss === 'string' ? iss : undefined
}

/** Whether a token was refused, rather than that nobody could look at it. */
export function isTokenRefusal(thrown: unknown): boolean {
  return thrown instanceof JwtError || (thrown instanceof JwksError && thrown.code === 'ERR_JWKS_KEY_UNKNOWN')
}

function badClaim(name: string, what: string): JwtError {
  return new JwtError('ERR_JWT_CLAIM', `claim "${name}" of this token ${what}`)
}
