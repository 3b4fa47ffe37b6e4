// Each bound at its value and one past it.
import type { WebSocketHandlers } from '../../../lib/runtime/index.ts'
import { createSignalingClient, type JSONValue } from '../../../lib/signaling/index.ts'
import { test } from '../../suite.ts'
import { observedClient, observedDevice } from '../support/ends.ts'
import { DEVICE_ID, error, ORIGIN, PRODUCT_ID, TestService } from '../support/test-service.ts'

test('messages that wait: the last that fits, and one more', async (t) => {
  const service = new TestService()
  const { client } = observedClient(service, { limits: { maxUnackedMessages: 3 } })
  for (const message of ['1', '2', '3']) await client.sendMessage(message)
  await t.rejects(client.sendMessage('4'), 'ERR_SIGNALING_QUEUE_FULL')
  const peer = service.simulateDevice()
  client.start()
  await service.clock.advance(100)
  await client.sendMessage('4 again')
  await service.clock.advance(100)
  t.same(peer.messages, ['1', '2', '3', '4 again'])
})

test('characters that wait', async (t) => {
  const frame = '{"type":"DATA","seq":0,"data":""}'
  const { client } = observedClient(new TestService(), { limits: { maxUnackedLength: frame.length + 10 } })
  await t.rejects(client.sendMessage('12345678901'), 'ERR_SIGNALING_QUEUE_FULL')
  await client.sendMessage('1234567890')
  await t.rejects(client.sendMessage(1), 'ERR_SIGNALING_QUEUE_FULL')
})

test('length of one message, in bytes of UTF-8', async (t) => {
  const room = 2048 - 512 - '{"type":"DATA","seq":0,"data":""}'.length
  for (const [unit, bytes] of [['a', 1], ['æ', 2], ['€', 3]] as const) {
    const { client } = observedClient(new TestService(), { limits: { maxFrameBytes: 2048 } })
    await t.rejects(client.sendMessage(unit.repeat(Math.floor(room / bytes) + 1)), 'ERR_SIGNALING_MESSAGE_TOO_LARGE', unit)
    await client.sendMessage(unit.repeat(Math.floor(room / bytes)))
  }
})

test('what is not JSON is refused, and nothing is numbered for it', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const { client } = observedClient(service)
  await t.rejects(client.sendMessage(undefined as unknown as JSONValue), 'TypeError')
  await t.rejects(client.sendMessage((() => 1) as unknown as JSONValue), 'TypeError')
  client.start()
  await client.sendMessage('fine')
  await service.clock.advance(100)
  t.same(peer.messages, ['fine'])
})

test('messages that the application does not take: at the bound, and one more fails the channel', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const { client, errors } = observedClient(service, { limits: { maxUndelivered: 4 } })
  const taken: JSONValue[] = []
  let goOn: () => void = () => undefined
  client.on('message', (message) => new Promise<void>((resolve) => {
    taken.push(message)
    goOn = resolve
  }))
  client.start()
  await service.clock.advance(100)
  // One is with the application, four wait.
  for (let n = 0; n < 5; n++) peer.send(n)
  await service.clock.advance(10)
  t.equal(client.channelState, 'CONNECTED')
  for (let n = 0; n < 5; n++) {
    goOn()
    await service.clock.advance(1)
  }
  t.same(taken, [0, 1, 2, 3, 4])
  for (let n = 5; n < 11; n++) peer.send(n)
  await service.clock.advance(10)
  t.equal(client.channelState, 'FAILED')
  t.equal(errors.length, 1)
  t.equal(peer.errors[0].code, 'INTERNAL_ERROR')
})

test('a socket may bring more messages in one turn than may wait, for an application that takes them at once', async (t) => {
  const service = new TestService()
  service.simulateDevice()
  const host = service.host()
  const { webSockets } = host
  const sockets: WebSocketHandlers[] = []
  host.webSockets = {
    open(url, handlers, options) {
      sockets.push(handlers)
      return webSockets.open(url, handlers, options)
    },
  }
  const client = createSignalingClient({ productId: PRODUCT_ID, deviceId: DEVICE_ID, endpointUrl: ORIGIN, limits: { maxUndelivered: 4 } }, host)
  const taken: JSONValue[] = []
  client.on('message', (message) => void taken.push(message))
  client.start()
  await service.clock.advance(100)
  const sent = Array.from({ length: 100 }, (_, seq) => seq)
  for (const seq of sent) sockets[0].text(JSON.stringify({ type: 'MESSAGE', channelId: 'c', message: { type: 'DATA', seq, data: seq } }))
  t.equal(client.channelState, 'CONNECTED')
  t.same(taken, sent)
})

test('channels of a device: at the bound, one more is told so, and a place becomes free again', async (t) => {
  const service = new TestService()
  const { device, channels } = observedDevice(service, { limits: { maxChannels: 2 } })
  device.start()
  await service.clock.advance(100)
  const clients = [1, 2, 3].map(() => service.simulateClient())
  for (const client of clients) client.send('hello')
  await service.clock.advance(100)
  t.equal(channels.length, 2)
  t.same(clients.map(({ errors }) => errors.map(({ code }) => code)), [[], [], ['NO_MORE_CHANNELS']])
  channels[0].channel.close()
  const next = service.simulateClient()
  next.send('hello')
  await service.clock.advance(100)
  t.same(channels[2].messages, ['hello'])
})

test('failed channels that nobody closes do not pile up', async (t) => {
  const service = new TestService()
  const { device, channels } = observedDevice(service, { limits: { maxChannels: 1, maxFailedChannels: 2 } })
  device.start()
  await service.clock.advance(100)
  for (let n = 0; n < 5; n++) {
    const client = service.simulateClient()
    client.send('hello')
    await service.clock.advance(10)
    client.sendError('GONE')
    await service.clock.advance(10)
  }
  t.same(channels.map(({ channel }) => channel.channelState), ['CLOSED', 'CLOSED', 'CLOSED', 'FAILED', 'FAILED'])
})

test('Retry-After is honoured in full, in every form', async (t) => {
  const date = (ms: number): string => new Date(ms).toUTCString()
  for (const [header, least, most] of [
    [undefined, 300, 330], ['7', 7, 7.7], ['-5', 300, 330], ['in ten', 10, 11], ['before', 300, 330], ['0', 0, 1], ['nonsense', 0, 1], ['99999999', 86_400, 86_460],
  ] as const) {
    const service = new TestService()
    const startMs = service.clock.nowMs()
    const value = header === 'in ten' ? date(startMs + 10_000) : header === 'before' ? date(startMs - 10_000) : header
    service.answers.push(error(429, 'slow down', undefined, value === undefined ? {} : { 'retry-after': value }))
    const { device, states } = observedDevice(service)
    device.start()
    await service.clock.advance(least * 1000)
    if (least > 0) t.equal(service.requests.length, 1, `${header ?? 'no header'}: not before ${least} s`)
    await service.clock.advance((most - least) * 1000 + 100)
    t.equal(service.requests.length, 2, `${header ?? 'no header'}: not after ${most} s`)
    t.equal(states[states.length - 1], 'CONNECTED')
    device.close()
  }
})
