import { createHmac } from 'node:crypto'
import tap, { type Test } from 'tap'
import type { RunningRendezvous } from '../../runtimes/node/service/index.ts'
import {
  adminOf, clientClaims, connect, connectClient, DEVICE, deviceClaims, deviceUrl, makeKey, nowSeconds, PRODUCT, registerTestDevice, request, seatDevice, serve,
  type TestKey, TestSocket,
} from './support/service.ts'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const resourceOf = (device: string): string => `urn:nabto:webrtc:${PRODUCT}:${device}`

/** A token with a header of one's own, signed by `mac` or not at all. */
function forged(header: Record<string, unknown>, claims: Record<string, unknown>, mac: (input: string) => string = () => ''): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${mac(input)}`
}

interface Scene {
  service: RunningRendezvous
  key: TestKey
  other: TestKey
  device: TestSocket
}

async function scene(t: Test): Promise<Scene> {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  const other = await registerTestDevice(service, { device: 'wd-other' })
  return { service, key, other, device: await seatDevice(t, service, key) }
}

/** The true device still has its seat: a client's message reaches it. */
async function stillSeated(t: Test, { service, device }: Scene, message: string): Promise<void> {
  const { socket, channelId } = await connectClient(t, service)
  socket.send({ type: 'MESSAGE', channelId, message: { for: message } })
  await device.flush()
  await socket.flush()
  await device.flush()
  t.strictSame(device.relayed[device.relayed.length - 1], { type: 'MESSAGE', channelId, message: { for: message } }, `${message}: the true device keeps its seat`)
  t.equal(device.closed, undefined)
  await socket.close()
}

void tap.test('a stranger who knows the IDs of a device', async (t) => {
  const here = await scene(t)
  const { service, key, other } = here
  const stranger = makeKey()
  const now = nowSeconds()
  const cases: [name: string, status: number, token: string | undefined][] = [
    ['no token', 401, undefined],
    ['no token at all like one', 401, 'x'],
    ['an unregistered key', 401, await stranger.sign(deviceClaims())],
    ['the right kid, the wrong key', 401, await stranger.sign(deviceClaims(), { kid: key.deviceKid })],
    ['another device\'s key, this device\'s resource', 403, await other.sign(deviceClaims())],
    ['another device\'s own token', 403, await other.sign(deviceClaims({ resource: resourceOf('wd-other') }))],
    ['another device\'s key, this device\'s kid', 401, await other.sign(deviceClaims(), { kid: key.deviceKid })],
    ['expired', 401, await key.sign(deviceClaims({ iat: now - 7200, nbf: now - 7200, exp: now - 61 }))],
    ['not yet valid (nbf)', 401, await key.sign(deviceClaims({ nbf: now + 120 }))],
    ['made in the future (iat)', 401, await key.sign(deviceClaims({ iat: now + 120, nbf: undefined }))],
    ['without exp', 401, await key.sign(deviceClaims({ exp: undefined }))],
    ['without iat', 401, await key.sign(deviceClaims({ iat: undefined }))],
    ['exp that is no number', 401, await key.sign(deviceClaims({ exp: '9999999999' }))],
    ['a life of more than a day', 401, await key.sign(deviceClaims({ exp: now + 86_400 + 70 }))],
    ['alg none', 401, forged({ alg: 'none', kid: key.deviceKid }, deviceClaims())],
    ['alg none, spelled NONE', 401, forged({ alg: 'NONE', kid: key.deviceKid }, deviceClaims())],
    ['HS256 with the public key as its secret', 401, forged({ alg: 'HS256', kid: key.deviceKid }, deviceClaims(),
      (input) => createHmac('sha256', key.publicPem).update(input).digest('base64url'))],
    ['ES256 without a signature', 401, forged({ alg: 'ES256', kid: key.deviceKid }, deviceClaims())],
    ['a signature of zeros', 401, forged({ alg: 'ES256', kid: key.deviceKid }, deviceClaims(), () => Buffer.alloc(64).toString('base64url'))],
    ['no kid', 401, forged({ alg: 'ES256', typ: 'JWT' }, deviceClaims(), () => Buffer.alloc(64, 1).toString('base64url'))],
    ['a kid that is a path', 401, await key.sign(deviceClaims(), { kid: '../../key' })],
    ['a kid of the wrong kind', 401, await key.sign(deviceClaims(), { kid: key.productKid })],
    ['a key in the header', 401, forged({ alg: 'ES256', kid: stranger.deviceKid, jwk: { kty: 'EC' } }, deviceClaims(), () => Buffer.alloc(64, 1).toString('base64url'))],
    ['another resource', 403, await key.sign(deviceClaims({ resource: resourceOf('wd-other') }))],
    ['a resource that begins like this one', 403, await key.sign(deviceClaims({ resource: `${resourceOf(DEVICE)}x` }))],
    ['no resource', 403, await key.sign(deviceClaims({ resource: undefined }))],
    ['a list of resources', 403, await key.sign(deviceClaims({ resource: [resourceOf(DEVICE)] }))],
    ['the scope of clients', 403, await key.sign(deviceClaims({ scope: 'client:connect turn' }))],
    ['a scope that begins like the right one', 403, await key.sign(deviceClaims({ scope: 'device:connected turn' }))],
    ['no scope', 403, await key.sign(deviceClaims({ scope: undefined }))],
    ['a token longer than any', 401, await key.sign(deviceClaims({ padding: 'x'.repeat(9000) }))],
  ]
  for (const [name, status, token] of cases) {
    const answer = await connect(service, '/v1/device/connect', token)
    t.match({ status: answer.status, message: answer.body.message, url: answer.body.signalingUrl }, { status, message: String, url: undefined }, name)
    t.notMatch(JSON.stringify(answer.body), token?.split('.')[2] || 'no signature', 'the answer repeats no token')
  }
  await stillSeated(t, here, 'after all of them')
  t.equal((await connect(service, '/v1/device/connect', await key.sign(deviceClaims()))).status, 200, 'the same checks let the true device in')
})

void tap.test('tokens are good within the leeway, and IDs in any case', async (t) => {
  const { service, key } = await scene(t)
  const now = nowSeconds()
  const good = [
    deviceClaims({ iat: now + 50, nbf: now + 50 }),
    deviceClaims({ iat: now + 50, nbf: undefined, exp: now + 50 + 86_400 + 60, resource: resourceOf(DEVICE).toUpperCase(), scope: 'x turn device:connect' }),
  ]
  for (const claims of good) t.equal((await connect(service, '/v1/device/connect', await key.sign(claims), { productId: PRODUCT.toUpperCase(), deviceId: DEVICE })).status, 200)
  const [other] = [await registerTestDevice(service, { device: 'wd-slow' })]
  const expiring = deviceClaims({ iat: now - 3600, nbf: undefined, exp: now - 50, resource: resourceOf('wd-slow') })
  t.equal((await connect(service, '/v1/device/connect', await other.sign(expiring), { productId: PRODUCT, deviceId: 'wd-slow' })).status, 200)
})

void tap.test('a token that was overheard', async (t) => {
  const service = await serve(t, { limits: { proofReuseSeconds: 0 } })
  const key = await registerTestDevice(service)
  const now = nowSeconds()
  const first = await key.sign(deviceClaims({ iat: now - 2 }))
  t.equal((await connect(service, '/v1/device/connect', first)).status, 200)
  const again = await connect(service, '/v1/device/connect', first)
  t.match({ status: again.status, message: again.body.message }, { status: 401, message: /fresh token/ }, 'shown again a while later')
  const device = await TestSocket.open(t, String((await connect(service, '/v1/device/connect', await key.sign(deviceClaims({ iat: now - 1 })))).body.signalingUrl))
  t.equal((await connect(service, '/v1/device/connect', first)).status, 401, 'older than the one in use')
  await device.flush()
  t.equal((await connect(service, '/v1/device/connect', await key.sign(deviceClaims({ iat: now })))).status, 200, 'a newer one by the same key')
})

void tap.test('WebSocket URLs', async (t) => {
  const here = await scene(t)
  const { service, key } = here
  const base = `${service.url.replace('http', 'ws')}/v1/seat/`
  const url = await deviceUrl(service, key)
  const ticket = url.slice(base.length)
  const flipped = `${ticket.slice(0, -3)}${ticket.at(-3) === 'A' ? 'B' : 'A'}${ticket.slice(-2)}`
  const elsewhere = await serve(t)
  const otherKey = await registerTestDevice(elsewhere)
  const ofElsewhere = (await deviceUrl(elsewhere, otherKey)).split('/').pop() ?? ''
  for (const [name, text] of [['none', ''], ['a guess', 'A'.repeat(43)], ['changed', flipped], ['cut', ticket.slice(0, 60)], ['of another service', ofElsewhere],
    ['too long', 'A'.repeat(2000)], ['not base64url', '%2e%2e%2f']]) {
    await t.rejects(TestSocket.open(t, base + text), { message: 'refused with 403' }, name)
  }
  const victim = await connectClient(t, service)
  const mine = await connectClient(t, service)
  mine.socket.send({ type: 'MESSAGE', channelId: victim.channelId, message: 'as another' })
  await mine.socket.flush()
  await here.device.flush()
  t.strictSame(here.device.relayed.slice(-1), [{ type: 'MESSAGE', channelId: mine.channelId, message: 'as another' }], 'a client speaks on its own channel, whatever it claims')
  here.device.send({ type: 'MESSAGE', channelId: victim.channelId, message: 'to the victim' })
  await here.device.flush()
  await victim.socket.has(1)
  t.equal(mine.socket.relayed.length, 0)
  await stillSeated(t, here, 'after wrong URLs')

  const newer = await TestSocket.open(t, url)
  t.equal((await here.device.hasClosed())?.code, 4000)
  await t.rejects(TestSocket.open(t, url), { message: 'refused with 403' }, 'a device URL a second time')
  await newer.flush()
})

void tap.test('URLs are good for a limited time', async (t) => {
  const service = await serve(t, { limits: { deviceTicketMs: 1, clientTicketMs: 1 } })
  const key = await registerTestDevice(service)
  const url = await deviceUrl(service, key)
  const client = String((await connect(service, '/v1/client/connect')).body.signalingUrl)
  await new Promise((resolve) => setTimeout(resolve, 5))
  await t.rejects(TestSocket.open(t, url), { message: 'refused with 403' })
  await t.rejects(TestSocket.open(t, client), { message: 'refused with 403' })
})

void tap.test('client tokens', async (t) => {
  const here = await scene(t)
  const { service, key } = here
  const owner = makeKey()
  const stranger = makeKey()
  await adminOf(service)('POST', `/products/${PRODUCT}/keys`, { publicKey: owner.publicPem })
  const kid = { kid: owner.productKid }
  const now = nowSeconds()
  const cases: [name: string, status: number, token: string][] = [
    ['good', 200, await owner.sign(clientClaims(), kid)],
    ['good again', 200, await owner.sign(clientClaims(), kid)],
    ['an unregistered key', 401, await stranger.sign(clientClaims(), { kid: stranger.productKid })],
    ['the right kid, the wrong key', 401, await stranger.sign(clientClaims(), kid)],
    ['a device\'s token', 401, await key.sign(deviceClaims())],
    ['signed by the device, with a client\'s claims', 401, await key.sign(clientClaims())],
    ['expired', 401, await owner.sign(clientClaims({ iat: now - 7200, exp: now - 61 }), kid)],
    ['another device', 403, await owner.sign(clientClaims({ resource: resourceOf('wd-other') }), kid)],
    ['another scope', 403, await owner.sign(clientClaims({ scope: 'turn' }), kid)],
    ['alg none', 401, forged({ alg: 'none', kid: owner.productKid }, clientClaims())],
    ['garbage', 401, 'garbage'],
  ]
  for (const [name, status, token] of cases) {
    const answer = await connect(service, '/v1/client/connect', token)
    t.equal(answer.status, status, `${name}: never taken for anonymous`)
  }
  t.equal((await connect(service, '/v1/device/connect', await owner.sign(deviceClaims(), kid))).status, 401, 'a product key seats no device')
  await stillSeated(t, here, 'after client tokens')
})

void tap.test('what is removed from the registry', async (t) => {
  const here = await scene(t)
  const { service, key, device } = here
  const admin = adminOf(service)
  const owner = makeKey()
  const next = makeKey()
  await admin('POST', `/products/${PRODUCT}/keys`, { publicKey: owner.publicPem })
  await admin('POST', `/products/${PRODUCT}/devices/${DEVICE}/keys`, { publicKey: next.publicPem })
  const authorized = await connectClient(t, service, await owner.sign(clientClaims(), { kid: owner.productKid }))
  const anonymous = await connectClient(t, service)
  const unused = await deviceUrl(service, key)

  await admin('DELETE', `/products/${PRODUCT}/keys/${owner.productKid}`)
  t.equal((await authorized.socket.hasClosed())?.code, 4001, 'a client whose token rested on the key')
  await t.rejects(TestSocket.open(t, authorized.url), { message: 'refused with 403' })
  t.equal((await connect(service, '/v1/client/connect', await owner.sign(clientClaims(), { kid: owner.productKid }))).status, 401)
  await anonymous.socket.flush()
  await device.flush()

  await admin('DELETE', `/products/${PRODUCT}/devices/${DEVICE}/keys/${key.deviceKid}`)
  t.equal((await device.hasClosed())?.code, 4001, 'the seat of the key')
  await t.rejects(TestSocket.open(t, unused), { message: 'refused with 403' }, 'a URL given out for the key')
  t.equal((await connect(service, '/v1/device/connect', await key.sign(deviceClaims()))).status, 401)

  const renewed = await seatDevice(t, service, next)
  await anonymous.socket.has(1)
  await admin('DELETE', `/products/${PRODUCT}/devices/${DEVICE}`)
  t.equal((await renewed.hasClosed())?.code, 4001)
  t.equal((await anonymous.socket.hasClosed())?.code, 4001)
  await t.rejects(TestSocket.open(t, anonymous.url), { message: 'refused with 403' })
  t.equal((await connect(service, '/v1/client/connect')).status, 404)
})

void tap.test('the admin API opens to the admin token alone', async (t) => {
  const here = await scene(t)
  const { service } = here
  for (const token of [undefined, '', 'x', service.adminToken.slice(0, -1), `${service.adminToken}x`]) {
    for (const [method, path] of [['GET', '/products'], ['PUT', `/products/${PRODUCT}`], ['DELETE', `/products/${PRODUCT}`], ['GET', '/nothing']]) {
      const { status } = await request(`${service.url}/admin/v1${path}`, method, { token })
      t.equal(status, path === '/nothing' ? status : 401, `${method} ${path}`)
    }
  }
  await stillSeated(t, here, 'after admin requests without the token')
})
