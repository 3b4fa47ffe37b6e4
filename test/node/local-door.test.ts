// The camera's own door as a service: who gets in, from where, and what headers cannot do.
import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { createSignalingDevice } from '../../lib/signaling/index.ts'
import { createNodeHost } from '../../runtimes/node/host.ts'
import { isAttached, plainAddress } from '../../runtimes/node/service/attached-networks.ts'
import { type LocalDoorOptions, type RunningLocalDoor, startLocalDoor } from '../../runtimes/node/service/index.ts'
import { refuseOtherSites } from '../../runtimes/node/service/own-pages-only.ts'
import { DEVICE, deviceClaims, makeKey, PRODUCT, request, temporaryFolder, TestSocket } from './support/service.ts'

const ids = { productId: PRODUCT, deviceId: DEVICE }
const NAME = 'lenskey-0123456789abcdef.local'

async function openDoor(t: Test, options: Partial<LocalDoorOptions> = {}): Promise<RunningLocalDoor & { key: ReturnType<typeof makeKey>; port: number; channels: Set<string> }> {
  const key = makeKey()
  const door = await startLocalDoor({ ...ids, listen: { host: '127.0.0.1', port: 0 }, publicKey: key.key.publicKey, names: [NAME], ...options })
  t.teardown(() => door.close())
  const device = createSignalingDevice({ ...ids, ...door.inner }, { ...createNodeHost(), ...door.inner })
  const channels = new Set<string>()
  device.onNewSignalingChannel = ({ channelId = '' }) => void channels.add(channelId)
  device.start()
  t.teardown(() => { device.close() })
  return { ...door, key, port: door.address.port, channels }
}

/** The status of a request whose headers say what a test wants, `host` among them. */
function ask(port: number, headers: Record<string, string>, path = '/v1/client/connect', method = 'POST'): Promise<{ status: number; body: string; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, body, location: response.headers.location }) })
    })
    sent.on('error', reject)
    sent.end(method === 'POST' ? JSON.stringify(ids) : undefined)
  })
}

void tap.test('a client comes in without a token, and speaks with the device', async (t) => {
  const door = await openDoor(t)
  const answer = await request(`${door.url}/v1/client/connect`, 'POST', { body: ids })
  t.match(answer, { status: 200, body: { deviceOnline: true } })
  const { signalingUrl, channelId } = answer.body as { signalingUrl: string; channelId: string }
  t.ok(signalingUrl.startsWith(`ws://127.0.0.1:${door.port}/v1/seat/`))
  t.equal(door.isNear(channelId), false, 'not before it has a socket')
  const socket = await TestSocket.open(t, signalingUrl)
  socket.send({ type: 'MESSAGE', channelId, message: { type: 'DATA', seq: 0, data: 'hello' } })
  t.same(await socket.has(1), [{ type: 'MESSAGE', channelId, message: { type: 'ACK', seq: 0 } }])
  t.ok(door.channels.has(channelId))
  t.equal(door.isNear(channelId), true, 'loopback is a network of this machine')
  for (const wrong of [{ ...ids, deviceId: 'wd-other' }, { ...ids, productId: 'wp-other' }]) {
    t.equal((await request(`${door.url}/v1/client/connect`, 'POST', { body: wrong })).status, 404)
  }
})

void tap.test('the seat of the device is not given to whoever shows its token, and there is no admin', async (t) => {
  const door = await openDoor(t)
  const token = await door.key.sign(deviceClaims())
  t.equal((await request(`${door.url}/v1/device/connect`, 'POST', { body: ids, token })).status, 404)
  t.equal((await request(`${door.url}/v1/device/server-connect-tokens`, 'PUT', { body: { ...ids, serverConnectTokens: [] }, token })).status, 404)
  for (const path of ['/admin/v1/products', '/healthz', '/readyz', '/sts/token']) t.equal((await request(door.url + path, 'GET')).status, 404)
  t.match(await request(`${door.url}/v1/ice-servers`, 'POST', { body: ids, token }), { status: 200, body: { iceServers: [] } })
})

void tap.test('forged headers change nothing', async (t) => {
  const door = await openDoor(t)
  const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9;host=evil.example;proto=https', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-real-ip': '203.0.113.9' }
  const { status, body } = await ask(door.port, { host: `127.0.0.1:${door.port}`, ...headers })
  t.equal(status, 200)
  const { signalingUrl, channelId } = JSON.parse(body) as { signalingUrl: string; channelId: string }
  t.ok(signalingUrl.startsWith(`ws://127.0.0.1:${door.port}/`))
  await TestSocket.open(t, signalingUrl, { headers })
  t.equal(door.isNear(channelId), true)
})

