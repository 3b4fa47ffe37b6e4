// The door of the Edge dialect, with raw WebSockets and a device made by hand: every close code of protocol/edge-webrtc.md §1.2.
import tap, { type Test } from 'tap'
import { type RendezvousOptions, type RunningRendezvous } from '../../runtimes/node/service/index.ts'
import { HandMadeDevice, loggedInEdge, LOGIN, openEdge } from './support/edge.ts'
import { adminOf, clientClaims, connectClient, DEVICE, makeKey, PRODUCT, registerTestDevice, seatDevice, serve, type TestKey, TestSocket } from './support/service.ts'

interface Scene {
  service: RunningRendezvous
  key: TestKey
  device: HandMadeDevice
}

async function scene(t: Test, limits: RendezvousOptions['limits'] = {}): Promise<Scene> {
  const service = await serve(t, { limits })
  const key = await registerTestDevice(service)
  return { service, key, device: new HandMadeDevice(await seatDevice(t, service, key)) }
}

const until = async (done: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5000; !done();) {
    if (Date.now() > end) throw new Error('not within 5 seconds')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

void tap.test('login, records both ways as they were written, and the end by the browser', async (t) => {
  const { service, device } = await scene(t)
  const browser = await loggedInEdge(t, service)
  t.equal(browser.socket.protocol, 'json')
  t.strictSame(browser.frames, [{ type: 21 }])
  t.strictSame(device.messages[0].data, { type: 'EDGE', version: 1 })
  const { channelId } = device.messages[0]

  const texts = ['{"type":3}', '{ "type" : 0, "n": 12345678901234567890, "é": "€😀" }', 'not JSON', '']
  for (const text of texts) browser.send(text)
  await until(() => device.messages.length === 1 + texts.length)
  t.strictSame(device.messages.slice(1).map(({ data }) => data), texts.map((record) => ({ type: 'EDGE', record })))

  const seen: string[] = []
  browser.socket.removeAllListeners('message')
  browser.socket.on('message', (data: Buffer) => seen.push(data.toString()))
  for (const text of texts) device.record(channelId, text)
  await until(() => seen.length === texts.length)
  t.strictSame(seen, texts)

  browser.socket.close(1000)
  await until(() => device.errors.length > 0)
  t.match(device.errors[0], { type: 'ERROR', channelId, error: { code: 'CHANNEL_CLOSED' } }, 'the device is told')
})

void tap.test('IDs in any case, and browsers beside each other', async (t) => {
  const { service, device } = await scene(t)
  const one = await loggedInEdge(t, service, { ...LOGIN, productId: PRODUCT.toUpperCase(), deviceId: DEVICE.toUpperCase() })
  const two = await loggedInEdge(t, service)
  one.send('one')
  two.send('two')
  await until(() => device.messages.length === 4)
  const channels = new Set(device.messages.map(({ channelId }) => channelId))
  t.equal(channels.size, 2)
  for (const channelId of channels) device.record(channelId, JSON.stringify({ to: channelId }))
  await one.has(2)
  await two.has(2)
  t.not((one.frames[1] as { to: string }).to, (two.frames[1] as { to: string }).to)
})

void tap.test('refused logins', async (t) => {
  const { service } = await scene(t)
  await adminOf(service)('PUT', '/products/wp-closed/devices/wd-closed', { publicKey: makeKey().publicPem, createProduct: true })
  await adminOf(service)('PUT', '/products/wp-closed', { anonymousClients: false })
  await adminOf(service)('PUT', `/products/${PRODUCT}/devices/wd-offline`, { publicKey: makeKey().publicPem })
  const cases: [name: string, code: number, reason: RegExp, login: unknown][] = [
    ['an unknown product', 4005, /product/, { ...LOGIN, productId: 'wp-nowhere' }],
    ['an unknown device', 4006, /device/, { ...LOGIN, deviceId: 'wd-nobody' }],
    ['a device without a socket', 4003, /not connected/, { ...LOGIN, deviceId: 'wd-offline' }],
    ['a product that asks for more than this token', 4002, /token/, { ...LOGIN, productId: 'wp-closed', deviceId: 'wd-closed' }],
    ['the same, whether the device exists or not', 4002, /token/, { ...LOGIN, productId: 'wp-closed', deviceId: 'wd-nobody' }],
    ['a JWT that is none', 4002, /token/, { ...LOGIN, productId: 'wp-closed', deviceId: 'wd-closed', jwt: 'e30.e30.AAAA' }],
    ['what can be no ID', 1007, /productId/, { ...LOGIN, productId: '../admin' }],
    ['no JSON', 1007, /LOGIN_REQUEST/, '{'],
    ['another message first', 1007, /LOGIN_REQUEST/, { type: 3 }],
    ['a login without a device', 1007, /LOGIN_REQUEST/, { type: 20, productId: PRODUCT }],
  ]
  for (const [name, code, reason, login] of cases) {
    const browser = await openEdge(t, service)
    browser.send(login)
    const closed = await browser.hasClosed()
    t.match(closed, { code, reason }, name)
    t.strictSame(browser.frames, [], `${name}: nothing before`)
  }
})

void tap.test('a client access token opens a product that is closed to others, until its key is removed', async (t) => {
  const { service, device } = await scene(t)
  const owner = makeKey()
  await adminOf(service)('PUT', `/products/${PRODUCT}`, { anonymousClients: false })
  await adminOf(service)('POST', `/products/${PRODUCT}/keys`, { publicKey: owner.publicPem })
  const jwt = await owner.sign(clientClaims(), { kid: owner.productKid })
  const browser = await loggedInEdge(t, service, { ...LOGIN, jwt })
  t.strictSame(browser.frames, [{ type: 21 }])
  await adminOf(service)('DELETE', `/products/${PRODUCT}/keys/${owner.productKid}`)
  t.match(await browser.hasClosed(), { code: 4002 })
  await until(() => device.errors.length > 0)
})

void tap.test('what the device says becomes the close code and its reason', async (t) => {
  const { service, device } = await scene(t)
  const cases: [name: string, code: number, reason: RegExp, act: (channelId: string) => void][] = [
    ['it refuses', 4001, /^No entry$/, (id) => { device.error(id, 'ACCESS_DENIED', 'No entry') }],
    ['it has no room', 4001, /^Eight viewers at a time$/, (id) => { device.error(id, 'NO_MORE_CHANNELS', 'Eight viewers at a time') }],
    ['it does not know the dialect', 4001, /Edge dialect/, (id) => { device.error(id, 'DECODE_ERROR', 'what is this') }],
    ['nor does one that wants signatures', 4001, /Edge dialect/, (id) => { device.error(id, 'VERIFICATION_ERROR') }],
    ['it fails', 4010, /INTERNAL_ERROR/, (id) => { device.error(id, 'INTERNAL_ERROR') }],
    ['it says something of its own, at length', 4010, /^é{61}$/, (id) => { device.error(id, 'OTHER', 'é'.repeat(300)) }],
    ['it closes at once', 1000, /closed/, (id) => { device.error(id, 'CHANNEL_CLOSED') }],
    ['it answers in another language', 4010, /no message/, (id) => { device.send(id, { type: 'NONE', message: {} }) }],
    ['it speaks before it has accepted', 4010, /no message/, (id) => { device.record(id, '{"type":4}') }],
  ]
  for (const [name, code, reason, act] of cases) {
    device.onOpen = act
    const browser = await openEdge(t, service)
    browser.send(LOGIN)
    t.match(await browser.hasClosed(), { code, reason }, name)
    t.strictSame(browser.frames, [], name)
  }
  device.onOpen = (id) => { device.send(id, { type: 'EDGE', version: 1 }) }
  for (const [name, code, act] of [
    ['the end of a session', 1000, (id: string) => { device.error(id, 'CHANNEL_CLOSED') }],
    ['a failure in a session', 4010, (id: string) => { device.error(id, 'DECODE_ERROR', 'broken') }],
    ['a device that has restarted', 4010, (id: string) => { device.error(id, 'CHANNEL_NOT_FOUND') }],
  ] as const) {
    const browser = await loggedInEdge(t, service)
    act(device.messages[device.messages.length - 1].channelId)
    t.match(await browser.hasClosed(), { code }, name)
  }
})

void tap.test('times: no login, no answer of the device, a device that stays away', async (t) => {
  const { service, device } = await scene(t, { edgeLoginMs: 150, edgeOpenMs: 150, edgeDeviceAwayMs: 150 })
  const silent = await openEdge(t, service)
  t.match(await silent.hasClosed(), { code: 4007, reason: /login/ })
  device.onOpen = () => undefined
  const waiting = await openEdge(t, service)
  waiting.send(LOGIN)
  t.match(await waiting.hasClosed(), { code: 4007, reason: /device did not answer/ })
  device.onOpen = (id) => { device.send(id, { type: 'EDGE', version: 1 }) }
  const left = await loggedInEdge(t, service)
  await device.socket.close()
  left.send('{"type":3}')
  t.match(await left.hasClosed(), { code: 4003 })
})

void tap.test('nothing is lost when the socket of the device is cut', async (t) => {
  const { service, key, device } = await scene(t)
  const browser = await loggedInEdge(t, service)
  const { channelId } = device.messages[0]
  await device.socket.close()
  for (let n = 0; n < 20; n++) browser.send(`{"n":${n}}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const back = device.movedTo(await seatDevice(t, service, key))
  await until(() => back.messages.length === 21)
  t.strictSame(back.messages.slice(1).map(({ data }) => (data as { record: string }).record), Array.from({ length: 20 }, (_, n) => `{"n":${n}}`))
  back.record(channelId, '{"type":4}')
  await browser.has(2)
  t.strictSame(browser.frames, [{ type: 21 }, { type: 4 }])
})

void tap.test('frames: too early, too many, too long', async (t) => {
  const { service, device } = await scene(t, { clientFramesPerSecond: 20, frameBurstSeconds: 1 })
  device.onOpen = () => undefined
  const early = await openEdge(t, service)
  early.send(LOGIN)
  early.send({ type: 3 })
  t.match(await early.hasClosed(), { code: 1007 })
  device.onOpen = (id) => { device.send(id, { type: 'EDGE', version: 1 }) }

  const fast = await loggedInEdge(t, service)
  for (let n = 0; n < 40; n++) fast.send('{"type":3}')
  t.match(await fast.hasClosed(), { code: 1008, reason: /too many frames/ })
  const pinging = await openEdge(t, service)
  for (let n = 0; n < 40; n++) pinging.socket.ping()
  t.match(await pinging.hasClosed(), { code: 1008 })

  const long = await loggedInEdge(t, service)
  long.send('x'.repeat(200_000))
  await until(() => device.messages.some(({ data }) => (data as { record?: string }).record?.length === 200_000))
  long.send('x'.repeat(261_121))
  t.match(await long.hasClosed(), { code: 1009 })
  const escaped = await loggedInEdge(t, service)
  escaped.send('"'.repeat(140_000))
  t.match(await escaped.hasClosed(), { code: 1009 }, 'what does not fit into a frame to the device')
})

void tap.test('upgrades: without the subprotocol, at another path, too many from one address', async (t) => {
  const { service } = await scene(t)
  const url = `${service.url.replace('http', 'ws')}/signaling/v1`
  await t.rejects(TestSocket.open(t, url), { message: 'refused with 400' })
  await t.rejects(TestSocket.open(t, url, { subprotocol: 'jsonp' }), { message: 'refused with 400' })
  await t.rejects(openEdge(t, service, '/signaling/v2'), { message: 'refused with 404' })
  const limited = await serve(t, { limits: { requestsPerAddressPerMinute: 3 } })
  for (let n = 0; n < 3; n++) await openEdge(t, limited)
  await t.rejects(openEdge(t, limited), { message: 'refused with 429' })
})

void tap.test('behind a proxy that is believed, addresses are counted one by one', async (t) => {
  const service = await serve(t, { limits: { requestsPerAddressPerMinute: 1 }, trustedProxies: ['127.0.0.1'] })
  const from = (address: string): Promise<TestSocket> =>
    TestSocket.open(t, `${service.url.replace('http', 'ws')}/signaling/v1`, { subprotocol: 'json', headers: { 'x-forwarded-for': address } })
  await from('192.0.2.1')
  await t.rejects(from('192.0.2.1'), { message: 'refused with 429' })
  await from('192.0.2.2')
  await t.rejects(from('198.51.100.7, 192.0.2.2'), { message: 'refused with 429' }, 'what a client says of itself does not count')
})

void tap.test('as many clients of one device as may be, of both dialects, and one more', async (t) => {
  const { service } = await scene(t, { anonymousChannelsPerDevice: 2 })
  const one = await loggedInEdge(t, service)
  await connectClient(t, service)
  const more = await openEdge(t, service)
  more.send(LOGIN)
  t.match(await more.hasClosed(), { code: 1013, reason: /as many clients/ })
  await one.close()
  await until(() => true)
  t.strictSame((await loggedInEdge(t, service)).frames, [{ type: 21 }])
})

void tap.test('a browser that is not heard any more is dropped, one that answers pings is not', async (t) => {
  const { service, device } = await scene(t, { pingIntervalMs: 40 })
  const browser = await loggedInEdge(t, service)
  const dead = await loggedInEdge(t, service)
  dead.socket.pause()
  await until(() => device.errors.length > 0)
  t.equal(device.errors.length, 1)
  browser.send('alive')
  await until(() => device.messages.some(({ data }) => (data as { record?: string }).record === 'alive'))
})

void tap.test('a service that goes away says so', async (t) => {
  const { service } = await scene(t)
  const browser = await loggedInEdge(t, service)
  const early = await openEdge(t, service)
  await service.close()
  t.match(await browser.hasClosed(), { code: 1001 })
  t.match(await early.hasClosed(), { code: 1001 })
})

void tap.test('an anonymous browser goes when its product closes', async (t) => {
  const { service } = await scene(t)
  const browser = await loggedInEdge(t, service)
  await adminOf(service)('PUT', `/products/${PRODUCT}`, { anonymousClients: false })
  t.match(await browser.hasClosed(), { code: 4002 })
})
