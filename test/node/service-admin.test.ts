import { statSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { registerDevice, startRendezvous } from '../../runtimes/node/service/index.ts'
import { adminOf, connect, deviceClaims, makeKey, request, serve, temporaryFolder } from './support/service.ts'

void tap.test('products, devices and keys', async (t) => {
  const service = await serve(t)
  const admin = adminOf(service)
  const [first, second, owner] = [makeKey(), makeKey(), makeKey()]

  const made = await admin('POST', '/products', {})
  t.equal(made.status, 201)
  t.match(made.body.id, /^wp-[a-z2-9]{8}$/)
  const product = String(made.body.id)
  t.equal((await admin('POST', '/products', { id: 'WP-Mine' })).body.id, 'wp-mine')
  t.match(await admin('PUT', '/products/wp-mine', { anonymousClients: false }), { status: 200, body: { anonymousClients: false } })
  t.match(await admin('GET', '/products/WP-Mine'), { status: 200, body: { id: 'wp-mine', anonymousClients: false, serverConnectTokens: false } })
  t.equal((await admin('GET', '/products/wp-none')).status, 404)
  const listed = async (query: string): Promise<string[]> => ((await admin('GET', `/products${query}`)).body.products as { id: string }[]).map(({ id }) => id)
  const ids = [product, 'wp-mine'].sort()
  t.strictSame(await listed(''), ids)
  t.strictSame(await listed('?limit=1'), ids.slice(0, 1))
  t.strictSame(await listed(`?after=${ids[0]}&limit=1`), ids.slice(1))

  const device = await admin('POST', `/products/${product}/devices`, { publicKey: first.publicPem })
  t.match(device, { status: 201, body: { productId: product, deviceId: /^wd-[a-z2-9]{16}$/, kid: first.deviceKid, created: true } })
  const path = `/products/${product}/devices/${String(device.body.deviceId)}`
  t.match(await admin('PUT', path, { publicKey: first.publicPem }), { status: 200, body: { kid: first.deviceKid, created: false } }, 'once more changes nothing')
  t.equal((await admin('POST', `${path}/keys`, { publicKey: second.publicPem })).status, 201)
  t.equal((await admin('POST', `${path}/keys`, { publicKey: second.publicPem })).status, 200)
  t.strictSame(((await admin('GET', `${path}/keys`)).body.keys as { kid: string }[]).map(({ kid }) => kid).sort(), [first.deviceKid, second.deviceKid].sort())
  t.match(await admin('GET', `/products/${product}/devices`), { status: 200, body: { devices: [{ id: device.body.deviceId }] } })
  t.match(await admin('PUT', `/products/${product}/devices/wd-thief`, { publicKey: first.publicPem }), { status: 409, body: { message: /another device/ } })
  t.equal((await admin('DELETE', `${path}/keys/${first.deviceKid}`)).status, 204)
  t.equal((await admin('DELETE', `${path}/keys/${first.deviceKid}`)).status, 404)

  t.match(await admin('POST', `/products/${product}/keys`, { publicKey: owner.publicPem }), { status: 201, body: { kid: owner.productKid } })
  t.match(await admin('GET', `/products/${product}/keys`), { body: { keys: [{ kid: owner.productKid }] } })
  t.equal((await admin('DELETE', `/products/${product}/keys/${owner.productKid}`)).status, 204)
  t.equal((await admin('DELETE', path)).status, 204)
  t.equal((await admin('DELETE', `/products/${product}`)).status, 204)
  t.equal((await admin('DELETE', `/products/${product}`)).status, 404)
})

void tap.test('errors explain', async (t) => {
  const service = await serve(t)
  const admin = adminOf(service)
  const { publicPem } = makeKey()
  await admin('PUT', '/products/wp-a')
  const refused: [string, string, unknown, number, RegExp][] = [
    ['PUT', '/products/-', {}, 400, /product must be/],
    ['PUT', '/products/wp-a', { anonymousClients: 1 }, 400, /anonymousClients/],
    ['PUT', '/products/wp-a', [], 400, /JSON object/],
    ['PUT', '/products/wp-a/devices/wd-a', {}, 400, /publicKey must be/],
    ['PUT', '/products/wp-a/devices/wd-a', { publicKey: 'x' }, 400, /BEGIN PUBLIC KEY/],
    ['PUT', '/products/wp-a/devices/wd-a', { publicKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' }, 400, /stays on the device/],
    ['PUT', '/products/wp-none/devices/wd-a', { publicKey: publicPem }, 404, /no product/],
    ['GET', '/products/wp-none/devices', undefined, 404, /no product/],
    ['GET', '/products/wp-a/devices/wd-none/keys', undefined, 404, /no device/],
    ['POST', '/products/wp-a/devices/wd-none/keys', { publicKey: publicPem }, 404, /no device/],
    ['DELETE', '/products/wp-a/devices/wd-none', undefined, 404, /no device/],
    ['GET', '/products?limit=1001', undefined, 400, /limit/],
    ['GET', '/products?limit=0', undefined, 400, /limit/],
    ['GET', '/products/a%2Fb/keys', undefined, 400, /product must be/],
    ['GET', '/products/__proto__/keys', undefined, 400, /product must be/],
    ['GET', '/products/%ff/keys', undefined, 400, /not a valid url/],
    ['GET', `/products/${'x'.repeat(200)}/keys`, undefined, 414, /param/],
  ]
  for (const [method, path, body, status, words] of refused) {
    const answer = await admin(method, path, body)
    t.match(answer, { status, body: { message: words } }, `${method} ${path}`)
    t.notMatch(answer.body.code, /FST/)
  }
  t.equal((await admin('GET', '/products?limit=1000')).status, 200)
})

void tap.test('registering from the command line', async (t) => {
  const service = await serve(t)
  const key = makeKey()
  const registration = { endpoint: service.url, adminToken: service.adminToken, productId: 'WP-New', deviceId: 'wd-New', publicKeyPem: key.publicPem }
  t.strictSame(await registerDevice(registration), { productId: 'wp-new', deviceId: 'wd-new', kid: key.deviceKid, created: true })
  t.match(await registerDevice(registration), { created: false })
  const token = await key.sign(deviceClaims({ resource: 'urn:nabto:webrtc:wp-new:wd-new' }))
  t.equal((await connect(service, '/v1/device/connect', token, { productId: 'wp-new', deviceId: 'wd-new' })).status, 200)
  await t.rejects(registerDevice({ ...registration, adminToken: 'wrong' }), { code: 'ERR_ADMIN_REFUSED', message: /admin token/ })
  await t.rejects(registerDevice({ ...registration, publicKeyPem: 'x' }), { code: 'ERR_ADMIN_REFUSED', message: /BEGIN PUBLIC KEY/ })
  await t.rejects(registerDevice({ ...registration, endpoint: 'http://127.0.0.1:1' }), { code: 'ERR_ADMIN_UNREACHABLE' })
})

void tap.test('the admin token is made once, for its owner alone', async (t) => {
  const dataDir = join(temporaryFolder(t), 'new')
  const first = await startRendezvous({ listen: { host: '127.0.0.1', port: 0 }, dataDir })
  const file = join(dataDir, 'admin-token')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(readFileSync(file, 'utf8').trim(), first.adminToken)
  t.match(first.adminToken, /^[A-Za-z0-9_-]{43}$/)
  await first.close()
  const second = await serve(t, { dataDir })
  t.equal(second.adminToken, first.adminToken)
  const given = await serve(t, { adminToken: 'given by the operator' })
  t.equal((await request(`${given.url}/admin/v1/products`, 'GET', { token: 'given by the operator' })).status, 200)
  writeFileSync(file, '\n')
  await t.rejects(startRendezvous({ listen: { host: '127.0.0.1', port: 0 }, dataDir }), { code: 'ERR_ADMIN_TOKEN' })
})