void tap.test('pages of other sites stay outside, whatever name they have this address by', async (t) => {
  const door = await openDoor(t)
  const own = `127.0.0.1:${door.port}`
  const { status, body } = await ask(door.port, { host: own, origin: `http://${own}` })
  t.equal(status, 200, 'its own page')
  const { signalingUrl } = JSON.parse(body) as { signalingUrl: string }
  for (const host of [`${NAME}:${door.port}`, `${NAME.toUpperCase()}:${door.port}`, `${NAME}.:${door.port}`, `localhost:${door.port}`]) {
    t.equal((await ask(door.port, { host })).status, 200, host)
    t.equal((await ask(door.port, { host, origin: `http://${host}` })).status, 200, host)
  }
  for (const host of ['evil.example', `evil.example:${door.port}`, '127.0.0.1', `127.0.0.2:${door.port}`, `127.0.0.1:${door.port + 1}`, `a b:${door.port}`, `[::1]:${door.port}`, `user@127.0.0.1:${door.port}`]) {
    const refused = await ask(door.port, { host, origin: `http://${host}` })
    t.ok([400, 403].includes(refused.status), `${host}: ${refused.status}`)
    const page = await ask(door.port, { host }, '/', 'GET')
    t.ok([400, 403].includes(page.status), `${host}, the page: ${page.status} ${page.body}`)
    await t.rejects(TestSocket.open(t, signalingUrl, { headers: { host } }), /refused with 40[03]/)
  }
  for (const origin of ['http://evil.example', 'null', `https://${own}`, 'http://127.0.0.1', `http://localhost:${door.port}`, `http://${own}.evil.example`, 'chrome-extension://abc']) {
    t.equal((await ask(door.port, { host: own, origin })).status, 403, origin)
    t.equal((await ask(door.port, { host: own, origin, 'access-control-request-method': 'POST' }, '/v1/client/connect', 'OPTIONS')).status, 403, `${origin}, asking first`)
    await t.rejects(TestSocket.open(t, signalingUrl, { origin }), /refused with 403/, `${origin}, WebSocket`)
    await t.rejects(TestSocket.open(t, `ws://${own}/v1/signaling`, { origin }), /refused with 403/, `${origin}, the other dialect`)
  }
  await TestSocket.open(t, signalingUrl, { origin: `http://${own}` })
  t.match(await ask(door.port, { host: `evil.example:${door.port}` }), { body: /this door answers to its own address/ })
})

void tap.test('the Host and Origin of IPv6, and of the default port', (t) => {
  const at = (localAddress: string, localPort: number, host: string, origin?: string): unknown => {
    try {
      refuseOtherSites({ headers: { host, origin }, socket: { localAddress, localPort } }, [NAME])
      return 'in'
    } catch (thrown) {
      return (thrown as { code: unknown }).code
    }
  }
  t.equal(at('fe80::1%eth0', 8080, '[fe80::1]:8080', 'http://[fe80::1]:8080'), 'in')
  t.equal(at('::ffff:192.168.1.5', 8080, '192.168.1.5:8080', 'http://192.168.1.5:8080'), 'in')
  t.equal(at('fe80::1', 8080, '[FE80:0::1]:8080'), 'in')
  t.equal(at('192.168.1.5', 80, '192.168.1.5', 'http://192.168.1.5'), 'in')
  t.equal(at('192.168.1.5', 80, '192.168.1.5:80', 'http://192.168.1.5'), 'in')
  t.equal(at('192.168.1.5', 80, NAME, `http://${NAME}`), 'in')
  t.equal(at('192.168.1.5', 8080, 'localhost:8080'), 'ERR_LOCAL_DOOR_HOST', 'a rebound localhost is none')
  t.equal(at('192.168.1.5', 8080, '192.168.1.6:8080'), 'ERR_LOCAL_DOOR_HOST')
  t.equal(at('fe80::1', 8080, '[::::]:8080'), 'ERR_LOCAL_DOOR_HOST')
  t.equal(at('192.168.1.5', 80, ''), 'ERR_LOCAL_DOOR_HOST')
  t.equal(at('192.168.1.5', 8080, '192.168.1.5:8080', 'http://192.168.1.5'), 'ERR_LOCAL_DOOR_ORIGIN')
  t.end()
})

void tap.test('the page, and where / leads', async (t) => {
  const dir = temporaryFolder(t)
  writeFileSync(join(dir, 'index.html'), 'a page')
  const door = await openDoor(t, { pages: { dir } })
  const host = `127.0.0.1:${door.port}`
  t.match(await ask(door.port, { host }, '/', 'GET'), { status: 302, location: `/?product=${PRODUCT}&device=${DEVICE}` })
  t.match(await ask(door.port, { host }, `/?product=${PRODUCT}&device=${DEVICE}`, 'GET'), { status: 200, body: 'a page' })
})

void tap.test('which networks are attached, by their netmasks', (t) => {
  const info = (cidr: string) => ({ address: cidr.split('/')[0], cidr, internal: false, netmask: '' })
  const interfaces = {
    eth0: [info('192.168.7.20/24'), info('fe80::1234/64'), info('2001:db8:1:2::5/64')],
    tun0: [info('10.8.0.6/32')], odd: [info('0.0.0.0/0'), { ...info('172.16.0.1/12'), cidr: null }], lo: [info('127.0.0.1/8'), info('::1/128')],
  }
  const near = ['192.168.7.1', '192.168.7.255', '::ffff:192.168.7.9', 'fe80::99%eth0', '2001:db8:1:2:ffff::1', '10.8.0.6', '127.0.0.5', '::1']
  const far = ['192.168.8.1', '192.168.6.255', '::ffff:192.168.8.9', '2001:db8:1:3::1', '10.8.0.7', '172.16.0.2', '8.8.8.8', '::2', '', 'host.example', '192.168.7.1.evil']
  t.same(near.filter((address) => !isAttached(address, interfaces)), [])
  t.same(far.filter((address) => isAttached(address, interfaces)), [])
  t.equal(isAttached(undefined, interfaces), false)
  t.equal(isAttached('127.0.0.1'), true, 'of this very machine')
  t.equal(plainAddress('::ffff:1.2.3.4'), '1.2.3.4')
  t.end()
})
