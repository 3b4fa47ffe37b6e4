// The published behaviours of a client (protocol/webrtc-signaling.md §10.1), each against a service with faults on demand.
import { test, type Assert } from '../../suite.ts'
import { createSignalingClient, SignalingError } from '../../../lib/signaling/index.ts'
import { observedClient, type ObservedClient } from '../support/ends.ts'
import { ACCESS_TOKEN, DEVICE_ID, error, ORIGIN, PRODUCT_ID, TestService } from '../support/test-service.ts'

function started(service: TestService, options: Parameters<typeof observedClient>[1] = {}): ObservedClient {
  const observed = observedClient(service, options)
  observed.client.start()
  return observed
}

function fails(t: Assert, { errors, states }: ObservedClient, wanted: { name?: string; message?: string; code?: string }): void {
  t.same(states, ['CONNECTING', 'FAILED'])
  t.equal(errors.length, 1)
  const { name, message, code } = errors[0] as Error & { code: string }
  if (wanted.name !== undefined) t.equal(name, wanted.name)
  if (wanted.code !== undefined) t.equal(code, wanted.code)
  if (wanted.message !== undefined) t.ok(message.includes(wanted.message), message)
}

test('C1, C2: connects, and closes', async (t) => {
  const service = new TestService()
  const observed = observedClient(service)
  t.equal(observed.client.connectionState, 'NEW')
  t.equal(observed.client.channelState, 'NEW')
  observed.client.start()
  await service.clock.advance(100)
  t.same(observed.states, ['CONNECTING', 'CONNECTED'])
  observed.client.close()
  t.same(observed.states, ['CONNECTING', 'CONNECTED', 'CLOSED'])
  t.equal(observed.client.channelState, 'CLOSED')
  await service.clock.advance(100)
  t.equal(service.network.openSockets(), 0)
  t.equal(service.clock.pendingTimers(), 0)
  observed.client.close()
  t.throws(() => { observed.client.start() }, 'TypeError')
})

test('C3: a refused HTTP request fails the client, which can still be closed', async (t) => {
  const service = new TestService()
  service.answers.push(error(400, 'Bad request'))
  const observed = started(service)
  await service.clock.advance(100)
  fails(t, observed, { name: 'HttpError', message: 'Bad' })
  observed.client.close()
  t.same(observed.states, ['CONNECTING', 'FAILED', 'CLOSED'])
})

test('C4: a refused upgrade fails the client', async (t) => {
  const service = new TestService()
  service.refuseSockets = true
  const observed = started(service)
  await service.clock.advance(100)
  fails(t, observed, { message: 'error', code: 'ERR_SIGNALING_CONNECTION' })
})

test('C5: a socket that the service closes is opened again, by the same URL', async (t) => {
  const service = new TestService()
  const observed = started(service)
  await service.clock.advance(100)
  service.closeSocket('client')
  await service.clock.advance(4000)
  t.same(observed.states, ['CONNECTING', 'CONNECTED', 'WAIT_RETRY', 'CONNECTING', 'CONNECTED'])
  t.equal(observed.reconnects(), 1)
  t.equal(service.requests.length, 1)
})

test('C6, C7, C8: extra members, unknown types and malformed frames are ignored, and messages still flow', async (t) => {
  const service = new TestService()
  service.extra = { extra_field_in_the_response: 'data', deviceOnline: 'nonsense' }
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  for (const text of [
    '{"type":"NEW_MESSAGE_TYPE","new_message_type_field":"data"}', '{"type":"PEER_CONNECTED","channelId":"42","new_field":1}', 'not JSON', '[]', 'null', '7',
    '{}', '{"type":7}', '{"type":"MESSAGE"}', '{"type":"MESSAGE","channelId":"c"}', '{"type":"MESSAGE","channelId":7,"message":{}}', '{"type":"ERROR","channelId":"c"}',
    '{"type":"ERROR","channelId":"c","error":{}}', '{"type":"PEER_OFFLINE"}', `${'['.repeat(5000)}${']'.repeat(5000)}`,
  ]) service.inject('client', text)
  await service.clock.advance(10)
  peer.send({ hello: 1 })
  await observed.client.sendMessage('hi')
  await service.clock.advance(10)
  t.same(observed.messages, [{ hello: 1 }])
  t.same(peer.messages, ['hi'])
  t.same(observed.states, ['CONNECTING', 'CONNECTED'])
})

