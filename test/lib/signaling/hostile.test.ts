// Behaviours wanted of the signaling, the camera and the viewer under hostile services, hostile peers and awkward moments.
import { createViewer, type Viewer, type ViewerOptions } from '../../../lib/client/viewer.ts'
import { type Camera, type CameraOptions, createCamera } from '../../../lib/device/camera.ts'
import { messageOf } from '../../../lib/errors.ts'
import {
  ClientMessageTransportSecurityMode, createClientMessageTransport, createDeviceMessageTransport, createSignalingClient, createSignalingDevice,
  DeviceMessageTransportSecurityMode, type JSONValue, type MessageTransport, type SignalingChannel, SignalingError,
} from '../../../lib/signaling/index.ts'
import { createMemoryHost, createMemoryNetwork, createMemoryClock, type MemoryHost } from '../../../runtimes/memory/index.ts'
import { type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/peer-connection.ts'
import { test } from '../../suite.ts'
import { observedClient, observedDevice } from '../support/ends.ts'
import { DEVICE_ID, ORIGIN, PRODUCT_ID, TestService } from '../support/test-service.ts'

const ids = { productId: PRODUCT_ID, deviceId: DEVICE_ID, endpointUrl: ORIGIN }
const { SHARED_SECRET } = ClientMessageTransportSecurityMode

test('a service that sends PING and never reads cannot make the send buffer grow without bound', async (t) => {
  const service = new TestService()
  const host = service.host()
  let buffered = 0
  let ping: () => void = () => undefined
  const webSockets: MemoryHost['webSockets'] = {
    open(url, handlers) {
      const socket = host.webSockets.open(url, handlers)
      ping = () => { handlers.text('{"type":"PING"}') }
      return {
        ...socket,
        send: ({ length }) => { buffered += length },
        abandon() {
          buffered = 0
          ping = () => undefined
          socket.abandon()
        },
        bufferedBytes: () => buffered,
      }
    },
  }
  const device = createSignalingDevice({ ...ids, tokenGenerator: () => Promise.resolve('token') }, { ...host, webSockets })
  device.start()
  await service.clock.advance(10)
  for (let n = 0; n < 300_000; n++) ping()
  t.ok(buffered < 4_000_000, `${buffered} bytes wait for a service that reads nothing`)
  device.close()
})

interface CameraUnderTest {
  camera: Camera<MemoryPeerConnection>
  connections: MemoryPeerConnection[]
}

function cameraOf(service: TestService, options: Partial<CameraOptions<MemoryPeerConnection>> = {}): CameraUnderTest {
  const peers = new MemoryPeerConnections()
  const connections: MemoryPeerConnection[] = []
  const camera = createCamera({
    ...ids, tokenGenerator: () => Promise.resolve('token'), access: { sharedSecret: 's3cret' }, attach: () => undefined,
    createPeerConnection: () => {
      const made = peers.create()
      connections.push(made)
      return made
    },
    ...options,
  }, service.host())
  camera.start()
  return { camera, connections }
}

function viewerOf(service: TestService, options: Partial<ViewerOptions<MemoryPeerConnection>> = {}): { viewer: Viewer<MemoryPeerConnection>; connections: MemoryPeerConnection[]; ended: unknown[] } {
  const peers = new MemoryPeerConnections()
  const connections: MemoryPeerConnection[] = []
  const ended: unknown[] = []
  const viewer = createViewer({
    ...ids, sharedSecret: 's3cret', attach: () => undefined,
    createPeerConnection: () => {
      const made = peers.create()
      connections.push(made)
      return made
    },
    ...options,
  }, service.host())
  viewer.on('ended', (error) => void ended.push(error))
  return { viewer, connections, ended }
}

/** A client that asks for a session and hears of its setup. */
function askingClient(service: TestService, sharedSecret = 's3cret', keyId?: string): { transport: MessageTransport; setUps: () => number; errors: unknown[] } {
  const { client, errors } = observedClient(service)
  const transport = createClientMessageTransport(client, { securityMode: SHARED_SECRET, sharedSecret, keyId })
  let setUps = 0
  transport.on('setupdone', () => { setUps++ })
  client.start()
  return { transport, setUps: () => setUps, errors }
}

test('a host that cannot open a socket at all is a failed attempt, not a promise that nobody handles', async (t) => {
  // A page served over https gets a SecurityError from `new WebSocket('ws://…')`.
  const service = new TestService()
  const host = service.host()
  let rethrown = ''
  const client = createSignalingClient(ids, { ...host, webSockets: { open: () => { throw new Error('SecurityError') } } })
  client.on('error', (error) => { rethrown = messageOf(error) })
  client.start()
  await service.clock.advance(100)
  t.equal(client.connectionState, 'FAILED')
  t.ok(rethrown !== '')
})

test('a storm of PEER_OFFLINE and PEER_CONNECTED does not send what waits again each time', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  peer.mute = true
  const { client } = observedClient(service)
  client.start()
  await service.clock.advance(100)
  await client.sendMessage('x'.repeat(100_000))
  await service.clock.advance(1000)
  const before = peer.frames.length
  for (let n = 0; n < 50; n++) {
    service.inject('client', '{"type":"PEER_OFFLINE","channelId":"channel-1"}')
    service.inject('client', '{"type":"PEER_CONNECTED","channelId":"channel-1"}')
  }
  await service.clock.advance(100)
  const sent = peer.frames.length - before
  t.ok(sent <= 2, `100 frames of the service within 1 ms made us send 100 kB ${sent} times`)
  client.close()
})

