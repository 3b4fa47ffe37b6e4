// The published behaviours of a device (protocol/webrtc-signaling.md §10.2), each against a service with faults on demand.
import { SignalingError } from '../../../lib/signaling/index.ts'
import { test } from '../../suite.ts'
import { observedDevice, type ObservedDevice } from '../support/ends.ts'
import { error, TestService } from '../support/test-service.ts'

async function connected(service: TestService, options: Parameters<typeof observedDevice>[1] = {}): Promise<ObservedDevice> {
  const observed = observedDevice(service, options)
  observed.device.start()
  await service.clock.advance(100)
  return observed
}

test('D1, D2, D6: connects with a fresh token, closes and leaves nothing behind', async (t) => {
  const service = new TestService()
  service.extra = { extra_field_in_the_response: 'data' }
  const { device, states } = await connected(service)
  t.same(states, ['CONNECTING', 'CONNECTED'])
  t.equal(service.requests[0].token, 'token 1')
  device.close()
  device.close()
  t.same(states, ['CONNECTING', 'CONNECTED', 'CLOSED'])
  await service.clock.advance(100)
  t.equal(service.network.openSockets(), 0)
  t.equal(service.clock.pendingTimers(), 0)
})

test('D3, D4: refused over HTTP or at the upgrade, it tries again for ever, with a fresh token each time', async (t) => {
  const service = new TestService()
  for (let n = 0; n < 20; n++) service.answers.push(error(n % 2 === 0 ? 400 : 401, 'Bad request'))
  const { device, states, errors } = await connected(service)
  t.same(states.slice(0, 2), ['CONNECTING', 'WAIT_RETRY'])
  t.equal((errors[0] as { statusCode: number }).statusCode, 400)
  await service.clock.advance(20 * 60_000)
  t.equal(device.connectionState, 'CONNECTED')
  t.equal(errors.length, 20)
  t.equal(new Set(service.requests.map(({ token }) => token)).size, service.requests.length)
  const refused = new TestService()
  refused.refuseSockets = true
  const other = await connected(refused)
  t.same(other.states.slice(0, 2), ['CONNECTING', 'WAIT_RETRY'])
  refused.refuseSockets = false
  await refused.clock.advance(120_000)
  t.equal(other.device.connectionState, 'CONNECTED')
})

test('a token generator that fails is an attempt that failed', async (t) => {
  const service = new TestService()
  let calls = 0
  const tokenGenerator = (): Promise<string> => (++calls === 1 ? Promise.reject(new Error('the secure element is busy')) : Promise.resolve('token'))
  const { device, states, errors } = await connected(service, { tokenGenerator })
  t.same(states.slice(0, 2), ['CONNECTING', 'WAIT_RETRY'])
  t.equal((errors[0] as Error).message, 'the secure element is busy')
  await service.clock.advance(2000)
  t.equal(device.connectionState, 'CONNECTED')
})

test('D5: a socket that the service closes is opened again with a new URL', async (t) => {
  const service = new TestService()
  const { states, reconnects } = await connected(service)
  service.closeSocket('device')
  await service.clock.advance(4000)
  t.same(states, ['CONNECTING', 'CONNECTED', 'WAIT_RETRY', 'CONNECTING', 'CONNECTED'])
  t.equal(service.requests.length, 2)
  t.equal(reconnects(), 1)
})

test('D7, D8: unknown types and members are ignored, a new channel still works', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  service.inject('device', '{"type":"NEW_MESSAGE_TYPE","new_message_type_field":"data"}')
  service.inject('device', '{"type":"PEER_CONNECTED","channelId":"unknown","new_field":"data"}')
  service.inject('device', '{"type":"ERROR","channelId":"unknown","error":{"code":"X"}}')
  service.inject('device', '{"type":"PEER_OFFLINE","channelId":"unknown"}')
  service.inject('device', '{"type":"MESSAGE","channelId":"new","message":{"type":"DATA","seq":0,"data":"hello","extra":1},"extra":2}')
  await service.clock.advance(10)
  t.same(channels.map(({ messages }) => messages), [['hello']])
})

