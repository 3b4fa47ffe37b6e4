import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { startCuttingProxy } from './support/cutting-proxy.ts'
import { startPostgres } from './support/postgres.ts'
import {
  adminOf, clientClaims, connect, connectClient, DEVICE, deviceClaims, makeKey, nowSeconds, PRODUCT, registerTestDevice, request, seatDevice, serve,
  temporaryFolder, TestSocket,
} from './support/service.ts'

void tap.test('a token of anybody\'s making does not tell whether a device exists', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  const owner = makeKey()
  await adminOf(service)('POST', `/products/${PRODUCT}/keys`, { publicKey: owner.publicPem })
  await adminOf(service)('PUT', `/products/${PRODUCT}`, { anonymousClients: false })
  const stranger = makeKey()
  const tokens = [
    'x', await stranger.sign(clientClaims()), await stranger.sign(clientClaims(), { kid: owner.productKid }), await stranger.sign(deviceClaims(), { kid: key.deviceKid }),
    await owner.sign(clientClaims({ exp: nowSeconds() - 100 }), { kid: owner.productKid }),
  ]
  for (const path of ['/v1/device/connect', '/v1/client/connect', '/v1/ice-servers'] as const) {
    for (const token of tokens) {
      const answers = await Promise.all([DEVICE, 'wd-none'].map((deviceId) => connect(service, path, token, { productId: PRODUCT, deviceId })))
      t.strictSame(answers.map(({ status, body }) => ({ status, body })), Array(2).fill({ status: 401, body: answers[0].body }), path)
    }
  }
  const forNone = await owner.sign(clientClaims({ resource: `urn:nabto:webrtc:${PRODUCT}:wd-none` }), { kid: owner.productKid })
  t.match(await connect(service, '/v1/client/connect', forNone, { productId: PRODUCT, deviceId: 'wd-none' }), { status: 404, body: { code: 'DEVICE_ID_NOT_FOUND' } })
})

void tap.test('a product that closes to strangers closes on those inside', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const owner = makeKey()
  await adminOf(service)('POST', `/products/${PRODUCT}/keys`, { publicKey: owner.publicPem })
  const stranger = await connectClient(t, service)
  const guest = await connectClient(t, service, await owner.sign(clientClaims(), { kid: owner.productKid }))
  await adminOf(service)('PUT', `/products/${PRODUCT}`, { anonymousClients: false })
  t.equal((await stranger.socket.hasClosed())?.code, 4001)
  await t.rejects(TestSocket.open(t, stranger.url), { message: 'refused with 403' })
  await guest.socket.flush()
  await device.flush()
})

void tap.test('IDs are spelled in ASCII: no other letter becomes one of theirs', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service, { device: 'wd-kiosk' })
  const kelvin = 'wd-\u212aios\u212a'
  t.equal((await connect(service, '/v1/client/connect', undefined, { productId: PRODUCT, deviceId: kelvin })).status, 400)
  const token = await key.sign(deviceClaims({ resource: `urn:nabto:webrtc:${PRODUCT}:${kelvin}` }))
  t.equal((await connect(service, '/v1/device/connect', token, { productId: PRODUCT, deviceId: 'wd-kiosk' })).status, 403)
})

void tap.test('pages of other sites get no answer of the admin API', async (t) => {
  const service = await serve(t)
  const headers = { origin: 'https://example.org', 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }
  for (const [method, path] of [['OPTIONS', '/products'], ['GET', '/products'], ['HEAD', '/products'], ['OPTIONS', '/nothing']]) {
    const answer = await fetch(`${service.url}/admin/v1${path}`, { method, headers: { ...headers, authorization: `Bearer ${service.adminToken}` } })
    t.equal(answer.headers.get('access-control-allow-origin'), null, `${method} ${path}`)
  }
  t.equal((await fetch(`${service.url}/admin/v1/products`, { method: 'HEAD' })).status, 401)
})

void tap.test('a message in more pieces than any peer sends', async (t) => {
  const service = await serve(t)
  await registerTestDevice(service)
  const { socket } = await connectClient(t, service)
  const piece = (bit: boolean): void => socket.socket.send('1', { fin: bit })
  for (let n = 0; n < 1023; n++) piece(false)
  piece(true)
  await socket.flush()
  for (let n = 0; n < 1025; n++) piece(false)
  t.equal((await socket.hasClosed())?.code, 1008)
})

