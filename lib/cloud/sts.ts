import { deviceAudience, deviceOfAudience, looksLikeDeviceAudience } from '../access/device-audience.ts'
import { wordsOf } from '../access/oauth-roles.ts'
import { encodeBase64url } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import { type IssuedToken, isTokenRefusal, type JwtKeySource, readUnverifiedIssuer, verifyIssuedToken } from '../jwt/index.ts'
import type { Clock, Random } from '../runtime/index.ts'
import type { DeviceIds } from './ids.ts'
import type { Issuers } from './issuers.ts'
import type { StsKeys } from './sts-keys.ts'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const SUBJECT_TYPES: readonly string[] = [ACCESS_TOKEN, 'urn:ietf:params:oauth:token-type:jwt']

/** Whose tokens are exchanged. */
export type SubjectIssuer = {
  issuer: string
  /** What its tokens must be meant for: this service, so that nobody exchanges what was given to another. */
  audience: string
} & ({ jwksUri: string } | { keys: JwtKeySource })

/** Who may get a token for which device. The subject token is verified. */
export type StsPolicy = (asked: { subject: IssuedToken; issuer: string; clientId: string | undefined; device: DeviceIds }) => boolean | Promise<boolean>

export interface StsOptions {
  /** `iss` of the tokens made here. */
  issuer: string
  subjectIssuers: readonly SubjectIssuer[]
  /** `client_id`s that may ask; any, or none, when left out. */
  clients?: readonly string[]
  /** Longest life of a token made here, seconds; default one hour. */
  maxLifetimeSeconds?: number
  /** Claims of the subject token that go into the new one, such as `roles`. */
  copiedClaims?: readonly string[]
  policy: StsPolicy
}

/** A refusal (RFC 6749 §5.2, RFC 8693 §2.2.2). */
export class StsError extends LenskeyError {
  declare readonly code: 'ERR_STS_REFUSED'
  readonly status: number
  /** `error` of the answer. */
  readonly error: StsErrorName

  constructor(error: StsErrorName, message: string, options?: { cause?: unknown }) {
    super('ERR_STS_REFUSED', message, options)
    this.name = 'StsError'
    this.error = error
    this.status = error === 'invalid_client' ? 401 : error === 'temporarily_unavailable' ? 503 : 400
  }
}

export type StsErrorName = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type' | 'invalid_scope' | 'invalid_target' | 'temporarily_unavailable'

export interface StsAnswer {
  access_token: string
  issued_token_type: string
  token_type: 'Bearer'
  /** Seconds. */
  expires_in: number
}

/** Exchanges tokens that people have for tokens that one device takes (RFC 8693; protocol/edge-webrtc.md §6). */
export interface Sts {
  /** @param form - the fields as they came @throws {StsError} */
  exchange(form: readonly (readonly [string, string])[]): Promise<StsAnswer>
}

/** Claims that this service sets, and that no subject token can. */
const OWN_CLAIMS = ['iss', 'sub', 'aud', 'iat', 'nbf', 'exp', 'jti', 'client_id', 'act', 'cnf']
/** Of a field; a token has 8,192 at most. */
const MAX_FIELD_LENGTH = 8192
const MAX_TARGETS = 8

