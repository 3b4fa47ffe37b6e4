import { looksLikeDeviceAudience } from '../access/device-audience.ts'
import { wordsOf } from '../access/oauth-roles.ts'
import { serverConnectTokenHash } from '../access/sct-hash.ts'
import { parsePublicKey } from '../crypto/index.ts'
import { messageOf } from '../errors.ts'
import {
  checkClaims, es256VerifyingKey, isTokenRefusal, JwksError, type JwtClaims, type JwtVerifyingKey, readJwtHeader, verifyIssuedToken, verifyJwt,
} from '../jwt/index.ts'
import type { Clock, NativeCrypto } from '../runtime/index.ts'
import { JWT_PREFIX, jwtCredential, SCT_PREFIX } from './credentials.ts'
import { deviceNotFound, forbidden, productNotFound, unauthorized, unavailable } from './errors.ts'
import { type DeviceIds, lowerCased } from './ids.ts'
import type { Issuers } from './issuers.ts'
import type { RendezvousLimits } from './limits.ts'
import type { Product, RegisteredKey, RegistryLookups } from './registry.ts'

/** A token that holds: for this device, by whoever may give it, within its time. */
export interface Proof {
  /** What it rests on (`Credential`). */
  kid: string
  /** `iat`, whole seconds; 0 where there is none. */
  issuedAt: number
  scopes: ReadonlySet<string>
}

/** Words of `scope` (protocol/webrtc-signaling.md §1.4). */
export type Scope = 'device:connect' | 'client:connect' | 'turn'

/** Who may do what, from the registry and from tokens (§11.1, §11.2). Each is checked afresh. */
export interface Admission {
  /** @throws {RendezvousError} 401, 403, 404 */
  device(device: DeviceIds, token: string | undefined): Promise<Proof>
  /** Undefined for a client that shows no token and needs none. @throws {RendezvousError} 401, 403, 404, 503 */
  client(device: DeviceIds, shown: Shown | undefined): Promise<Proof | undefined>
  /** Either of them, for what both may ask. @throws {RendezvousError} 401, 403, 404, 503 */
  anyone(device: DeviceIds, shown: Shown | undefined): Promise<Proof | undefined>
  /** Whether what a ticket rested on still holds: a key, or that clients need none. @throws {RendezvousError} 403 */
  recheck(device: DeviceIds, kid: string | undefined): Promise<void>
}

/** What a client shows: a server connect token, or a JWT. */
export type Shown = { sct: string } | { jwt: string }

/** A bearer token is a JWT when it has the dots of one (RFC 7515 §3.1), and else a server connect token. */
export function shownBy(bearer: string | undefined): Shown | undefined {
  if (bearer === undefined) return undefined
  return bearer.includes('.') ? { jwt: bearer } : { sct: bearer }
}

type Role = 'device' | 'client'
const KEY_ID = /^(device|product):[0-9a-f]{64}$/