void tap.test('one who does not read answers keeps no connection', async (t) => {
  const service = await serve(t, { limits: { httpIdleMs: 500 }, pages: { dir: 'dist/viewer' } })
  const connection = connectTcp(service.address.port, '127.0.0.1')
  t.teardown(() => connection.destroy())
  connection.on('error', () => undefined)
  const closed = new Promise((resolve) => connection.once('close', resolve))
  await once(connection, 'connect')
  connection.pause()
  const body = JSON.stringify({ productId: 'wp-none', deviceId: DEVICE })
  const asked = `POST /v1/client/connect HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  // Long answers fill the buffers of the system between the two, however slow this machine is at the moment.
  connection.write('GET /viewer.js HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200))
  const flood = setInterval(() => connection.writable && connection.writableLength < 1e6 && connection.write(asked.repeat(1000)), 1)
  t.teardown(() => clearInterval(flood))
  const started = Date.now()
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 10_000))])
  t.ok(connection.destroyed, `after ${Date.now() - started} ms`)
})

void tap.test('callers that are gone before they are answered are counted, and fill no log', async (t) => {
  const lines: string[] = []
  const service = await serve(t, { log: (level, event, fields) => lines.push(JSON.stringify([level, event, fields])) })
  const asked = 'POST /v1/client/connect HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
  for (let n = 0; n < 20; n++) {
    const connection = connectTcp(service.address.port, '127.0.0.1')
    connection.on('error', () => undefined)
    const closed = new Promise((resolve) => connection.once('close', resolve))
    connection.write(asked.repeat(20), () => connection.resetAndDestroy())
    await closed
  }
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.strictSame(lines.filter((line) => !line.includes('rendezvous.started')), [])
})

void tap.test('a refused upgrade tells the time as every answer does', async (t) => {
  const service = await serve(t)
  const connection = connectTcp(service.address.port, '127.0.0.1')
  t.teardown(() => connection.destroy())
  connection.write('GET /v1/seat/x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  const [answer] = await once(connection, 'data') as [Buffer]
  t.match(answer.toString(), /^HTTP\/1.1 403 Forbidden\r\n(.+\r\n)*date: .* GMT\r\n/)
})

void tap.test('files of the registry are for their owner alone', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data')
  const service = await serve(t, { dataDir })
  await registerTestDevice(service)
  for (const name of ['registry.sqlite', 'registry.sqlite-wal', 'registry.sqlite-shm', 'admin-token']) t.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600, name)
})

void tap.test('PostgreSQL that is cut off in mid-query', { skip: skipWithout('initdb') }, async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.stop())
  const direct = new URL(postgres.url)
  const proxy = await startCuttingProxy(t, Number(direct.port))
  const service = await serve(t, { databaseUrl: `postgres://lenskey@127.0.0.1:${proxy.port}/postgres` })
  const key = await registerTestDevice(service)
  const locker = new pg.Client(postgres.url)
  locker.on('error', () => undefined)
  await locker.connect()
  t.teardown(() => locker.end())
  await locker.query('begin')
  await locker.query('lock table products, devices in access exclusive mode')
  const asked = Array.from({ length: 20 }, () => request(`${service.url}/readyz`, 'GET'))
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.equal((await locker.query('select 1 from pg_locks where not granted')).rowCount, 1, 'whoever asks for /readyz cannot use up the connections')
  const waiting = [1, 2, 3].map(async () => connect(service, '/v1/device/connect', await key.sign(deviceClaims())))
  await new Promise((resolve) => setTimeout(resolve, 500))
  proxy.cut(100)
  t.strictSame((await Promise.all(waiting)).map(({ status }) => status), [503, 503, 503])
  t.ok((await Promise.all(asked)).every(({ status }) => status === 503))
  await locker.query('rollback')
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.equal((await connect(service, '/v1/device/connect', await key.sign(deviceClaims({ iat: nowSeconds() + 0.5 })))).status, 200, 'a time claim may have a fraction')
})