test('unknown product or device: one typed error, and it waits', async (t) => {
  for (const [options, name] of [[{ productId: 'wp-other' }, 'ProductIdNotFoundError'], [{ deviceId: 'wd-other' }, 'DeviceIdNotFoundError']] as const) {
    const service = new TestService()
    const observed = observedDevice(service, options)
    observed.device.start()
    await service.clock.advanceUntil(() => observed.errors.length > 0)
    t.same(observed.states, ['CONNECTING', 'WAIT_RETRY'])
    t.same(observed.errors.map((thrown) => (thrown as Error).name), [name])
  }
})

test('DC1, DC3: each client gets a channel of its own', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  const clients = Array.from({ length: 10 }, () => service.simulateClient())
  for (const [n, client] of clients.entries()) client.send(n)
  await service.clock.advance(100)
  t.same(channels.map(({ messages }) => messages), clients.map((_, n) => [n]))
  t.equal(new Set(channels.map(({ channel }) => channel.channelId)).size, 10)
  t.same(channels.map(({ states }) => states), clients.map(() => ['CONNECTED']))
})

test('DC2: a client that is gone', async (t) => {
  const service = new TestService()
  const { channels: [...none], device } = await connected(service)
  t.same(none, [])
  const { channels } = await connected(service)
  device.close()
  const client = service.simulateClient()
  client.send('hello')
  await service.clock.advance(100)
  client.connected = false
  await channels[0].channel.sendMessage('are you there?')
  await service.clock.advance(100)
  t.same(channels[0].states, ['CONNECTED', 'DISCONNECTED'])
  service.connectClient(client)
  await service.clock.advance(100)
  t.same(client.messages, ['are you there?'])
  t.same(channels[0].states, ['CONNECTED', 'DISCONNECTED', 'CONNECTED'])
})

test('DC4: a channel that is closed; its ID then begins anew or is not found', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  const client = service.simulateClient()
  client.send('hello')
  await service.clock.advance(100)
  channels[0].channel.close()
  t.equal(channels[0].channel.channelState, 'CLOSED')
  await service.clock.advance(100)
  t.same(client.errors.map(({ code }) => code), ['CHANNEL_CLOSED'])
  client.send('late')
  await service.clock.advance(100)
  t.same(client.errors.map(({ code }) => code), ['CHANNEL_CLOSED', 'CHANNEL_NOT_FOUND'])
})

test('the initial-message rule', async (t) => {
  const service = new TestService()
  const { channels, device } = await connected(service)
  const sent: string[] = []
  service.network.script = ({ direction, text }) => {
    if (direction === 'to server') sent.push(text)
    return undefined
  }
  const answers = async (message: unknown): Promise<string[]> => {
    sent.length = 0
    service.inject('device', JSON.stringify({ type: 'MESSAGE', channelId: 'strange', message }))
    await service.clock.advance(10)
    return sent.map((text) => (JSON.parse(text) as { error?: { code: string } }).error?.code ?? text)
  }
  t.same(await answers({ type: 'DATA', seq: 1, data: 'x' }), ['CHANNEL_NOT_FOUND'])
  t.same(await answers({ type: 'ACK', seq: 0 }), ['CHANNEL_NOT_FOUND'])
  for (const bad of [{}, null, 'DATA', { type: 'DATA', seq: 0 }, { type: 'DATA', data: 1 }, { type: 'DATA', seq: -1, data: 1 }, { type: 'DATA', seq: 0.5, data: 1 }, { type: 'NEW', seq: 0 }]) {
    t.same(await answers(bad), ['DECODE_ERROR'], JSON.stringify(bad))
  }
  device.onNewSignalingChannel = undefined
  t.same(await answers({ type: 'DATA', seq: 0, data: 'x' }), ['INTERNAL_ERROR'])
  t.equal(channels.length, 0)
})