test('C9: checkAlive finds a dead link; one socket is open afterwards', async (t) => {
  const service = new TestService()
  const observed = started(service)
  await service.clock.advance(100)
  observed.client.checkAlive()
  await service.clock.advance(2000)
  t.same(observed.states, ['CONNECTING', 'CONNECTED'])
  service.deaf = 'client'
  observed.client.checkAlive()
  observed.client.checkAlive()
  await service.clock.advance(999)
  t.same(observed.states, ['CONNECTING', 'CONNECTED'])
  await service.clock.advance(3000)
  t.same(observed.states, ['CONNECTING', 'CONNECTED', 'WAIT_RETRY', 'CONNECTING', 'CONNECTED'])
  t.equal(service.network.openSockets(), 1)
})

test('a dead link is noticed without being asked for', async (t) => {
  const service = new TestService()
  const observed = started(service)
  await service.clock.advance(100)
  await service.clock.advance(120_000)
  t.same(observed.states, ['CONNECTING', 'CONNECTED'], 'a live link stays')
  service.network.script = () => 'half-open'
  await service.clock.advance(31_000)
  service.network.script = undefined
  await service.clock.advance(40_000)
  t.same(observed.states, ['CONNECTING', 'CONNECTED', 'WAIT_RETRY', 'CONNECTING', 'CONNECTED'])
})

test('a PING of the service is answered', async (t) => {
  const service = new TestService()
  const sent: string[] = []
  service.network.script = ({ direction, text }) => {
    if (direction === 'to server') sent.push(text)
    return undefined
  }
  started(service)
  await service.clock.advance(100)
  service.inject('client', '{"type":"PING"}')
  await service.clock.advance(10)
  t.same(sent, ['{"type":"PONG"}'])
})

test('C10: an error of the device comes with code and message; CHANNEL_NOT_FOUND fails the channel, not the connection', async (t) => {
  for (const [code, message] of [['ERROR_1', 'test error'], ['ERROR_2', ''], ['CHANNEL_NOT_FOUND', undefined]] as const) {
    const service = new TestService()
    const peer = service.simulateDevice()
    const observed = started(service)
    await service.clock.advance(100)
    peer.sendError(code, message)
    await service.clock.advance(10)
    t.ok(observed.errors[0] instanceof SignalingError)
    t.equal((observed.errors[0] as SignalingError).errorCode, code)
    t.equal((observed.errors[0] as SignalingError).errorMessage, message)
    t.equal(observed.client.channelState, 'FAILED')
    t.equal(observed.client.connectionState, 'CONNECTED')
    await t.rejects(observed.client.sendMessage('late'), 'CHANNEL_CLOSED')
    await observed.client.sendError(new SignalingError('LATE'))
    observed.client.close()
    t.equal(observed.client.channelState, 'CLOSED')
    await service.clock.advance(10)
    t.same(peer.errors, [], 'a failed channel says nothing more')
  }
})

test('C10, from the other form: MESSAGE with an error and no message is an ERROR', async (t) => {
  const service = new TestService()
  const observed = started(service)
  await service.clock.advance(100)
  service.inject('client', '{"type":"MESSAGE","channelId":"channel-1","error":{"code":"FROM_A_PHONE"}}')
  await service.clock.advance(10)
  t.equal((observed.errors[0] as SignalingError).errorCode, 'FROM_A_PHONE')
})

test('C11: close tells the device', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const { client } = started(service)
  await service.clock.advance(100)
  client.close()
  await service.clock.advance(10)
  t.equal(peer.errors[0].code, 'CHANNEL_CLOSED')
})

test('C12: requireOnline', async (t) => {
  const service = new TestService()
  const observed = started(service, { requireOnline: true })
  await service.clock.advance(100)
  fails(t, observed, { name: 'DeviceOfflineError', code: 'ERR_SIGNALING_DEVICE_OFFLINE' })
  t.equal(service.network.openSockets(), 0)
  service.simulateDevice()
  const online = started(service, { requireOnline: true })
  await service.clock.advance(100)
  t.same(online.states, ['CONNECTING', 'CONNECTED'])
})

