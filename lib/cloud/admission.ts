import { parsePublicKey } from '../crypto/index.ts'
import { messageOf } from '../errors.ts'
import { checkClaims, es256VerifyingKey, type JwtClaims, JwtError, type JwtVerifyingKey, readJwtHeader, verifyJwt } from '../jwt/index.ts'
import type { Clock, NativeCrypto } from '../runtime/index.ts'
import { deviceNotFound, forbidden, productNotFound, unauthorized } from './errors.ts'
import { type DeviceIds, lowerCased } from './ids.ts'
import type { RendezvousLimits } from './limits.ts'
import type { RegisteredKey, RegistryLookups } from './registry.ts'

/** A token that holds: for this device, signed by a key registered for it, within its time. */
export interface Proof {
  kid: string
  /** `iat`, whole seconds. */
  issuedAt: number
  scopes: ReadonlySet<string>
}

/** Words of `scope` (protocol/webrtc-signaling.md §1.4). */
export type Scope = 'device:connect' | 'client:connect' | 'turn'

/** Who may do what, from the registry and from tokens (§11.1, §11.2). Each is checked afresh. */
export interface Admission {
  /** @throws {RendezvousError} 401, 403, 404 */
  device(device: DeviceIds, token: string | undefined): Promise<Proof>
  /** Undefined for a client that shows no token and needs none. @throws {RendezvousError} 401, 403, 404 */
  client(device: DeviceIds, token: string | undefined): Promise<Proof | undefined>
  /** Either of them, for what both may ask. @throws {RendezvousError} 401, 403, 404 */
  anyone(device: DeviceIds, token: string | undefined): Promise<Proof | undefined>
  /** Whether what a ticket rested on still holds: a key, or that clients need none. @throws {RendezvousError} 403 */
  recheck(device: DeviceIds, kid: string | undefined): Promise<void>
}

type Role = 'device' | 'client'
const KEY_ID = /^(device|product):[0-9a-f]{64}$/

export function createAdmission(
  host: { clock: Clock; nativeCrypto?: NativeCrypto }, { registry, limits }: { registry: RegistryLookups; limits: RendezvousLimits },
): Admission {
  /** Existence of a device is told to whoever may come in without a token, else to good tokens alone: §2.1 has codes for it. */
  async function admit(device: DeviceIds, token: string | undefined, roles: Role[], scope?: Scope): Promise<Proof | undefined> {
    const product = await registry.product(device.productId)
    if (product === undefined) throw productNotFound()
    if (product.anonymousClients) await mustExist(device)
    if (token === undefined) {
      if (product.anonymousClients) return undefined
      throw unauthorized('clients of this product need an access token')
    }
    const proof = await prove(device, token, roles, scope)
    if (!product.anonymousClients) await mustExist(device)
    return proof
  }

  async function mustExist(device: DeviceIds): Promise<void> {
    if (!(await registry.hasDevice(device))) throw deviceNotFound()
  }

  async function prove(device: DeviceIds, token: string, roles: Role[], scope?: Scope): Promise<Proof> {
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
    const isWelcome = kid === undefined
      ? (await registry.product(device.productId))?.anonymousClients === true
      : (await registry.productKey(device.productId, kid)) !== undefined
    return isWelcome && registry.hasDevice(device)
  }

  return {
    async device(device, token) {
      const proof = token === undefined ? undefined : await admit(device, token, ['device'], 'device:connect')
      if (proof === undefined) throw unauthorized('a device needs a token: send it as "Authorization: Bearer ..."')
      return proof
    },
    client: (device, token) => admit(device, token, ['client'], 'client:connect'),
    anyone: (device, token) => admit(device, token, ['device', 'client']),
    async recheck(device, kid) {
      if (!(await stillRegistered(device, kid))) throw forbidden('what this URL was given out for is no longer registered')
    },
  }
}

/** An opaque name of limited form; no other member of the header chooses a key. */
function readKeyId(token: string): string {
  let kid: string | undefined
  try {
    kid = readJwtHeader(token).kid
  } catch (thrown) {
    throw refusal(thrown)
  }
  if (kid === undefined || !KEY_ID.test(kid)) throw unauthorized('the "kid" of this token is not "device:" or "product:" and 64 hexadecimal digits')
  return kid
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
  return thrown instanceof JwtError ? unauthorized(messageOf(thrown), thrown) : thrown
}

/** §1.1: `urn:nabto:webrtc:<productId>:<deviceId>`, in any case. */
function namesDevice(resource: unknown, { productId, deviceId }: DeviceIds): boolean {
  return typeof resource === 'string' && lowerCased(resource) === `urn:nabto:webrtc:${productId}:${deviceId}`
}