test('what a peer sends while the application is busy is bounded in length, not only in number', async (t) => {
  const service = new TestService()
  const { device, channels } = observedDevice(service)
  const observe = device.onNewSignalingChannel
  device.onNewSignalingChannel = (channel, authorized, first) => {
    void observe?.(channel, authorized, first)
    return new Promise(() => undefined)
  }
  device.start()
  await service.clock.advance(10)
  const client = service.simulateClient()
  // As much as our own end would never have under way: 512 Ki characters.
  const message = 'x'.repeat(200_000)
  for (let n = 0; n < 200; n++) client.send(message)
  await service.clock.advance(100)
  t.equal(channels[0].channel.channelState, 'FAILED', '40 MB wait in one channel of 64')
  device.close()
})

test('a channel id of a service has a bounded length, in memory, on the wire and in logs', async (t) => {
  const service = new TestService()
  let longest = 0
  const host = service.host((_level, _event, fields = {}) => {
    for (const value of Object.values(fields)) longest = Math.max(longest, String(value).length)
  })
  const device = createSignalingDevice({ ...ids, tokenGenerator: () => Promise.resolve('token') }, host)
  let channels = 0
  device.onNewSignalingChannel = () => { channels++ }
  device.start()
  await service.clock.advance(10)
  service.inject('device', JSON.stringify({ type: 'MESSAGE', channelId: 'x'.repeat(100_000), message: { type: 'ACK', seq: 0 } }))
  service.inject('device', JSON.stringify({ type: 'MESSAGE', channelId: 'y'.repeat(100_000), message: { type: 'DATA', seq: 0, data: 1 } }))
  await service.clock.advance(10)
  t.ok(longest <= 1000, `a log field of ${longest} characters`)
  t.equal(channels, 0, 'a channel whose every frame is 100 kB long')
  device.close()
})

test('a channel that failed before the service answered stays failed', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const { client, channelStates } = observedClient(service)
  client.start()
  await client.sendMessage('first')
  await client.sendError(new SignalingError('CANCELLED', 'changed my mind'))
  t.same(channelStates, ['FAILED'])
  await service.clock.advance(100)
  t.same(channelStates, ['FAILED'])
  await t.rejects(client.sendMessage('second'), 'CHANNEL_CLOSED')
  t.same(peer.errors, [])
  client.close()
})

test('after sendError() no message is delivered any more, as after close()', async (t) => {
  const service = new TestService()
  const { device } = observedDevice(service)
  const delivered: JSONValue[] = []
  device.onNewSignalingChannel = async (channel: SignalingChannel, authorized) => {
    channel.on('message', (message) => void delivered.push(message))
    await Promise.resolve()
    if (!authorized) await channel.sendError(new SignalingError('ACCESS_DENIED'))
  }
  device.start()
  await service.clock.advance(10)
  service.simulateClient().send({ open: 'the door' })
  await service.clock.advance(100)
  t.same(delivered, [], 'the application refused this client')
  device.close()
})

test('checkAlive() goes by PONG: what still comes down does not hide that nothing goes up (§3)', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const { client, states } = observedClient(service)
  client.start()
  await service.clock.advance(100)
  service.deaf = 'client'
  await client.sendMessage('lost on the way up')
  client.checkAlive()
  await service.clock.advance(500)
  peer.send('comes down all the same')
  await service.clock.advance(4000)
  t.same(states, ['CONNECTING', 'CONNECTED', 'WAIT_RETRY', 'CONNECTING', 'CONNECTED'])
  t.same(peer.messages, ['lost on the way up'])
  client.close()
})