test('C13, C14: access tokens', async (t) => {
  const service = new TestService()
  service.requireAccessToken = true
  const good = started(service, { accessToken: ACCESS_TOKEN })
  const bad = started(service, { accessToken: 'invalid' })
  await service.clock.advance(100)
  t.same(good.states, ['CONNECTING', 'CONNECTED'])
  fails(t, bad, { name: 'HttpError', message: 'Access Denied' })
  t.equal((bad.errors[0] as { statusCode: number }).statusCode, 401)
})

test('a function for access tokens is called for each request that shows one, and no more for a socket that is opened again', async (t) => {
  const service = new TestService()
  service.requireAccessToken = true
  let calls = 0
  const { client, states, reconnects } = started(service, { accessToken: () => (++calls === 1 ? ACCESS_TOKEN : Promise.resolve(`token ${calls}`)) })
  await service.clock.advance(100)
  t.same(states, ['CONNECTING', 'CONNECTED'])
  void client.requestIceServers()
  void client.requestIceServers()
  await service.clock.advance(100)
  t.same(service.requests.map(({ token }) => token), [ACCESS_TOKEN, 'token 2', 'token 3'])
  service.closeSocket('client')
  await service.clock.advance(4000)
  t.equal(reconnects(), 1)
  t.equal(calls, 3, 'the address of a client outlives its token')
})

test('a function for access tokens that gives none fails the request, in no words of its own', async (t) => {
  const secret = 'a secret in an error'
  for (const accessToken of [
    () => { throw new Error(secret) }, () => Promise.reject(new Error(secret)), () => '', () => Promise.resolve(undefined as unknown as string),
  ]) {
    const service = new TestService()
    const observed = started(service, { accessToken })
    await service.clock.advance(100)
    fails(t, observed, { code: 'ERR_SIGNALING_ACCESS_TOKEN' })
    t.ok(!String(observed.errors[0]).includes(secret))
    t.equal(service.requests.length, 0)
    t.equal(service.clock.pendingTimers(), 0)
    await t.rejects(observed.client.requestIceServers(), 'ERR_SIGNALING_ACCESS_TOKEN')
  }
})

test('a function for access tokens has its time, and not a moment more', async (t) => {
  for (const [delayMs, outcome] of [[999, 'CONNECTED'], [1001, 'FAILED']] as const) {
    const service = new TestService()
    service.requireAccessToken = true
    const observed = started(service, {
      times: { accessTokenMs: 1000 }, accessToken: () => new Promise((resolve) => { service.clock.after(delayMs, () => { resolve(ACCESS_TOKEN) }) }),
    })
    await service.clock.advance(2000)
    t.same(observed.states, ['CONNECTING', outcome])
    if (outcome === 'FAILED') fails(t, observed, { code: 'ERR_SIGNALING_ACCESS_TOKEN' })
  }
  const service = new TestService()
  const { client } = started(service, { accessToken: () => new Promise((resolve) => { service.clock.after(50, () => { resolve(ACCESS_TOKEN) }) }) })
  client.close()
  await service.clock.advance(100)
  t.equal(service.requests.length, 0, 'a client that was closed meanwhile asks for nothing')
})

test('C15, C16: unknown product, unknown device, whatever the status', async (t) => {
  const service = new TestService()
  const noProduct = started(service, { productId: 'wp-other' })
  const noDevice = started(service, { deviceId: 'wd-other' })
  await service.clock.advance(100)
  fails(t, noProduct, { name: 'ProductIdNotFoundError' })
  fails(t, noDevice, { name: 'DeviceIdNotFoundError' })
  service.answers.push(error(400, 'gone', 'DEVICE_ID_NOT_FOUND'))
  const odd = started(service)
  await service.clock.advance(100)
  fails(t, odd, { name: 'DeviceIdNotFoundError' })
})

