import { test } from '../../suite.ts'
import { connected, createStage, message, offline } from './support.ts'

test('PEER_CONNECTED goes to the device when a client opens, and to every client when the device does', (t) => {
  const { device, client } = createStage()
  const early = client('early')
  const first = device()
  t.same(early.socket.take(), [connected('early')])
  t.same(first.socket.take(), [])
  const late = client('late')
  t.same(first.socket.take(), [connected('late')])
  first.events.onClosed()
  t.same([...early.socket.take(), ...late.socket.take()], [], 'nobody is told that a peer went')
  late.say(message('late', 1))
  late.say({ type: 'ERROR', channelId: 'late', error: { code: 'X' } })
  t.same(late.socket.take(), [offline('late'), offline('late')])
  device()
  t.same([...early.socket.take(), ...late.socket.take()], [connected('early'), connected('late')])
})

test('a claim must be newer: by its proof first, then by when it was made', (t) => {
  const { device } = createStage()
  const seated = device({ issuedAt: 100, serial: 5 })
  for (const claim of [{ issuedAt: 99, serial: 9 }, { issuedAt: 100, serial: 4 }, { issuedAt: 100, serial: 5 }]) {
    t.equal(device(claim).socket.ended, 4000)
    t.equal(seated.socket.ended, undefined)
  }
  const newer = device({ issuedAt: 100, serial: 6 })
  t.equal(seated.socket.ended, 4000)
  seated.events.onClosed()
  const newest = device({ issuedAt: 101, serial: 1 })
  t.equal(newer.socket.ended, 4000)
  seated.say({ type: 'PING' })
  t.same(seated.socket.take(), [], 'a socket that lost its seat is not heard')
  newest.say({ type: 'PING' })
  t.same(newest.socket.take(), [{ type: 'PONG' }])
})

test('frames per second: as many as allowed, and one more', async (t) => {
  const { host, device, client, relay } = createStage({ clientFramesPerSecond: 10, deviceFramesPerSecond: 20, frameBurstSeconds: 2 })
  for (const [peer, burst] of [[client('c'), 20], [device(), 40]] as const) {
    for (let n = 0; n < burst; n++) peer.say({ type: 'PING' })
    t.equal(peer.socket.ended, undefined)
    await host.clock.advance(1000)
    for (let n = 0; n < burst / 2; n++) peer.events.onOther()
    t.equal(peer.socket.ended, undefined, 'a second gives the rate of a second')
    peer.events.onText('not even JSON')
    t.equal(peer.socket.ended, 4008)
  }
  t.equal(relay.seated, 0)
  relay.close()
})

test('clients of one device: as many as allowed, and one more', (t) => {
  const { device, client } = createStage({ channelsPerDevice: 3 })
  const seated = device()
  const clients = ['a', 'b', 'c'].map((id) => client(id))
  t.same(clients.map(({ socket }) => socket.ended), [undefined, undefined, undefined])
  seated.socket.take()
  t.equal(client('d').socket.ended, 4029)
  t.same(seated.socket.take(), [], 'the device does not hear of it')
  const again = client('a')
  t.equal(again.socket.ended, undefined, 'a client that comes back is not one more')
  t.equal(clients[0].socket.ended, 4000)
  clients[1].events.onClosed()
  t.equal(client('d').socket.ended, undefined)
  t.equal(client('x', { deviceId: 'wd-other' }).socket.ended, undefined, 'another device has its own')
})

test('clients without a token leave room for those who have one', (t) => {
  const { device, client } = createStage({ channelsPerDevice: 3, anonymousChannelsPerDevice: 2 })
  device()
  t.same(['a', 'b'].map((id) => client(id).socket.ended), [undefined, undefined])
  t.equal(client('c').socket.ended, 4029)
  t.equal(client('d', { kid: 'product:k' }).socket.ended, undefined)
  t.equal(client('e', { kid: 'product:k' }).socket.ended, 4029)
})

test('a slow reader is dropped when more than the limit waits for it', (t) => {
  const { device, client } = createStage({ sendBufferBytes: 1000 })
  const slow = device()
  slow.socket.reading = false
  const { say, socket } = client('c')
  slow.socket.buffered = 1000 - JSON.stringify(message('c', '')).length
  say(message('c', ''))
  t.equal(slow.socket.buffered, 1000)
  t.equal(slow.socket.ended, undefined)
  say(message('c', ''))
  t.equal(slow.socket.ended, 'abandoned')
  say(message('c', ''))
  t.same(socket.take(), [offline('c')])
})

test('every socket is pinged, and one that is silent is dropped', async (t) => {
  const { host, device, client } = createStage({ pingIntervalMs: 30_000, silentIntervals: 2.5 })
  const quiet = device()
  const lively = client('c')
  quiet.socket.take()
  let pings = 0
  for (let seconds = 0; seconds < 75; seconds++) {
    await host.clock.advance(1000)
    if (lively.socket.take().length > 0) {
      pings++
      lively.say({ type: 'PONG' })
    }
  }
  t.ok(pings === 2 || pings === 3, `${pings} pings in 75 seconds`)
  t.equal(quiet.socket.ended, undefined, 'silent for as long as it may be')
  await host.clock.advance(3001)
  t.equal(quiet.socket.ended, 'abandoned')
  t.equal(lively.socket.ended, undefined)
})

test('a client that relays nothing is closed after the idle time; a device never is', async (t) => {
  const { host, device, client } = createStage({ clientIdleMs: 60_000, pingIntervalMs: 10_000 })
  const seated = device()
  const [idle, busy] = [client('idle'), client('busy')]
  const wind = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1000) {
      await host.clock.advance(1000)
      for (const peer of [seated, idle, busy]) peer.say({ type: 'PONG' })
    }
  }
  await wind(30_000)
  busy.say(message('busy', 1))
  await wind(30_000)
  t.equal(idle.socket.ended, undefined)
  await wind(2000)
  t.equal(idle.socket.ended, 4010)
  t.equal(busy.socket.ended, undefined)
  t.equal(seated.socket.ended, undefined)
})

test('what is removed ends the seats that rest on it, and no others', (t) => {
  const { relay, device, client } = createStage()
  const ended = (): unknown[] => peers.map(({ socket }) => socket.ended)
  const peers = [device({ kid: 'device:1' }), device({ kid: 'device:2', deviceId: 'wd-back' }), client('a'), client('b', { kid: 'product:1' }), device({ productId: 'wp-b' })]
  relay.revoke({ productId: 'wp-a', kid: 'product:1' })
  t.same(ended(), [undefined, undefined, undefined, 4001, undefined])
  relay.revoke({ productId: 'wp-a', deviceId: 'wd-front', kid: 'device:1' })
  t.same(ended(), [4001, undefined, undefined, 4001, undefined])
  relay.revoke({ productId: 'wp-a', deviceId: 'wd-front' })
  t.same(ended(), [4001, undefined, 4001, 4001, undefined])
  relay.revoke({ productId: 'wp-a' })
  t.same(ended(), [4001, 4001, 4001, 4001, undefined])
  relay.close()
  t.same(ended(), [4001, 4001, 4001, 4001, 1001])
})

test('a relay that is closed leaves no timer', (t) => {
  const { host, relay, device } = createStage()
  device()
  t.equal(host.clock.pendingTimers(), 1)
  relay.close()
  t.equal(host.clock.pendingTimers(), 0)
  t.equal(relay.seated, 0)
})