test('a frame that cannot be read ends a channel, with an error on both sides', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  const client = service.simulateClient()
  client.send('hello')
  service.inject('device', JSON.stringify({ type: 'MESSAGE', channelId: client.channelId, message: { type: 'DATA', seq: 'one', data: 1 } }))
  await service.clock.advance(10)
  t.equal(channels[0].channel.channelState, 'FAILED')
  t.equal((channels[0].errors[0] as SignalingError).errorCode, 'DECODE_ERROR')
  t.same(client.errors.map(({ code }) => code), ['DECODE_ERROR'])
  client.send('ignored')
  await service.clock.advance(10)
  t.same(channels[0].messages, ['hello'])
  t.same(client.errors.length, 1)
})

test('R1, R2, R3: messages in order both ways, also over a socket that was replaced', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  const client = service.simulateClient()
  for (const message of ['1', '2', '3']) client.send(message)
  await service.clock.advance(200)
  t.same(channels[0].messages, ['1', '2', '3'])
  for (const message of ['1', '2', '3']) await channels[0].channel.sendMessage(message)
  await service.clock.advance(200)
  service.closeSocket('device')
  await service.clock.advance(5)
  for (const message of ['4', '5', '6']) await channels[0].channel.sendMessage(message)
  await service.clock.advance(4000)
  t.same(client.messages, ['1', '2', '3', '4', '5', '6'])
})

test('R4, R5: lost frames and lost acknowledgements, found by checkAlive', async (t) => {
  const service = new TestService()
  const { device, channels } = await connected(service)
  const client = service.simulateClient()
  client.send('hello')
  await service.clock.advance(100)
  service.deaf = 'device'
  for (const message of ['1', '2', '3']) await channels[0].channel.sendMessage(message)
  device.checkAlive()
  await service.clock.advance(4000)
  t.same(client.messages, ['1', '2', '3'])
  client.mute = true
  await channels[0].channel.sendMessage('4')
  await service.clock.advance(100)
  client.mute = false
  service.deaf = 'device'
  device.checkAlive()
  await channels[0].channel.sendMessage('5')
  await service.clock.advance(5000)
  t.same(client.messages, ['1', '2', '3', '4', '5'])
})

test('R6: what a client lost is sent again when it comes back', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  const client = service.simulateClient()
  client.send('hello')
  await service.clock.advance(100)
  client.dropping = true
  for (const message of ['1', '2', '3']) await channels[0].channel.sendMessage(message)
  await service.clock.advance(100)
  service.connectClient(client)
  await service.clock.advance(4000)
  t.same(client.messages, ['1', '2', '3'])
})

test('ICE2, ICE3: ICE servers, also before start', async (t) => {
  const service = new TestService()
  const { device } = observedDevice(service)
  const servers = device.requestIceServers()
  await service.clock.advance(100)
  t.equal((await servers).length, 3)
  const refused = observedDevice(service, { tokenGenerator: () => Promise.resolve('wrong') }).device.requestIceServers()
  const outcome = t.rejects(refused, 'Access denied')
  await service.clock.advance(100)
  await outcome
})

test('a client that is connected but says nothing hears nothing', async (t) => {
  const service = new TestService()
  const { device } = await connected(service)
  device.onNewSignalingChannel = undefined
  const client = service.simulateClient()
  service.connectClient(client)
  await service.clock.advance(200)
  t.same(client.errors, [])
})

