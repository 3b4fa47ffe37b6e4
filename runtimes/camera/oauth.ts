import { addOauthEndpoint, type OauthOptions, type VirtualConnection } from '../../lib/access/index.ts'
import type { CoapRouter } from '../../lib/coap/index.ts'
import type { Iam } from '../../lib/iam/index.ts'
import { createJwksCache } from '../../lib/jwt/index.ts'
import type { Host, Storage } from '../../lib/runtime/index.ts'
import { readPairs } from './pairs.ts'
import { UsageError } from './usage-error.ts'

/** How a camera takes tokens of an OAuth server (docs/tokens.md). */
export const oauthOptions = {
  'oauth-issuer': { value: 'URL', help: 'take OAuth tokens of this issuer, letter by letter as in their `iss`' },
  'oauth-jwks': { value: 'URL', help: 'key set of that issuer (default ISSUER/.well-known/jwks.json)' },
  'oauth-role': { value: 'WORD=ROLE', help: 'role of whoever\'s token lists WORD; without any, `sub` names a user by its OAuth subject', repeatable: true },
  'oauth-claim': { value: 'NAME', help: 'claim that lists such words; a.b for one inside another', default: 'roles' },
}

/** As they stand on a command line. */
export interface GivenOauth {
  issuer: string | undefined
  jwks: string | undefined
  roles: readonly string[]
  claim: string
}

export interface OauthSettings {
  issuer: string
  jwksUrl: string
  roles: OauthOptions['roles']
}

/** Undefined when no issuer is named. @throws {UsageError} */
export function readOauth({ issuer, jwks, roles, claim }: GivenOauth): OauthSettings | undefined {
  if (issuer === undefined) {
    if (roles.length > 0) throw new UsageError('--oauth-issuer URL is needed with --oauth-role')
    return undefined
  }
  const map = readPairs(roles, 'oauth-role is WORD=ROLE')
  return {
    issuer,
    jwksUrl: jwks ?? `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`,
    roles: roles.length === 0 ? undefined : { claim: claim.split('.'), map },
  }
}

/** Puts `/webrtc/oauth` on the camera's router. @returns ends what keeps the keys fresh */
export function serveOauth(
  router: CoapRouter<VirtualConnection>, { issuer, jwksUrl, roles }: OauthSettings, { iam, storage, productId, deviceId }: { iam: Iam; storage: Storage; productId: string; deviceId: string }, host: Host,
): () => void {
  const keys = createJwksCache(jwksUrl, host, { saved: { storage, name: 'oauth-keys.json' }, keepFresh: true })
  addOauthEndpoint(router, { iam, productId, deviceId, issuer, keys, roles }, host)
  return () => { keys.close() }
}