test('answers that make no sense fail the client with a clear error', async (t) => {
  for (const body of ['', 'no JSON', '[]', '{}', '{"signalingUrl":"https://service.test/x","channelId":"c"}', '{"signalingUrl":"wss://service.test/x"}', '{"signalingUrl":7,"channelId":"c"}']) {
    const service = new TestService()
    service.answers.push({ status: 200, body })
    const observed = started(service)
    await service.clock.advance(100)
    fails(t, observed, { code: 'ERR_SIGNALING_ANSWER' })
  }
  const service = new TestService()
  const lost = started(service, { endpointUrl: 'https://nowhere.test' })
  await service.clock.advance(100)
  fails(t, lost, { code: 'ERR_HTTP_UNREACHABLE' })
})

test('channel state at connect tells whether the device is online', async (t) => {
  const service = new TestService()
  const offline = started(service)
  await service.clock.advance(100)
  t.equal(offline.client.channelState, 'DISCONNECTED')
  service.simulateDevice()
  const online = started(service)
  await service.clock.advance(100)
  t.equal(online.client.channelState, 'CONNECTED')
})

test('R1, R2: messages in order both ways, falsy ones too', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  const payloads = ['1', '2', '3', 0, '', false, null, [], { a: [null] }]
  for (const payload of payloads) {
    await observed.client.sendMessage(payload)
    peer.send(payload)
  }
  await service.clock.advance(200)
  t.same(peer.messages, payloads)
  t.same(observed.messages, payloads)
})

test('R3: messages for a device that is not there wait for it, also those sent before start; and its for us', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  peer.connected = false
  const observed = observedClient(service)
  await observed.client.sendMessage('1')
  observed.client.start()
  await service.clock.advance(100)
  await observed.client.sendMessage('2')
  await observed.client.sendMessage('3')
  peer.send('from the device')
  await service.clock.advance(100)
  t.equal(observed.client.channelState, 'DISCONNECTED')
  service.connectDevice(peer)
  await service.clock.advance(200)
  t.same(peer.messages, ['1', '2', '3'])
  t.same(observed.messages, ['from the device'])
  t.same(observed.channelStates, ['DISCONNECTED', 'CONNECTED'])
})

test('R4: messages lost on a dead link are delivered after checkAlive found it', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  service.deaf = 'client'
  for (const message of ['1', '2', '3']) await observed.client.sendMessage(message)
  observed.client.checkAlive()
  await service.clock.advance(3000)
  t.same(peer.messages, ['1', '2', '3'])
})

test('R5: a message whose acknowledgement was lost comes again and is delivered once', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  peer.send('a')
  peer.retransmit()
  service.connectDevice(peer)
  peer.send('b')
  await service.clock.advance(100)
  t.same(observed.messages, ['a', 'b'])
})

test('R6: what a device lost is sent again when it comes back', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  peer.dropping = true
  for (const message of ['1', '2', '3']) await observed.client.sendMessage(message)
  await service.clock.advance(1000)
  service.connectDevice(peer)
  await service.clock.advance(3000)
  t.same(peer.messages, ['1', '2', '3'])
})

test('ICE1, ICE2, ICE3: ICE servers with and without a token', async (t) => {
  const service = new TestService()
  const anonymous = observedClient(service).client.requestIceServers()
  const authorized = observedClient(service, { accessToken: ACCESS_TOKEN }).client.requestIceServers()
  const refused = observedClient(service, { accessToken: 'wrong' }).client.requestIceServers()
  const outcome = t.rejects(refused, 'Access denied')
  await service.clock.advance(100)
  t.same((await anonymous).map(({ urls }) => urls.length), [2, 2])
  t.ok((await anonymous)[0].urls[0].startsWith('stun:'))
  t.equal((await authorized).length, 3)
  t.ok((await authorized)[2].urls.every((url) => url.startsWith('turn:')))
  await outcome
})

test('IDs travel in lower case, and the endpoint has a default', async (t) => {
  const service = new TestService()
  const urls: string[] = []
  const host = service.host()
  host.http = { request: (request) => { urls.push(`${request.url} ${String(request.body)}`); return Promise.reject(new Error('not reached')) } }
  const options = { productId: 'WP-Test', deviceId: 'wd-TEST' }
  for (const endpointUrl of [undefined, `${ORIGIN}/`]) createSignalingClient({ ...options, endpointUrl }, host).start()
  await service.clock.advance(10)
  const body = JSON.stringify({ deviceId: DEVICE_ID, productId: PRODUCT_ID })
  t.same(urls, [`https://wp-test.webrtc.nabto.net/v1/client/connect ${body}`, `${ORIGIN}/v1/client/connect ${body}`])
  t.same(options, { productId: 'WP-Test', deviceId: 'wd-TEST' })
})

