import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { badRequest, deviceNotFound, notFound, productNotFound, unauthorized } from '../../../lib/cloud/errors.ts'
import {
  type DeviceIds, newDeviceId, newProductId, type Page, readId, readProductSettings, type RegisteredKey, type Registry, type Rendezvous,
} from '../../../lib/cloud/index.ts'
import { deviceKeyId, type P256PublicKey, parsePublicKey, productKeyId } from '../../../lib/crypto/index.ts'
import { isObject } from '../../../lib/signaling/json.ts'
import { nodeRandom } from '../host.ts'
import { addressOf } from './connect-api.ts'
import { putProduct as putProductOf, registered } from './product-set-up.ts'

const MAX_PAGE = 1000

interface Params {
  product: string
  device: string
  kid: string
}

/**
 * The operator's API under `/admin/v1`, behind the admin token. What is removed ends the seats that rest on it.
 * `docs/rendezvous.md` lists the routes.
 */
export function addAdminApi(server: FastifyInstance, options: { registry: Registry; rendezvous: Rendezvous; adminToken: string }): void {
  const { registry, rendezvous, adminToken } = options
  const { relay } = rendezvous

  void server.register((admin, _options, done) => {
    admin.addHook('onRequest', (request, _reply, next) => {
      rendezvous.countRequest(addressOf(request))
      if (!sameSecret(request.headers.authorization ?? '', `Bearer ${adminToken}`)) {
        throw unauthorized('the admin token is needed: send it as "Authorization: Bearer ..."; the service keeps it in the file admin-token of its data folder')
      }
      next()
    })

    admin.get('/products', async ({ query }) => ({ products: await registry.products(readPage(query)) }))

    admin.post('/products', async ({ body }, reply) => {
      const id = readOptionalId('id', readObject(body).id) ?? newProductId(nodeRandom)
      return reply.code(await putProduct(id, body) ? 201 : 200).send(await registry.product(id))
    })

    admin.put<{ Params: Params }>('/products/:product', async ({ params, body }, reply) => {
      const id = readId('product', params.product)
      return reply.code(await putProduct(id, body) ? 201 : 200).send(await registry.product(id))
    })

    admin.get<{ Params: Params }>('/products/:product', async ({ params }) => registry.product(await existingProduct(params)))

    admin.delete<{ Params: Params }>('/products/:product', async ({ params }, reply) => {
      const productId = readId('product', params.product)
      if (!(await registry.removeProduct(productId))) throw productNotFound()
      relay.revoke({ productId })
      return reply.code(204).send()
    })

    admin.get<{ Params: Params }>('/products/:product/devices', async ({ params, query }) => {
      const productId = await existingProduct(params)
      return { devices: await registry.devices(productId, readPage(query)) }
    })

    admin.post<{ Params: Params }>('/products/:product/devices', async ({ params, body }, reply) => {
      const deviceId = readOptionalId('id', readObject(body).id) ?? newDeviceId(nodeRandom)
      return reply.code(201).send(await register({ productId: readId('product', params.product), deviceId }, body))
    })

    admin.put<{ Params: Params }>('/products/:product/devices/:device', ({ params, body }) => register(readDevice(params), body))

    admin.delete<{ Params: Params }>('/products/:product/devices/:device', async ({ params }, reply) => {
      const device = readDevice(params)
      if (!(await registry.removeDevice(device))) throw deviceNotFound()
      relay.revoke(device)
      return reply.code(204).send()
    })

    admin.get<{ Params: Params }>('/products/:product/devices/:device/keys', async ({ params }) => {
      const device = readDevice(params)
      await existingProduct(params)
      if (!(await registry.hasDevice(device))) throw deviceNotFound()
      return { keys: await registry.deviceKeys(device) }
    })

    admin.post<{ Params: Params }>('/products/:product/devices/:device/keys', async ({ params, body }, reply) => {
      const key = readKey(body, deviceKeyId)
      const added = await registry.addDeviceKey(readDevice(params), key)
      return reply.code(added ? 201 : 200).send({ kid: key.kid })
    })

    admin.delete<{ Params: Params }>('/products/:product/devices/:device/keys/:kid', async ({ params }, reply) => {
      const device = readDevice(params)
      if (!(await registry.removeDeviceKey(device, params.kid))) throw notFound('this device has no such key')
      relay.revoke({ ...device, kid: params.kid })
      return reply.code(204).send()
    })

    admin.get<{ Params: Params }>('/products/:product/keys', async ({ params }) => ({ keys: await registry.productKeys(await existingProduct(params)) }))

    admin.post<{ Params: Params }>('/products/:product/keys', async ({ params, body }, reply) => {
      const key = readKey(body, productKeyId)
      const added = await registry.addProductKey(readId('product', params.product), key)
      return reply.code(added ? 201 : 200).send({ kid: key.kid })
    })

    admin.delete<{ Params: Params }>('/products/:product/keys/:kid', async ({ params }, reply) => {
      const productId = readId('product', params.product)
      if (!(await registry.removeProductKey(productId, params.kid))) throw notFound('this product has no such key')
      relay.revoke({ productId, kid: params.kid })
      return reply.code(204).send()
    })

    done()
  }, { prefix: '/admin/v1' })

  const putProduct = (productId: string, body: unknown): Promise<boolean> => putProductOf({ registry, relay }, productId, readProductSettings(readObject(body)))

  /** The same request again changes nothing; another key is added to those that are there. */
  async function register(device: DeviceIds, body: unknown): Promise<DeviceIds & { kid: string; created: boolean }> {
    const key = readKey(body, deviceKeyId)
    if (readObject(body).createProduct === true) await registry.putProduct(device.productId, {})
    const created = await registry.putDevice(device)
    await registry.addDeviceKey(device, key)
    return { ...device, kid: key.kid, created }
  }

  async function existingProduct({ product }: Params): Promise<string> {
    const productId = readId('product', product)
    if ((await registry.product(productId)) === undefined) throw productNotFound()
    return productId
  }
}

function sameSecret(shown: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(shown), digest(wanted))
}

function readDevice({ product, device }: Params): DeviceIds {
  return { productId: readId('product', product), deviceId: readId('device', device) }
}

function readOptionalId(name: string, value: unknown): string | undefined {
  return value === undefined ? undefined : readId(name, value)
}

/** No body is an empty one. */
function readObject(body: unknown): Record<string, unknown> {
  if (body === undefined || body === null) return {}
  if (!isObject(body)) throw badRequest('the body must be a JSON object')
  return body
}

/** @throws {LenskeyError} what `parsePublicKey` throws */
function readKey(body: unknown, kidOf: (key: P256PublicKey) => string): Pick<RegisteredKey, 'kid' | 'publicKey'> {
  const { publicKey } = readObject(body)
  if (typeof publicKey !== 'string') throw badRequest('publicKey must be the public key as PEM text (openssl ec -in key.pem -pubout)')
  return registered(parsePublicKey(publicKey), kidOf)
}

function readPage(query: unknown): Page {
  const { after, limit = '100' } = query as { after?: unknown; limit?: unknown }
  const count = Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > MAX_PAGE) throw badRequest(`limit must be 1 to ${MAX_PAGE}`)
  return { after: readOptionalId('after', after), limit: count }
}