test('a peer that is heard is not away: what was held goes out at once', async (t) => {
  const service = new TestService()
  const peer = service.simulateDevice()
  const { client } = observedClient(service)
  client.start()
  await service.clock.advance(100)
  service.inject('client', '{"type":"PEER_OFFLINE","channelId":"channel-1"}')
  await service.clock.advance(10)
  await client.sendMessage('held')
  peer.send('here I am')
  await service.clock.advance(1000)
  t.same(peer.messages, ['held'])
  client.close()
})

test('a slow link is no reason to send a message twice to a peer that delivers duplicates', async (t) => {
  const service = new TestService(400)
  const peer = service.simulateDevice()
  peer.acksEverything = true
  const { client } = observedClient(service)
  client.start()
  await service.clock.advance(5000)
  await client.sendMessage('signed, numbered 0')
  // The device's new socket opens while the message is on its way up: it will get it.
  service.inject('client', '{"type":"PEER_CONNECTED","channelId":"channel-1"}')
  await service.clock.advance(10_000)
  t.same(peer.messages, ['signed, numbered 0'])
  client.close()
})

test('messages that came early are handed over one after the other too', async (t) => {
  const service = new TestService()
  const { device } = observedDevice(service)
  let early: MessageTransport | undefined
  device.onNewSignalingChannel = (channel) => {
    early = createDeviceMessageTransport(device, channel, { securityMode: DeviceMessageTransportSecurityMode.NONE })
  }
  device.start()
  await service.clock.advance(10)
  const { client } = observedClient(service)
  const transport = createClientMessageTransport(client, { securityMode: ClientMessageTransportSecurityMode.NONE })
  transport.on('setupdone', async () => {
    for (const candidate of ['1', '2']) await transport.sendWebrtcSignalingMessage({ type: 'CANDIDATE', candidate: { candidate } })
  })
  client.start()
  await service.clock.advance(100)
  const order: string[] = []
  early?.on('webrtcsignalingmessage', async (message) => {
    const name = message.type === 'CANDIDATE' ? message.candidate.candidate : ''
    order.push(`begin ${name}`)
    await Promise.resolve()
    order.push(`end ${name}`)
  })
  await service.clock.advance(100)
  t.same(order, ['begin 1', 'end 1', 'begin 2', 'end 2'])
  device.close()
  client.close()
})

test('camera: a demand for authorized clients holds beside a shared secret', async (t) => {
  const service = new TestService()
  const access = { sharedSecret: 's3cret', requireAuthorized: true } as const
  const { camera } = cameraOf(service, { access })
  await service.clock.advance(10)
  const anonymous = askingClient(service)
  await service.clock.advance(100)
  t.equal(anonymous.setUps(), 0, 'a client without a token was let in')
  camera.close()
})

test('camera: an empty secret from the callback lets nobody in', async (t) => {
  const service = new TestService()
  const secrets: Record<string, string> = { known: 's3cret' }
  const { camera } = cameraOf(service, { access: { sharedSecret: (keyId = '') => Promise.resolve(secrets[keyId] ?? '') } })
  await service.clock.advance(10)
  const stranger = askingClient(service, '', 'unknown')
  await service.clock.advance(100)
  t.equal(stranger.setUps(), 0, 'a stranger signed with nothing and was let in')
  camera.close()
})

test('camera: a service that leaves the request for ICE servers open does not keep two ends apart', async (t) => {
  const service = new TestService()
  const host = service.host()
  const http: MemoryHost['http'] = {
    // Hosts give up on a request after 30 seconds.
    request: (request) => (request.url.endsWith('/v1/ice-servers')
      ? new Promise((_resolve, reject) => host.clock.after(30_000, () => { reject(new Error('did not answer within 30000 ms')) }))
      : host.http.request(request)),
  }
  const peers = new MemoryPeerConnections()
  const camera = createCamera({
    ...ids, tokenGenerator: () => Promise.resolve('token'), access: { sharedSecret: 's3cret' }, attach: () => undefined, createPeerConnection: () => peers.create(),
  }, { ...host, http })
  camera.start()
  await service.clock.advance(10)
  const client = askingClient(service)
  await service.clock.advance(40_000)
  t.equal(client.setUps(), 1, client.errors.map(messageOf).join())
  camera.close()
})

test('camera: a connection that the engine closed gives its place free at once', async (t) => {
  const service = new TestService()
  const { camera, connections } = cameraOf(service)
  await service.clock.advance(10)
  askingClient(service)
  await service.clock.advance(100)
  connections[0].setPath('closed' as 'failed')
  await service.clock.advance(1000)
  t.equal(camera.sessions.size, 0)
  camera.close()
})