test('making and closing clients ten times leaves nothing behind', async (t) => {
  const service = new TestService()
  for (let round = 0; round < 10; round++) {
    const { client } = started(service)
    if (round % 2 === 0) await service.clock.advance(round)
    client.close()
  }
  await service.clock.advance(20_000)
  t.equal(service.network.openSockets(), 0)
  t.equal(service.clock.pendingTimers(), 0)
})

test('a client gives up after eight attempts in a row, and says so', async (t) => {
  const service = new TestService()
  const observed = started(service)
  await service.clock.advance(100)
  service.refuseSockets = true
  service.closeSocket('client')
  await service.clock.advance(400_000)
  t.equal(observed.client.connectionState, 'FAILED')
  t.equal(observed.states.filter((state) => state === 'WAIT_RETRY').length, 8)
  t.equal(observed.errors.length, 1)
})

test('a socket that stayed open for ten seconds resets the back-off', async (t) => {
  const service = new TestService()
  const observed = started(service)
  await service.clock.advance(100)
  for (let round = 0; round < 20; round++) {
    service.closeSocket('client')
    await service.clock.advance(12_000)
    t.equal(observed.client.connectionState, 'CONNECTED', `round ${round}`)
  }
})

test('close while connecting: no late socket, no timer', async (t) => {
  for (let ms = 0; ms < 6; ms++) {
    const service = new TestService()
    const observed = started(service)
    await service.clock.advance(ms)
    observed.client.close()
    await service.clock.advance(60_000)
    t.equal(observed.states[observed.states.length - 1], 'CLOSED')
    t.equal(service.network.openSockets(), 0, `closed after ${ms} ms`)
    t.equal(service.clock.pendingTimers(), 0)
  }
})

test('messages sent from handlers of a reopened socket go out once, behind what waited', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  peer.dropping = true
  await observed.client.sendMessage('waited')
  observed.client.on('connectionreconnect', () => observed.client.sendMessage('from connectionreconnect'))
  observed.client.on('connectionstatechange', () => {
    if (observed.client.connectionState === 'CONNECTED') void observed.client.sendMessage('from connectionstatechange')
  })
  service.closeSocket('client')
  await service.clock.advance(50)
  peer.dropping = false
  peer.acksEverything = true
  peer.frames.length = 0
  await service.clock.advance(4000)
  t.same(peer.messages, ['waited', 'from connectionstatechange', 'from connectionreconnect'])
})

test('no duplicate for a peer that would deliver it: it reappears while a message is on its way', async (t) => {
  const service = new TestService(20)
  const peer = service.simulateDevice()
  peer.acksEverything = true
  const observed = started(service)
  await service.clock.advance(200)
  await observed.client.sendMessage('1')
  // The device's new socket opens after our message left and before its acknowledgement is here.
  await service.clock.advance(25)
  service.connectDevice(peer)
  await observed.client.sendMessage('2')
  await service.clock.advance(2000)
  t.same(peer.messages, ['1', '2'])
})

test('a message without an acknowledgement on a live socket is sent again by itself', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  service.network.script = ({ text }) => (text.includes('DATA') ? 'drop' : undefined)
  await observed.client.sendMessage('lost by the service')
  await service.clock.advance(10)
  service.network.script = undefined
  await service.clock.advance(14_000)
  t.same(peer.messages, [])
  await service.clock.advance(2000)
  t.same(peer.messages, ['lost by the service'])
})

test('the absence of a peer told after its return is found out', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const observed = started(service)
  await service.clock.advance(100)
  service.inject('client', '{"type":"PEER_OFFLINE","channelId":"channel-1"}')
  await service.clock.advance(10)
  t.equal(observed.client.channelState, 'DISCONNECTED')
  await observed.client.sendMessage('1')
  await observed.client.sendMessage('2')
  await service.clock.advance(14_000)
  t.same(peer.messages, [], 'not sent to a peer that is away')
  await service.clock.advance(2000)
  t.same(peer.messages, ['1', '2'])
})
