import { decodeUtf8 } from '../bytes/index.ts'
import { CoapError, type CoapRouter, contentFormats } from '../coap/index.ts'
import { LenskeyError } from '../errors.ts'
import type { Iam, IamConnection, Withdraw } from '../iam/index.ts'
import { AttemptBucket, type AttemptRate } from '../iam/password-attempts.ts'
import { type IssuedToken, JwksError, JwtError, type JwtKeySource, MAX_JWT_BYTES, verifyIssuedToken } from '../jwt/index.ts'
import type { CancelTimer, Clock, Log } from '../runtime/index.ts'
import { deviceAudience } from './device-audience.ts'
import { type OauthRoles, roleOf } from './oauth-roles.ts'

/** Tokens of one connection: each may cost the device a signature check, and a client needs one now and then. */
export const DEFAULT_OAUTH_RATE: AttemptRate = { burst: 5, refillMs: 5000 }

const LEEWAY_SECONDS = 60
/** A wall clock that is set while a session lasts is noticed after so long. */
const LOOK_AGAIN_MS = 60_000

export interface OauthOptions {
  iam: Iam
  productId: string
  deviceId: string
  /** `iss` of the tokens, letter by letter. */
  issuer: string
  /** The issuer's, such as `createJwksCache`. */
  keys: JwtKeySource
  /**
   * Centralized authorization: the token itself says what role its bearer has. Without it authorization is decentralized:
   * `sub` names a user of IAM, by the user's OAuth subject.
   */
  roles?: OauthRoles
  /** Longest time from `iat` to `exp`, both then required; default: no bound. */
  maxLifetimeSeconds?: number
  rate?: AttemptRate
  /** Called when a token has run out and no other took its place: its identity has been taken back. A device may end the session. */
  expired?: (connection: IamConnection) => void
}

export interface OauthHost {
  clock: Clock
  log: Log
}

/** What the token of one connection gave it. */
interface Standing {
  withdraw: Withdraw
  expiresAt: number
}

interface Visitor {
  readonly bucket: AttemptBucket
  standing?: Standing
  cancelTimer?: CancelTimer
  ended: boolean
}

/**
 * Puts `/webrtc/oauth` on a device's router (protocol/edge-webrtc.md §6). A connection is whoever its token says until the
 * token expires; another token before that renews it in place. No access check: this is how a connection gets an identity.
 * @throws {RangeError} the router has one already, or a role is not in the configuration
 */
export function addOauthEndpoint<Context extends IamConnection>(router: CoapRouter<Context>, options: OauthOptions, { clock, log }: OauthHost): void {
  const { iam, roles, issuer, keys, maxLifetimeSeconds, rate = DEFAULT_OAUTH_RATE } = options
  const rules = { issuer, keys, maxLifetimeSeconds, audience: deviceAudience(options), leewaySeconds: LEEWAY_SECONDS }
  for (const role of Object.values(roles?.map ?? {})) {
    if (!iam.configuration.roles.some(({ id }) => id === role)) throw new RangeError(`there is no role ${role} to map a token to`)
  }
  const visitors = new Map<IamConnection, Visitor>()

  router.on('POST', '/webrtc/oauth', async ({ context: connection, contentFormat, payload }) => {
    if (contentFormat !== contentFormats.text) throw new CoapError('4.00', 'invalid content format')
    if (payload.length === 0) throw new CoapError('4.00', 'missing payload')
    const visitor = visitorOf(connection)
    const nowMs = clock.monotonicMs()
    if (visitor.bucket.waitMs(nowMs) > 0) throw new CoapError('4.29')
    visitor.bucket.take(nowMs)
    const token = await verify(connection, payload)
    if (visitor.ended) throw new CoapError('4.04', 'no such user')
    const withdraw = adopt(connection, token)
    // The new one first, so that nothing that rests on the old one has to end.
    visitor.standing?.withdraw()
    visitor.standing = { withdraw, expiresAt: token.expiresAt }
    watch(connection, visitor)
    return { code: '2.01' }
  })

  async function verify(connection: IamConnection, payload: Uint8Array): Promise<IssuedToken> {
    try {
      if (payload.length > MAX_JWT_BYTES) throw new JwtError('ERR_JWT_MALFORMED', `this token has more than ${MAX_JWT_BYTES} bytes`)
      return await verifyIssuedToken(decodeUtf8(payload), rules, clock.nowMs() / 1000)
    } catch (thrown) {
      if (!(thrown instanceof LenskeyError)) throw thrown
      if (thrown instanceof JwksError && thrown.code === 'ERR_JWKS_UNAVAILABLE') log('warn', 'oauth.keys.unavailable', { issuer })
      iam.auditLogin(connection, 'oauth', '', false, thrown.code)
      throw new CoapError('4.01', 'Invalid token', { cause: thrown })
    }
  }

  function adopt(connection: IamConnection, { claims, subject }: IssuedToken): Withdraw {
    const role = roles && roleOf(claims, roles)
    const user = roles === undefined ? iam.users.findByOauthSubject(subject) : undefined
    if (role === undefined && user === undefined) {
      iam.auditLogin(connection, 'oauth', subject, false, roles === undefined ? 'no user of that subject' : 'no role for this token')
      throw new CoapError('4.04', 'no such user')
    }
    iam.auditLogin(connection, 'oauth', subject, true)
    return role === undefined ? iam.authorize(connection, user?.username ?? '') : iam.grantRole(connection, role)
  }

  /** Takes the identity back when its time is over. */
  function watch(connection: IamConnection, visitor: Visitor): void {
    visitor.cancelTimer?.()
    const { standing } = visitor
    if (standing === undefined || visitor.ended) return
    const leftMs = (standing.expiresAt + LEEWAY_SECONDS) * 1000 - clock.nowMs()
    if (leftMs > 0) {
      visitor.cancelTimer = clock.after(Math.min(leftMs, LOOK_AGAIN_MS), () => {
        watch(connection, visitor)
      })
      return
    }
    visitor.standing = undefined
    standing.withdraw()
    options.expired?.(connection)
  }

  function visitorOf(connection: IamConnection): Visitor {
    const known = visitors.get(connection)
    if (known !== undefined) return known
    const visitor: Visitor = { bucket: new AttemptBucket(rate), ended: false }
    visitors.set(connection, visitor)
    iam.onEnd(connection, () => {
      visitor.ended = true
      visitor.cancelTimer?.()
      visitors.delete(connection)
    })
    return visitor
  }
}