test('errors go over with code and message, an empty message too, and come back so', async (t) => {
  for (const message of ['test error', '']) {
    const service = new TestService()
    const { channels } = await connected(service)
    const client = service.simulateClient()
    client.send('hello')
    await service.clock.advance(100)
    await channels[0].channel.sendError(new SignalingError('ERROR_1', message))
    t.equal(channels[0].channel.channelState, 'FAILED')
    t.same(channels[0].errors, [], 'its own error is no event')
    await service.clock.advance(100)
    t.same(client.errors, [{ code: 'ERROR_1', message }])
    await t.rejects(channels[0].channel.sendMessage('late'), 'CHANNEL_CLOSED')
  }
  const service = new TestService()
  const { channels } = await connected(service)
  const client = service.simulateClient()
  client.send('hello')
  client.sendError('ERROR_2')
  await service.clock.advance(100)
  t.equal((channels[0].errors[0] as SignalingError).errorCode, 'ERROR_2')
  t.equal((channels[0].errors[0] as SignalingError).errorMessage, undefined)
  t.same(channels[0].messages, ['hello'])
})

test('states on failure, then close', async (t) => {
  const service = new TestService()
  service.answers.push(error(500, 'oops'))
  const observed = observedDevice(service)
  observed.device.start()
  await service.clock.advanceUntil(() => observed.errors.length > 0)
  observed.device.close()
  t.same(observed.states, ['CONNECTING', 'WAIT_RETRY', 'CLOSED'])
  await service.clock.advance(60_000)
  t.equal(service.requests.length, 1)
  t.equal(service.clock.pendingTimers(), 0)
})

test('close while the socket is up tells every client', async (t) => {
  const service = new TestService()
  const { device, channels } = await connected(service)
  const clients = [1, 2].map(() => service.simulateClient())
  for (const client of clients) client.send('hello')
  await service.clock.advance(100)
  device.close()
  await service.clock.advance(100)
  t.same(clients.map(({ errors }) => errors[0].code), ['CHANNEL_CLOSED', 'CHANNEL_CLOSED'])
  t.same(channels.map(({ states }) => states), [['CONNECTED', 'CLOSED'], ['CONNECTED', 'CLOSED']])
})

test('one slow or flooded channel does not hold up another', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  const [slow, quick] = [service.simulateClient(), service.simulateClient()]
  slow.send('first')
  await service.clock.advance(10)
  channels[0].channel.on('message', () => new Promise<void>(() => undefined))
  for (let n = 0; n < 100; n++) slow.send(n)
  quick.send('hello')
  await service.clock.advance(100)
  t.same(channels[0].messages, ['first', 0])
  t.same(channels[1].messages, ['hello'])
})

test('the new-channel handler is awaited; what it throws does not lose messages', async (t) => {
  const service = new TestService()
  const { device } = await connected(service)
  const order: unknown[] = []
  device.onNewSignalingChannel = async (channel) => {
    order.push('handler')
    await new Promise<void>((resolve) => void service.clock.after(50, resolve))
    channel.on('message', (message) => void order.push(message))
    order.push('ready')
    throw new Error('a bug of the application')
  }
  const client = service.simulateClient()
  client.send(1)
  client.send(2)
  await service.clock.advance(200)
  t.same(order, ['handler', 'ready', 1, 2])
})

test('listeners are awaited in turn, and what one throws harms nobody', async (t) => {
  const service = new TestService()
  const { device } = await connected(service)
  const order: string[] = []
  device.onNewSignalingChannel = (channel) => {
    channel.on('message', async (message) => {
      order.push(`a${JSON.stringify(message)}`)
      await new Promise<void>((resolve) => void service.clock.after(20, resolve))
      throw new Error('a bug')
    })
    channel.on('message', (message) => void order.push(`b${JSON.stringify(message)}`))
  }
  const client = service.simulateClient()
  client.send(1)
  client.send(2)
  await service.clock.advance(200)
  t.same(order, ['a1', 'b1', 'a2', 'b2'])
})

test('authorized comes from the service alone, false unless told', async (t) => {
  const service = new TestService()
  const { channels } = await connected(service)
  service.simulateClient().send('anonymous')
  service.authorized = true
  service.simulateClient().send('vouched for')
  service.inject('device', '{"type":"MESSAGE","channelId":"odd","authorized":"true","message":{"type":"DATA","seq":0,"data":1}}')
  await service.clock.advance(100)
  t.same(channels.map(({ authorized }) => authorized), [false, true, false])
})
