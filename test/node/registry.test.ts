import { statSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import type { Registry } from '../../lib/cloud/index.ts'
import { openRegistry, type RegistryOptions, startRendezvous } from '../../runtimes/node/service/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { startPostgres } from './support/postgres.ts'
import { adminOf, connect, deviceClaims, registerTestDevice, request, seatDevice, temporaryFolder } from './support/service.ts'

const front = { productId: 'wp-a', deviceId: 'wd-front' }
const back = { productId: 'wp-a', deviceId: 'wd-back' }
const keyA = { kid: `device:${'a'.repeat(64)}`, publicKey: 'PEM A' }
const keyB = { kid: `device:${'b'.repeat(64)}`, publicKey: 'PEM B' }

async function refuses(t: Test, call: Promise<unknown>, status: number, answerCode?: string): Promise<void> {
  const thrown: unknown = await call.catch((error: unknown) => error)
  t.match(thrown, answerCode === undefined ? { name: 'RendezvousError', status } : { name: 'RendezvousError', status, answerCode })
}

/** What every database must do alike. */
async function behaves(t: Test, options: RegistryOptions): Promise<void> {
  let registry: Registry = await openRegistry(options)
  t.equal(await registry.product('wp-a'), undefined)
  t.equal(await registry.hasDevice(front), false)
  t.equal(await registry.deviceKey(keyA.kid), undefined)
  await refuses(t, registry.putDevice(front), 404, 'PRODUCT_ID_NOT_FOUND')
  await refuses(t, registry.addProductKey('wp-a', keyA), 404)

  t.equal(await registry.putProduct('wp-a', {}), true)
  t.equal(await registry.putProduct('wp-a', {}), false)
  t.match(await registry.product('wp-a'), { id: 'wp-a', anonymousClients: true, createdAt: Number })
  await registry.putProduct('wp-a', { anonymousClients: false })
  t.equal((await registry.product('wp-a'))?.anonymousClients, false)
  await registry.putProduct('wp-a', {})
  t.equal((await registry.product('wp-a'))?.anonymousClients, false, 'what is not said stays as it was')
  const clientJwt = { issuer: 'i', audience: 'a', jwksUri: 'https://i.test/jwks', claim: 'c' }
  await registry.putProduct('wp-a', { serverConnectTokens: true, clientJwt })
  t.match(await registry.product('wp-a'), { anonymousClients: false, serverConnectTokens: true, clientJwt })
  await registry.putProduct('wp-a', { clientJwt: null })
  t.strictSame((await registry.product('wp-a'))?.clientJwt, undefined)
  await refuses(t, registry.putServerConnectTokens(front, []), 404, 'DEVICE_ID_NOT_FOUND')

  await refuses(t, registry.addDeviceKey(front, keyA), 404, 'DEVICE_ID_NOT_FOUND')
  t.equal(await registry.putDevice(front), true)
  t.equal(await registry.putDevice(front), false)
  t.equal(await registry.putDevice(back), true)

  t.strictSame(await registry.putServerConnectTokens(front, ['a', 'b', 'c']), [])
  t.strictSame((await registry.putServerConnectTokens(front, ['b', 'd'])).sort(), ['a', 'c'], 'what went')
  t.equal(await registry.hasServerConnectToken(front, 'd'), true)
  t.equal(await registry.hasServerConnectToken(front, 'a'), false)
  t.equal(await registry.hasServerConnectToken(back, 'd'), false)

  t.equal(await registry.acceptProof(front, 100, 10, 1000), true)
  t.equal(await registry.acceptProof(front, 100, 10, 1000), true, 'the same token, a moment later')
  t.equal(await registry.acceptProof(front, 100, -1, 1000), false, 'the same token, too late')
  t.equal(await registry.acceptProof(front, 99, 10, 1000), false, 'an older token')
  t.equal(await registry.acceptProof(front, 101, -1, 1000), true)
  t.equal(await registry.acceptProof(back, 99, 10, 1000), true, 'devices are apart')
  t.equal(await registry.acceptProof(back, 2000, 10, 2000), true)
  t.equal(await registry.acceptProof(back, 1000, 10, 2000), false)
  t.equal(await registry.acceptProof(back, 1000, 10, 1999), true, 'a proof of a time that is still to come, once the clock was set back, is forgotten')
  await registry.close()
  registry = await openRegistry(options)
  t.equal(await registry.acceptProof(front, 100, 10, 1000), false, 'remembered across a restart')
  t.equal(await registry.addDeviceKey(front, keyA), true)
  t.equal(await registry.addDeviceKey(front, keyA), false)
  t.equal(await registry.addDeviceKey(front, keyB), true, 'a device has several keys, so that they can be changed without a gap')
  await refuses(t, registry.addDeviceKey(back, keyA), 409)
  t.match(await registry.deviceKey(keyA.kid), { ...front, ...keyA, createdAt: Number })
  t.strictSame((await registry.deviceKeys(front)).map(({ kid }) => kid), [keyA.kid, keyB.kid])
  t.equal(await registry.removeDeviceKey(back, keyA.kid), false)
  t.equal(await registry.removeDeviceKey(front, keyA.kid), true)
  t.equal(await registry.deviceKey(keyA.kid), undefined)

  await registry.putProduct('wp-b', {})
  t.equal(await registry.addProductKey('wp-a', keyA), true)
  t.equal(await registry.addProductKey('wp-b', keyA), true, 'an owner of two products may have one key')
  t.equal(await registry.addProductKey('wp-b', keyA), false)
  t.equal(await registry.removeProductKey('wp-a', keyA.kid), true)
  t.equal(await registry.productKey('wp-a', keyA.kid), undefined)
  t.match(await registry.productKey('wp-b', keyA.kid), keyA)

  t.strictSame((await registry.products({ limit: 1 })).map(({ id }) => id), ['wp-a'])
  t.strictSame((await registry.products({ after: 'wp-a', limit: 5 })).map(({ id }) => id), ['wp-b'])
  t.strictSame((await registry.devices('wp-a', { limit: 5 })).map(({ id }) => id), ['wd-back', 'wd-front'])

  t.equal(await registry.secret('a secret', 'first'), 'first')
  t.equal(await registry.secret('a secret', 'second'), 'first')
  await registry.ping()
  await registry.close()

  registry = await openRegistry(options)
  t.match(await registry.deviceKey(keyB.kid), { ...front, ...keyB }, 'it is all there after a restart')
  t.equal(await registry.removeProduct('wp-a'), true)
  t.equal(await registry.removeProduct('wp-a'), false)
  t.equal(await registry.hasDevice(front), false)
  t.equal(await registry.hasServerConnectToken(front, 'd'), false)
  t.equal(await registry.deviceKey(keyB.kid), undefined, 'what is under a product goes with it')
  await registry.close()
}

void tap.test('the registry in a file', async (t) => {
  const dataDir = join(temporaryFolder(t), 'made', 'for it')
  await behaves(t, { dataDir })
  t.equal(statSync(join(dataDir, 'registry.sqlite')).mode & 0o777, 0o600)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
})

void tap.test('the registry on PostgreSQL', { skip: skipWithout('initdb') }, async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.stop())
  const dataDir = temporaryFolder(t)

  await t.test('does the same', async (t) => {
    await behaves(t, { dataDir, databaseUrl: postgres.url })
  })

  await t.test('two nodes that start at once share it', async (t) => {
    const open = await Promise.all([1, 2].map(() => openRegistry({ dataDir, databaseUrl: postgres.url })))
    const secrets = await Promise.all(open.map((registry, n) => registry.secret('shared', `of ${n}`)))
    t.equal(secrets[0], secrets[1])
    await Promise.all(open.map((registry) => registry.close()))
  })

  await t.test('a service says that it lost its database, and seated devices stay', async (t) => {
    const service = await startRendezvous({ listen: { host: '127.0.0.1', port: 0 }, dataDir, databaseUrl: postgres.url })
    t.teardown(() => service.close())
    const key = await registerTestDevice(service)
    const device = await seatDevice(t, service, key)
    t.equal((await request(`${service.url}/readyz`, 'GET')).status, 200)
    await postgres.stop()
    t.equal((await request(`${service.url}/readyz`, 'GET')).status, 503)
    t.equal((await request(`${service.url}/healthz`, 'GET')).status, 200)
    const refused = await connect(service, '/v1/device/connect', await key.sign(deviceClaims()))
    t.match({ status: refused.status, message: refused.body.message }, { status: 503, message: 'the registry does not answer' })
    t.ok(refused.headers.get('retry-after'))
    t.equal((await adminOf(service)('GET', '/products')).status, 503)
    await device.flush()
  })
})

void tap.test('a database that cannot be had', async (t) => {
  const dataDir = temporaryFolder(t)
  await t.rejects(openRegistry({ dataDir, databaseUrl: 'mysql://localhost/x' }), { code: 'ERR_DATABASE_URL' })
  await t.rejects(openRegistry({ dataDir, databaseUrl: 'postgres://127.0.0.1:1/x' }), { code: 'ERR_DATABASE_MIGRATION' })
})