test('camera: an onclose that throws does not escape into the timer', async (t) => {
  const service = new TestService()
  const { camera } = cameraOf(service, {
    attach: (session) => {
      session.onclose = () => { throw new Error('recorder is gone') }
    },
  })
  await service.clock.advance(10)
  askingClient(service)
  let escaped = ''
  await service.clock.advance(61_000).catch((thrown: unknown) => { escaped = messageOf(thrown) })
  t.equal(camera.sessions.size, 0)
  t.equal(escaped, '', 'on Node the process ends here')
  camera.close()
})

test('viewer: closed by a listener of a phase, it makes no connection any more', async (t) => {
  const service = new TestService()
  const { camera } = cameraOf(service)
  await service.clock.advance(10)
  const { viewer, connections, ended } = viewerOf(service)
  viewer.on('phase', (phase) => {
    if (phase === 'setup') viewer.close()
  })
  viewer.start()
  await service.clock.advance(1000)
  t.equal(ended.length, 1)
  t.same(connections.map(({ connectionState }) => connectionState).filter((state) => state !== 'closed'), [], 'a connection that nobody closes')
  camera.close()
})

test('viewer: nothing is told after ended', async (t) => {
  const { viewer } = viewerOf(new TestService())
  const told: string[] = []
  viewer.on('signalingstatechange', () => { viewer.close() })
  viewer.on('signalingstatechange', (state) => void told.push(state))
  viewer.on('ended', () => void told.push('ended'))
  viewer.start()
  await Promise.resolve()
  t.equal(told[told.length - 1], 'ended', told.join())
})

test('viewer: closed by a listener of its first phase, start() does not throw', (t) => {
  const { viewer } = viewerOf(new TestService())
  viewer.on('phase', () => { viewer.close() })
  viewer.start()
  t.equal(viewer.client.connectionState, 'CLOSED')
})

test('viewer: an engine or an attach that throws ends it with that error', async (t) => {
  const fail = (): never => { throw new Error('not a STUN URL') }
  for (const options of [{ createPeerConnection: fail }, { attach: fail }]) {
    const service = new TestService()
    const { camera } = cameraOf(service)
    await service.clock.advance(10)
    const { viewer, ended } = viewerOf(service, options)
    viewer.start()
    await service.clock.advance(5000)
    t.same(ended.map(messageOf), ['not a STUN URL'], `${Object.keys(options)[0]}: it hangs`)
    viewer.close()
    camera.close()
  }
})

test('viewer: a connection that the engine closed ends it', async (t) => {
  const service = new TestService()
  const { camera } = cameraOf(service)
  await service.clock.advance(10)
  const { viewer, connections, ended } = viewerOf(service)
  viewer.start()
  await service.clock.advance(1000)
  // What a DTLS close of the other end makes of a connection of libdatachannel.
  connections[0].setPath('closed' as 'failed')
  await service.clock.advance(10_000)
  t.equal(ended.length, 1)
  viewer.close()
  camera.close()
})

test('viewer: each state of the signaling is told once', async (t) => {
  const service = new TestService()
  const { viewer } = viewerOf(service)
  const states: string[] = []
  viewer.on('signalingstatechange', (state) => void states.push(state))
  viewer.start()
  await service.clock.advance(100)
  viewer.close()
  t.same(states, ['CONNECTING', 'CONNECTED', 'CLOSED'])
})

test('memory network: a message longer than the limit closes the socket with 1009, as on every host', async (t) => {
  const service = new TestService()
  const { client, states } = observedClient(service, { limits: { maxFrameBytes: 2048 } })
  client.start()
  await service.clock.advance(100)
  service.inject('client', JSON.stringify({ type: 'NEW', padding: 'x'.repeat(2048) }))
  await service.clock.advance(10)
  t.equal(states[2], 'WAIT_RETRY')
  client.close()
})

test('memory network: a socket closed on a half-open connection still reports that it is closed', async (t) => {
  const clock = createMemoryClock()
  const network = createMemoryNetwork({ clock })
  network.serve(ORIGIN, { request: () => ({ status: 200 }), socket: () => ({ text: () => undefined, closed: () => undefined }) })
  network.script = () => 'half-open'
  const { webSockets } = createMemoryHost({ clock, network })
  let closed = 0
  let openedAfterClose = 0
  const socket = webSockets.open('wss://service.test/', { opened: () => undefined, text: () => undefined, closed: () => { closed++ } })
  await clock.advance(10)
  socket.send('into the void')
  socket.close(1000, '')
  await clock.advance(60_000)
  t.equal(closed, 1)
  const early = webSockets.open('wss://service.test/', { opened: () => { openedAfterClose++ }, text: () => undefined, closed: () => undefined })
  early.close(1000, '')
  await clock.advance(100)
  t.equal(openedAfterClose, 0, 'opened() after close()')
})
