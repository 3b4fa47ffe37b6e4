import { mkdirSync, writeFileSync } from 'node:fs'
import { get, request as httpRequest } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import tap from 'tap'
import { startRendezvous } from '../../runtimes/node/service/index.ts'
import { connect, connectClient, deviceClaims, makeKey, registerTestDevice, request, seatDevice, serve, temporaryFolder, TestSocket } from './support/service.ts'

void tap.test('health, and a drain that tells everyone', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const client = await connectClient(t, service)
  t.match(await request(`${service.url}/healthz`, 'GET'), { status: 200, body: { status: 'alive' } })
  t.match(await request(`${service.url}/readyz`, 'GET'), { status: 200, body: { status: 'ready' } })

  // A connection from before, on which a request comes while the service drains.
  const [{ port }, started] = [service.address, Date.now()]
  const closing = service.close()
  t.equal(service.close() instanceof Promise, true, 'closing twice is closing once')
  t.equal((await device.hasClosed())?.code, 1001)
  t.equal((await client.socket.hasClosed())?.code, 1001)
  await closing
  t.ok(Date.now() - started < 1000, 'it does not wait for what is gone')
  await t.rejects(fetch(`http://127.0.0.1:${port}/healthz`), 'nobody listens any more')
})

void tap.test('a draining service is not ready', async (t) => {
  const service = await serve(t, { drainTimeoutMs: 300 })
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { url } = await connectClient(t, service)
  // A peer that never answers the closing handshake keeps the drain waiting.
  device.socket.pause()
  const open = httpRequest(`${service.url}/readyz`)
  await new Promise<void>((resolve) => open.once('socket', (socket) => socket.once('connect', () => resolve())))
  const started = Date.now()
  const closing = service.close()
  const status = new Promise<number | undefined>((resolve) => {
    open.once('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    open.once('error', () => resolve(undefined))
  })
  open.end()
  t.equal(await status, 503)
  await t.rejects(TestSocket.open(t, url))
  await closing
  t.ok(Date.now() - started < 2500, 'the wait is bounded')
})

void tap.test('connections that send nothing, or half a request, do not hold up the end', async (t) => {
  const service = await serve(t, { drainTimeoutMs: 200 })
  const texts = ['', 'POST /v1/client/connect HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{']
  for (const text of texts) {
    const connection = connectTcp(service.address.port, '127.0.0.1', () => connection.write(text))
    connection.on('error', () => undefined)
    t.teardown(() => connection.destroy())
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  const started = Date.now()
  await service.close()
  t.ok(Date.now() - started < 1500, `closed after ${Date.now() - started} ms`)
})

void tap.test('a restart: URLs of clients stay good, devices come back', async (t) => {
  const dataDir = temporaryFolder(t)
  const first = await startRendezvous({ listen: { host: '127.0.0.1', port: 0 }, dataDir })
  const key = await registerTestDevice(first)
  const client = await connectClient(t, first)
  await first.close()
  const second = await serve(t, { dataDir, listen: { host: '127.0.0.1', port: first.address.port } })
  const again = await TestSocket.open(t, client.url)
  const device = await seatDevice(t, second, key)
  device.send({ type: 'MESSAGE', channelId: client.channelId, message: 'after the restart' })
  t.strictSame((await again.has(2))[1], { type: 'MESSAGE', channelId: client.channelId, message: 'after the restart' })
})

void tap.test('an address that is taken is an error, and leaves nothing behind', async (t) => {
  const { address } = await serve(t)
  await t.rejects(startRendezvous({ listen: { host: '127.0.0.1', port: address.port }, dataDir: temporaryFolder(t) }), { code: 'EADDRINUSE' })
})

void tap.test('WebSocket URLs name the service as it was reached, or as the operator says', async (t) => {
  const service = await serve(t)
  await registerTestDevice(service)
  const byName = await request(`http://localhost:${service.address.port}/v1/client/connect`, 'POST', { body: { productId: 'wp-showroom', deviceId: 'wd-frontdoorcamera1' } })
  t.match(byName.body.signalingUrl, new RegExp(`^ws://localhost:${service.address.port}/`))
  const proxied = await serve(t, { publicUrl: 'https://rendezvous.example.org/' })
  await registerTestDevice(proxied)
  t.match((await connect(proxied, '/v1/client/connect')).body.signalingUrl, /^wss:\/\/rendezvous\.example\.org\/v1\/seat\//)
})

void tap.test('callers behind a trusted proxy are told apart', async (t) => {
  const service = await serve(t, { trustedProxies: ['127.0.0.1'], limits: { requestsPerAddressPerMinute: 2 } })
  const from = async (address: string): Promise<number> =>
    (await fetch(`${service.url}/v1/client/connect`, { method: 'POST', headers: { 'x-forwarded-for': address, 'content-type': 'application/json' }, body: '{}' })).status
  t.strictSame([await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.2')], [400, 400, 429, 400])
  const direct = await serve(t, { limits: { requestsPerAddressPerMinute: 1 } })
  t.equal((await fetch(`${direct.url}/v1/client/connect`, { method: 'POST', headers: { 'x-forwarded-for': '192.0.2.1' } })).status, 400)
  t.equal((await fetch(`${direct.url}/v1/client/connect`, { method: 'POST', headers: { 'x-forwarded-for': '192.0.2.9' } })).status, 429, 'nobody else is believed')
})

void tap.test('pages come from memory, with a strict policy, and lead nowhere else', async (t) => {
  const dir = join(temporaryFolder(t), 'pages')
  mkdirSync(join(dir, 'folder'), { recursive: true })
  writeFileSync(join(dir, 'index.html'), '<!doctype html>')
  writeFileSync(join(dir, 'viewer.js'), 'export {}')
  writeFileSync(join(dir, 'notes.txt'), 'not a page')
  writeFileSync(join(dir, '..', 'secret.json'), '{}')
  const service = await serve(t, { pages: { dir } })
  const page = await fetch(`${service.url}/`)
  t.equal(await page.text(), '<!doctype html>')
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  const policy = page.headers.get('content-security-policy') ?? ''
  t.match(policy, /default-src 'none'/)
  t.notMatch(policy, /unsafe/)
  t.equal(page.headers.get('x-content-type-options'), 'nosniff')
  t.equal((await fetch(`${service.url}/viewer.js`)).headers.get('content-type'), 'text/javascript; charset=utf-8')
  for (const path of ['/notes.txt', '/folder', '/folder/', '/../secret.json', '/%2e%2e/secret.json', '/..%2fsecret.json', '/viewer.js/', '//index.html']) {
    const status = await new Promise<number | undefined>((resolve) => {
      get({ host: '127.0.0.1', port: service.address.port, path }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
    })
    t.equal(status, 404, path)
  }
  await t.rejects(startRendezvous({ listen: { host: '127.0.0.1', port: 0 }, dataDir: temporaryFolder(t), pages: { dir: join(dir, 'none') } }), { code: 'ERR_PAGES' })
})

void tap.test('the log holds no token, ticket or message', async (t) => {
  const lines: string[] = []
  const service = await serve(t, { log: (level, event, fields) => lines.push(JSON.stringify([level, event, fields])) })
  const key = await registerTestDevice(service)
  const token = await key.sign(deviceClaims())
  const url = String((await connect(service, '/v1/device/connect', token)).body.signalingUrl)
  const device = await TestSocket.open(t, url)
  const client = await connectClient(t, service)
  client.socket.send({ type: 'MESSAGE', channelId: client.channelId, message: 'private words' })
  client.socket.send('private words')
  await client.socket.flush()
  await connect(service, '/v1/device/connect', await makeKey().sign(deviceClaims()))
  await device.close()
  await service.close()
  t.ok(lines.length > 2)
  for (const secret of [token, token.split('.')[2], url.split('/').pop() ?? '', client.url.split('/').pop() ?? '', 'private words', service.adminToken]) {
    t.notOk(lines.some((line) => line.includes(secret)))
  }
})