export function createSts(options: StsOptions, { keys, issuers, clock, random }: { keys: StsKeys; issuers: Issuers; clock: Clock; random: Random }): Sts {
  const { issuer, subjectIssuers, clients, policy, maxLifetimeSeconds = 3600, copiedClaims = [] } = options
  for (const { audience } of subjectIssuers) if (looksLikeDeviceAudience(audience)) throw new RangeError('subject tokens are for this service, not for a device')
  const copied = copiedClaims.filter((name) => !OWN_CLAIMS.includes(name))

  async function exchange(form: readonly (readonly [string, string])[]): Promise<StsAnswer> {
    const fields = readForm(form)
    if (fields.one('grant_type') !== TOKEN_EXCHANGE) throw new StsError('unsupported_grant_type', `grant_type must be ${TOKEN_EXCHANGE}`)
    const clientId = fields.one('client_id')
    if (clients !== undefined && (clientId === undefined || !clients.includes(clientId))) throw new StsError('invalid_client', 'this client_id may not ask here')
    if (!SUBJECT_TYPES.includes(fields.one('subject_token_type') ?? '')) throw new StsError('invalid_request', `subject_token_type must be ${SUBJECT_TYPES.join(' or ')}`)
    if ((fields.one('requested_token_type') ?? ACCESS_TOKEN) !== ACCESS_TOKEN) throw new StsError('invalid_request', `requested_token_type can only be ${ACCESS_TOKEN}`)
    if (fields.one('actor_token') !== undefined) throw new StsError('invalid_request', 'nobody can act for somebody else here')
    if (fields.one('scope') !== undefined) throw new StsError('invalid_scope', 'there are no scopes here')
    const device = readTarget([...fields.all('resource'), ...fields.all('audience')])
    const { subject, by } = await verifySubject(fields.one('subject_token'))
    if (!(await policy({ subject, issuer: by, clientId, device }))) throw new StsError('invalid_target', 'the subject of this token may not use this device')
    return issue(subject, device, clientId)
  }

  async function verifySubject(token: string | undefined): Promise<{ subject: IssuedToken; by: string }> {
    if (token === undefined) throw new StsError('invalid_request', 'subject_token is missing')
    try {
      const claimed = readUnverifiedIssuer(token)
      const trusted = subjectIssuers.find((candidate) => candidate.issuer === claimed)
      if (trusted === undefined) throw new StsError('invalid_request', 'tokens of this issuer are not exchanged here')
      const rules = { issuer: trusted.issuer, audience: trusted.audience, keys: 'keys' in trusted ? trusted.keys : issuers.keysOf(trusted.jwksUri) }
      const subject = await verifyIssuedToken(token, rules, clock.nowMs() / 1000)
      // What a device takes is at its end; nobody makes another of it.
      if (subject.audiences.some(looksLikeDeviceAudience)) throw new StsError('invalid_request', 'the subject_token is for a device')
      return { subject, by: trusted.issuer }
    } catch (thrown) {
      if (thrown instanceof StsError || !(thrown instanceof LenskeyError)) throw thrown
      if (isTokenRefusal(thrown)) throw new StsError('invalid_request', `the subject_token is not good: ${thrown.message}`, { cause: thrown })
      throw new StsError('temporarily_unavailable', 'the keys of the issuer of the subject_token cannot be had', { cause: thrown })
    }
  }

  async function issue(subject: IssuedToken, device: DeviceIds, clientId: string | undefined): Promise<StsAnswer> {
    const now = Math.floor(clock.nowMs() / 1000)
    const exp = Math.min(now + maxLifetimeSeconds, Math.floor(subject.expiresAt))
    if (exp <= now) throw new StsError('invalid_request', 'the subject_token is not good: it has expired')
    const claims: Record<string, unknown> = {}
    for (const name of copied) if (Object.prototype.hasOwnProperty.call(subject.claims, name)) claims[name] = subject.claims[name]
    const access_token = await keys.sign({
      ...claims, iss: issuer, sub: subject.subject, aud: deviceAudience(device), iat: now, exp, jti: encodeBase64url(random.bytes(16)), client_id: clientId,
    })
    return { access_token, issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: exp - now }
  }

  return { exchange }
}

/**
 * The default: the subject token lists the devices in a claim, as `<productId>.<deviceId>` with spaces between them or as a list.
 */
export function devicesInClaim(claim: string | readonly string[]): StsPolicy {
  return ({ subject, device }) => wordsOf(subject.claims, claim).includes(`${device.productId}.${device.deviceId}`)
}

/** One rule for `resource` and `audience` (RFC 8693 §2.1): whatever is named, however often, is one and the same device. */
function readTarget(targets: readonly string[]): DeviceIds {
  if (targets.length === 0) throw new StsError('invalid_request', 'resource is missing: nabto://device?productId=...&deviceId=...')
  const devices = targets.map((target) => deviceOfAudience(target))
  const [first] = devices
  if (first === undefined || targets.length > MAX_TARGETS || !targets.every((target) => target === targets[0])) {
    throw new StsError('invalid_target', 'resource and audience must name one device: nabto://device?productId=...&deviceId=...')
  }
  return first
}

/** Fields, each at most once but for those that RFC 8693 lets repeat; an empty one is none (RFC 6749 §3.2). */
function readForm(form: readonly (readonly [string, string])[]): { one(name: string): string | undefined; all(name: string): string[] } {
  if (form.some(([, value]) => value.length > MAX_FIELD_LENGTH)) throw new StsError('invalid_request', `a field has more than ${MAX_FIELD_LENGTH} characters`)
  const all = (name: string): string[] => form.filter((field) => field[0] === name && field[1] !== '').map((field) => field[1])
  return {
    all,
    one(name) {
      const found = all(name)
      if (found.length > 1) throw new StsError('invalid_request', `${name} comes more than once`)
      return found.length === 0 ? undefined : found[0]
    },
  }
}