export function createAdmission(
  host: { clock: Clock; nativeCrypto?: NativeCrypto },
  { registry, limits, issuers }: { registry: RegistryLookups; limits: RendezvousLimits; issuers: Issuers },
): Admission {
  /** Existence of a device is told to whoever may come in without a token, else to good tokens alone: §2.1 has codes for it. */
  async function admit(device: DeviceIds, shown: Shown | undefined, roles: Role[], scope?: Scope): Promise<Proof | undefined> {
    const product = await registry.product(device.productId)
    if (product === undefined) throw productNotFound()
    if (product.anonymousClients) await mustExist(device)
    if (shown === undefined) {
      if (product.anonymousClients) return undefined
      throw unauthorized('clients of this product need an access token')
    }
    const proof = await prove(product, device, shown, roles, scope)
    if (!product.anonymousClients) await mustExist(device)
    return proof
  }

  async function mustExist(device: DeviceIds): Promise<void> {
    if (!(await registry.hasDevice(device))) throw deviceNotFound()
  }

  async function prove(product: Product, device: DeviceIds, shown: Shown, roles: Role[], scope?: Scope): Promise<Proof> {
    if (roles.includes('client')) {
      if ('sct' in shown) return proveByConnectToken(product, device, shown.sct)
      if (!KEY_ID.test(readKeyId(shown.jwt))) return proveByIssuer(product, device, shown.jwt)
    }
    return proveByKey(device, 'jwt' in shown ? shown.jwt : shown.sct, roles, scope)
  }

  /** The registry is asked in any case: the same work whatever the product allows and whichever devices there are. */
  async function proveByConnectToken({ serverConnectTokens }: Product, device: DeviceIds, token: string): Promise<Proof> {
    const hash = serverConnectTokenHash(device, token, host.nativeCrypto)
    const isKnown = await registry.hasServerConnectToken(device, hash)
    if (!isKnown || !serverConnectTokens) throw unauthorized('this token does not let clients through to this device')
    return { kid: SCT_PREFIX + hash, issuedAt: 0, scopes: new Set() }
  }

  /** A token by an issuer that the owner of the product named (protocol/edge-webrtc.md §1.1). */
  async function proveByIssuer({ clientJwt }: Product, device: DeviceIds, token: string): Promise<Proof> {
    if (clientJwt === undefined) throw unauthorized('the key that signed this token ("kid") is not registered here for that')
    const { issuer, audience, jwksUri, claim } = clientJwt
    const rules = { issuer, audience, keys: issuers.keysOf(jwksUri), leewaySeconds: limits.leewaySeconds }
    const { claims, audiences } = await refusing(() => verifyIssuedToken(token, rules, host.clock.nowMs() / 1000))
    // One token for a device and for its rendezvous would let either of them be the client at the other.
    if (audiences.some(looksLikeDeviceAudience)) throw unauthorized('this token is for a device ("aud"), and so for no service')
    const wanted = `${device.productId}.${device.deviceId}`
    if (!wordsOf(claims, claim).some((item) => lowerCased(item) === wanted)) throw forbidden(`the claim "${claim}" of this token does not list the device that is asked for`)
    return { kid: jwtCredential(clientJwt), issuedAt: 0, scopes: new Set(wordsOf(claims, 'scope')) }
  }

  async function proveByKey(device: DeviceIds, token: string, roles: Role[], scope?: Scope): Promise<Proof> {
    const key = await keyOf(device, token, roles)
    const claims = await claimsOf(token, es256VerifyingKey(parsePublicKey(key.publicKey), host))
    if (key.owner !== undefined && !isOwner(key.owner, device)) {
      throw forbidden('the key that signed this token belongs to another device')
    }
    if (!namesDevice(claims.resource, device)) throw forbidden('the "resource" of this token is not the device that is asked for')
    const scopes = new Set(typeof claims.scope === 'string' ? claims.scope.split(' ') : [])
    if (scope !== undefined && !scopes.has(scope)) throw forbidden(`the "scope" of this token does not hold ${scope}`)
    return { kid: key.kid, issuedAt: Math.floor(Number(claims.iat)), scopes }
  }

  async function keyOf(device: DeviceIds, token: string, roles: Role[]): Promise<RegisteredKey & { owner?: DeviceIds }> {
    const kid = readKeyId(token)
    if (!KEY_ID.test(kid)) throw unauthorized('the "kid" of this token is not "device:" or "product:" and 64 hexadecimal digits')
    if (kid.startsWith('device:') && roles.includes('device')) {
      const key = await registry.deviceKey(kid)
      if (key !== undefined) return { ...key, owner: key }
    } else if (kid.startsWith('product:') && roles.includes('client')) {
      const key = await registry.productKey(device.productId, kid)
      if (key !== undefined) return key
    }
    throw unauthorized('the key that signed this token ("kid") is not registered here for that')
  }

  async function claimsOf(token: string, key: JwtVerifyingKey): Promise<JwtClaims> {
    return refusing(async () => {
      const { claims } = await verifyJwt(token, key)
      checkClaims(claims, {
        nowSeconds: host.clock.nowMs() / 1000,
        leewaySeconds: limits.leewaySeconds,
        required: ['iat', 'exp'],
        maxLifetimeSeconds: limits.tokenLifetimeSeconds + limits.leewaySeconds,
      })
      return claims
    })
  }

  async function stillRegistered(device: DeviceIds, kid: string | undefined): Promise<boolean> {
    if (kid?.startsWith('device:') === true) return isOwner(await registry.deviceKey(kid), device)
    return (await isWelcome(device, kid)) && registry.hasDevice(device)
  }

  async function isWelcome(device: DeviceIds, kid: string | undefined): Promise<boolean> {
    if (kid?.startsWith('product:') === true) return (await registry.productKey(device.productId, kid)) !== undefined
    const product = await registry.product(device.productId)
    if (product === undefined) return false
    if (kid === undefined) return product.anonymousClients
    if (kid.startsWith(JWT_PREFIX)) return product.clientJwt !== undefined && jwtCredential(product.clientJwt) === kid
    return kid.startsWith(SCT_PREFIX) && product.serverConnectTokens && registry.hasServerConnectToken(device, kid.slice(SCT_PREFIX.length))
  }

  return {
    async device(device, token) {
      const proof = token === undefined ? undefined : await admit(device, { jwt: token }, ['device'], 'device:connect')
      if (proof === undefined) throw unauthorized('a device needs a token: send it as "Authorization: Bearer ..."')
      return proof
    },
    client: (device, shown) => admit(device, shown, ['client'], 'client:connect'),
    anyone: (device, shown) => admit(device, shown, ['device', 'client']),
    async recheck(device, kid) {
      if (!(await stillRegistered(device, kid))) throw forbidden('what this URL was given out for is no longer registered')
    },
  }
}

/** An opaque name; no other member of the header chooses a key. */
function readKeyId(token: string): string {
  try {
    return readJwtHeader(token).kid ?? ''
  } catch (thrown) {
    throw refusal(thrown)
  }
}

function isOwner(owner: DeviceIds | undefined, { productId, deviceId }: DeviceIds): boolean {
  return owner?.productId === productId && owner.deviceId === deviceId
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw refusal(thrown)
  }
}

function refusal(thrown: unknown): unknown {
  if (isTokenRefusal(thrown)) return unauthorized(messageOf(thrown), thrown)
  return thrown instanceof JwksError ? unavailable('the keys of the issuer of this token cannot be had', thrown) : thrown
}

/** §1.1: `urn:nabto:webrtc:<productId>:<deviceId>`, in any case. */
function namesDevice(resource: unknown, { productId, deviceId }: DeviceIds): boolean {
  return typeof resource === 'string' && lowerCased(resource) === `urn:nabto:webrtc:${productId}:${deviceId}`
}
