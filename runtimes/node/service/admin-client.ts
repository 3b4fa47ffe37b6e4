import type { ClientJwtPolicy, ProductSettings } from '../../../lib/cloud/index.ts'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import { isObject } from '../../../lib/signaling/json.ts'

const TIMEOUT_MS = 15_000

export interface DeviceRegistration {
  /** The service, such as `http://localhost:8080`, without a slash at its end. */
  endpoint: string
  adminToken: string
  productId: string
  deviceId: string
  publicKeyPem: string
}

export interface RegisteredDevice {
  productId: string
  deviceId: string
  kid: string
  /** False when the device was there; its key is added if it is new. */
  created: boolean
}

/**
 * Registers a device and its key; makes the product when there is none. May be repeated.
 * @throws {LenskeyError} `ERR_ADMIN_UNREACHABLE`, `ERR_ADMIN_REFUSED` with the service's words
 */
export async function registerDevice(registration: DeviceRegistration): Promise<RegisteredDevice> {
  const { endpoint, adminToken, productId, deviceId, publicKeyPem } = registration
  const path = `/admin/v1/products/${encodeURIComponent(productId)}/devices/${encodeURIComponent(deviceId)}`
  const answer = await request(endpoint + path, 'PUT', adminToken, { publicKey: publicKeyPem, createProduct: true })
  const { kid, created } = answer
  if (typeof answer.productId !== 'string' || typeof answer.deviceId !== 'string' || typeof kid !== 'string') {
    throw new LenskeyError('ERR_ADMIN_REFUSED', `${endpoint} did not answer as a rendezvous does; is it the right address?`)
  }
  return { productId: answer.productId, deviceId: answer.deviceId, kid, created: created === true }
}

export interface ProductPolicy {
  id: string
  anonymousClients: boolean
  serverConnectTokens: boolean
  clientJwt?: ClientJwtPolicy
}

export interface AdminAccess {
  /** The service, without a slash at its end. */
  endpoint: string
  adminToken: string
}

const productUrl = ({ endpoint }: AdminAccess, productId: string): string => `${endpoint}/admin/v1/products/${encodeURIComponent(productId)}`

/**
 * Sets what a product allows, and makes the product when there is none.
 * @throws {LenskeyError} `ERR_ADMIN_UNREACHABLE`, `ERR_ADMIN_REFUSED` with the service's words
 */
export async function putProduct(service: AdminAccess, productId: string, settings: ProductSettings): Promise<ProductPolicy> {
  return policyIn(await request(productUrl(service, productId), 'PUT', service.adminToken, settings), service)
}

/** What a product allows, and the names of its owner's keys. @throws {LenskeyError} as `putProduct`; also refused where there is no such product */
export async function getProduct(service: AdminAccess, productId: string): Promise<ProductPolicy & { keys: string[] }> {
  const policy = policyIn(await request(productUrl(service, productId), 'GET', service.adminToken), service)
  const { keys } = await request(`${productUrl(service, productId)}/keys`, 'GET', service.adminToken)
  return { ...policy, keys: (Array.isArray(keys) ? keys : []).flatMap((key: unknown) => (isObject(key) && typeof key.kid === 'string' ? [key.kid] : [])) }
}

/** @param publicKey - as PEM text @throws {LenskeyError} as `putProduct` */
export async function addProductKey(service: AdminAccess, productId: string, publicKey: string): Promise<void> {
  await request(`${productUrl(service, productId)}/keys`, 'POST', service.adminToken, { publicKey })
}

/** @param kid - `product:` and the fingerprint @throws {LenskeyError} as `putProduct`; also refused where there is no such key */
export async function removeProductKey(service: AdminAccess, productId: string, kid: string): Promise<void> {
  await request(`${productUrl(service, productId)}/keys/${encodeURIComponent(kid)}`, 'DELETE', service.adminToken)
}

function policyIn(answer: Record<string, unknown>, { endpoint }: AdminAccess): ProductPolicy {
  if (typeof answer.id !== 'string' || typeof answer.anonymousClients !== 'boolean' || typeof answer.serverConnectTokens !== 'boolean') {
    throw new LenskeyError('ERR_ADMIN_REFUSED', `${endpoint} did not answer as a rendezvous of this version does`)
  }
  return answer as unknown as ProductPolicy
}

async function request(url: string, method: string, adminToken: string, body?: unknown): Promise<Record<string, unknown>> {
  let response: Response
  let answer: unknown
  try {
    response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    answer = await response.json().catch(() => undefined)
  } catch (thrown) {
    throw new LenskeyError('ERR_ADMIN_UNREACHABLE', `no answer from ${new URL(url).origin}: ${messageOf(thrown)}`, { cause: thrown })
  }
  if (response.status === 204) return {}
  if (response.ok && isObject(answer)) return answer
  const words = isObject(answer) && typeof answer.message === 'string' ? answer.message : 'no reason given'
  throw new LenskeyError('ERR_ADMIN_REFUSED', `the service refused (${response.status}): ${words}`)
}
