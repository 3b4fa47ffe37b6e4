import { serverConnectTokenHash } from '../../../lib/access/index.ts'
import { createInnerSeat, createNearChannels, createOwnRegistry, INNER_ENDPOINT } from '../../../lib/cloud/index.ts'
import { createSignalingDevice, SignalingConnectionState } from '../../../lib/signaling/index.ts'
import { test } from '../../suite.ts'
import { connected, createStage, FakeSocket, FRONT, message } from './support.ts'

const grantOf = (channelId: string | undefined) => ({ ...FRONT, kid: undefined, channelId, order: { issuedAt: 0, serial: 1 } })

test('a channel is near while every socket of it came from near', (t) => {
  const { relay } = createStage()
  const channels = createNearChannels(relay)
  t.equal(channels.isNear('a'), false, 'nobody has come')
  channels.seat(true)(grantOf('a'), new FakeSocket())
  channels.seat(true)(grantOf('a'), new FakeSocket())
  channels.seat(false)(grantOf('b'), new FakeSocket())
  t.same([channels.isNear('a'), channels.isNear('b')], [true, false])
  channels.seat(false)(grantOf('a'), new FakeSocket())
  channels.seat(true)(grantOf('a'), new FakeSocket())
  t.equal(channels.isNear('a'), false, 'once from afar is enough')
  channels.seat(true)(grantOf(undefined), new FakeSocket())
  t.equal(channels.isNear(''), false, 'a device is no client')
})

test('so many channels are remembered; one that is forgotten is not near', (t) => {
  const { relay } = createStage()
  const channels = createNearChannels(relay, 2)
  for (const channelId of ['a', 'b', 'a']) channels.seat(true)(grantOf(channelId), new FakeSocket())
  t.same(['a', 'b'].map(channels.isNear), [true, true])
  channels.seat(true)(grantOf('c'), new FakeSocket())
  t.same(['a', 'b', 'c'].map(channels.isNear), [true, false, true], 'the one that came the longest ago is gone')
})

test('a device takes its seat from inside, hears its clients, and comes back when it is put out', async (t) => {
  const { host, relay, client } = createStage()
  const inner = createInnerSeat(relay, FRONT)
  const device = createSignalingDevice({ ...FRONT, endpointUrl: INNER_ENDPOINT, tokenGenerator: () => Promise.resolve('') }, { ...host, ...inner })
  const heard: unknown[] = []
  device.onNewSignalingChannel = (channel, authorized) => {
    heard.push([channel.channelId, authorized])
    channel.on('message', (each) => void heard.push(each))
  }
  device.start()
  await host.clock.advance(10)
  t.equal(device.connectionState, SignalingConnectionState.CONNECTED)
  t.same(await device.requestIceServers(), [])
  const viewer = client('one')
  viewer.say(message('one', { type: 'DATA', seq: 0, data: 'hello' }))
  await host.clock.advance(10)
  t.same(heard, [['one', false], 'hello'])
  t.same(viewer.socket.take(), [message('one', { type: 'ACK', seq: 0 })])

  relay.revoke(FRONT)
  await host.clock.advance(10)
  t.equal(device.connectionState, SignalingConnectionState.WAIT_RETRY)
  const next = client('two')
  await host.clock.advance(20_000)
  t.equal(device.connectionState, SignalingConnectionState.CONNECTED)
  t.same(next.socket.take().filter((frame) => (frame as { type: string }).type !== 'PING'), [connected('two')])
  device.close()
  await host.clock.advance(10)
  next.say(message('two', 1))
  t.same(next.socket.take(), [{ type: 'PEER_OFFLINE', channelId: 'two' }], 'the seat is empty')
  await t.rejects(inner.http.request({ method: 'POST', url: 'http://elsewhere.test/v1/device/connect' }), 'ERR_HTTP_UNREACHABLE')
})

test('the registry of one device knows it and no other, and takes no proof for a seat', async (t) => {
  const key = { kid: `device:${'ab'.repeat(32)}`, publicKey: 'PEM', createdAt: 7 }
  const tokens = ['open sesame']
  const registry = createOwnRegistry(FRONT, key, { serverConnectTokens: () => tokens })
  t.same(await registry.product(FRONT.productId), { id: FRONT.productId, anonymousClients: true, serverConnectTokens: true, createdAt: 7 })
  t.equal(await registry.product('wp-b'), undefined)
  t.same(await Promise.all([FRONT, { ...FRONT, deviceId: 'wd-back' }, { ...FRONT, productId: 'wp-b' }].map((ids) => registry.hasDevice(ids))), [true, false, false])
  t.same(await registry.deviceKey(key.kid), { ...FRONT, ...key })
  t.equal(await registry.deviceKey('device:other'), undefined)
  t.equal(await registry.productKey(FRONT.productId, key.kid), undefined)
  t.equal(await registry.acceptProof(FRONT, 100, 10, 200), false)
  const hash = serverConnectTokenHash(FRONT, 'open sesame')
  t.equal(await registry.hasServerConnectToken(FRONT, hash), true)
  tokens.length = 0
  t.equal(await registry.hasServerConnectToken(FRONT, hash), false, 'asked anew each time')
})
