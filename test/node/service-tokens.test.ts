import tap from 'tap'
import { createServerConnectTokens } from '../../lib/access/index.ts'
import { defaultConfiguration, openIam } from '../../lib/iam/index.ts'
import { createSignalingDevice } from '../../lib/signaling/index.ts'
import { createMemoryStorage } from '../../runtimes/memory/index.ts'
import { createNodeHost } from '../../runtimes/node/host.ts'
import { makeSigningKey, OidcIssuer, type SigningKey } from './support/oidc-issuer.ts'
import { adminOf, connect, connectClient, DEVICE, deviceClaims, PRODUCT, registerTestDevice, request, seatDevice, serve, TestSocket } from './support/service.ts'

const host = createNodeHost()

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error('not done in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

void tap.test('a device keeps its tokens at the service, and clients come in with them', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  const admin = adminOf(service)
  t.match(await admin('PUT', `/products/${PRODUCT}`, { anonymousClients: false, serverConnectTokens: true }), { status: 200, body: { serverConnectTokens: true } })

  const iam = await openIam({ storage: createMemoryStorage(), configuration: defaultConfiguration() }, host)
  const tokenGenerator = (): Promise<string> => key.sign(deviceClaims())
  const ids = { productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url, tokenGenerator }
  const device = createSignalingDevice(ids, host)
  const tokens = createServerConnectTokens({ ...ids, device, iam }, host)
  t.teardown(async () => {
    tokens.close()
    device.close()
    await iam.close()
  })
  device.start()
  await until(() => device.connectionState === 'CONNECTED' && tokens.synchronized)

  const [open, admins] = iam.serverConnectTokens
  for (const token of [open, admins]) t.match(await connect(service, '/v1/client/connect', token), { status: 200, body: { deviceOnline: true } })
  const wrong = await connect(service, '/v1/client/connect', 'abcdefghijkl')
  t.match(wrong, { status: 401 })
  const nobody = await connect(service, '/v1/client/connect', 'abcdefghijkl', { productId: PRODUCT, deviceId: 'wd-nosuchdevice' })
  t.strictSame([nobody.status, nobody.body], [wrong.status, wrong.body], 'whether there is such a device is not told')
  t.match(await connect(service, '/v1/client/connect'), { status: 401 })

  const user = await iam.users.create('friend')
  await until(() => tokens.synchronized)
  const friend = await connectClient(t, service, user.serverConnectToken)
  await iam.users.delete('friend')
  t.equal((await friend.socket.hasClosed())?.code, 4001, 'who came in with it goes with it')
  t.match(await connect(service, '/v1/client/connect', user.serverConnectToken), { status: 401 })
  await t.rejects(TestSocket.open(t, friend.url), { message: 'refused with 403' })
  t.match(await connect(service, '/v1/client/connect', open), { status: 200 })
})

void tap.test('who may replace the tokens of a device', async (t) => {
  const service = await serve(t)
  const [key, other] = [await registerTestDevice(service), await registerTestDevice(service, { device: 'wd-another' })]
  const put = (token: string | undefined, hashes: unknown = ['a'.repeat(43)], more = {}): ReturnType<typeof request> =>
    request(`${service.url}/v1/device/server-connect-tokens`, 'PUT', { token, body: { productId: PRODUCT, deviceId: DEVICE, hashes, ...more } })
  t.match(await put(undefined), { status: 401 })
  t.match(await put(await other.sign(deviceClaims())), { status: 403 })
  t.match(await put(await key.sign(deviceClaims({ scope: 'turn' }))), { status: 403 })
  t.match(await put(await key.sign(deviceClaims())), { status: 200, body: { count: 1 } })
  t.match(await put(await key.sign(deviceClaims({ iat: 1_000_000_000 }))), { status: 401 }, 'an old token of the device')
  for (const hashes of [null, 'a', [7], ['short'], ['a'.repeat(44)], Array.from({ length: 257 }, () => 'a'.repeat(43))]) {
    t.match(await put(await key.sign(deviceClaims()), hashes), { status: 400 }, JSON.stringify(hashes).slice(0, 30))
  }
  const full = Array.from({ length: 256 }, (_one, at) => String(at).padStart(43, 'x'))
  t.match(await put(await key.sign(deviceClaims()), full), { status: 200, body: { count: 256 } }, 'as many as there may be')
  t.match(await put(await key.sign(deviceClaims()), []), { status: 200, body: { count: 0 } })
})

void tap.test('tokens of an issuer, until the product is told of another or of none', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  const issuer = await OidcIssuer.start(t)
  const [rsa, ec] = [await issuer.addKey('rsa'), await makeSigningKey('rsa', 'ES256')]
  const admin = adminOf(service)
  const clientJwt = { issuer: issuer.url, audience: 'rendezvous', jwksUri: issuer.jwksUri, claim: 'devices' }
  t.match(await admin('PUT', `/products/${PRODUCT}`, { anonymousClients: false, clientJwt }), { status: 200, body: { clientJwt } })
  t.match(await admin('PUT', `/products/${PRODUCT}`, { clientJwt: { ...clientJwt, audience: 'nabto://device' } }), { status: 400 })
  const sign = (pair: SigningKey, claims: Record<string, unknown> = {}): Promise<string> => issuer.sign(pair, { aud: 'rendezvous', devices: `x.y ${PRODUCT}.${DEVICE}`, ...claims })

  const device = await seatDevice(t, service, key)
  const client = await connectClient(t, service, await sign(rsa))
  client.socket.send({ type: 'MESSAGE', channelId: client.channelId, message: { a: 1 } })
  t.match((await device.has(2))[1], { type: 'MESSAGE', authorized: true }, 'the owner of the product vouches for it')
  t.match(await connect(service, '/v1/client/connect', await sign(rsa, { devices: 'x.y' })), { status: 403 })
  t.match(await connect(service, '/v1/client/connect', await sign(ec)), { status: 401 })
  t.match(await connect(service, '/v1/ice-servers', await sign(rsa)), { status: 200 })
  await admin('PUT', `/products/${PRODUCT}`, { clientJwt })
  t.equal(client.socket.closed, undefined, 'said again is no change')
  await admin('PUT', `/products/${PRODUCT}`, { clientJwt: null })
  t.equal((await client.socket.hasClosed())?.code, 4001)
  t.match(await connect(service, '/v1/client/connect', await sign(rsa)), { status: 401 })
})
