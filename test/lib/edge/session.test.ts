import { createEdgeClientSession, createEdgeDeviceSession, type EdgeDeviceSessionOptions } from '../../../lib/edge/index.ts'
import { PerfectNegotiation, TrackMetadata } from '../../../lib/webrtc/index.ts'
import { createMemoryHost, type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { settle, streamPair, type TestStream } from './support.ts'

type Json = Record<string, unknown>
const kinds = (stream: TestStream): unknown[] => stream.sent.map((text) => (JSON.parse(text) as Json).type)

interface Pair {
  client: TestStream
  device: TestStream
  clientPc: () => MemoryPeerConnection
  devicePc: () => MemoryPeerConnection
  deviceTracks: TrackMetadata
  clientTracks: () => TrackMetadata
  host: ReturnType<typeof createMemoryHost>
}

/** @param noTrickle - what the client asks for */
function pair({ noTrickle, attachClient, attachDevice, ...device }: {
  noTrickle?: boolean; attachClient?: (pc: MemoryPeerConnection) => void; attachDevice?: (pc: MemoryPeerConnection) => void
} & Partial<EdgeDeviceSessionOptions> = {}): Pair {
  const connections = new MemoryPeerConnections()
  const host = createMemoryHost()
  const streams = streamPair()
  let devicePc: MemoryPeerConnection | undefined
  let clientPc: MemoryPeerConnection | undefined
  let clientTracks: TrackMetadata | undefined
  const deviceTracks = new TrackMetadata('device')
  const deviceTransport = createEdgeDeviceSession(streams.device, {
    iceServers: () => Promise.resolve([{ urls: ['turn:t'], username: 'u', credential: 'c' }]), ...device,
  }, host)
  deviceTransport.on('setupdone', () => {
    devicePc = connections.create()
    new PerfectNegotiation(devicePc, deviceTransport).metadata = { take: (metadata) => { deviceTracks.take(metadata) }, outgoing: () => (deviceTracks.isEmpty ? undefined : deviceTracks.outgoing()) }
    attachDevice?.(devicePc)
  })
  createEdgeClientSession<MemoryPeerConnection>(streams.client, {
    noTrickle,
    createPeerConnection: () => (clientPc = connections.create()),
    attach(pc, tracks) {
      clientTracks = tracks
      if (attachClient === undefined) pc.createDataChannel('coap')
      else attachClient(pc)
    },
    failed: () => undefined,
  }, host)
  return {
    ...streams, deviceTracks, host,
    clientPc: () => clientPc as MemoryPeerConnection,
    devicePc: () => devicePc as MemoryPeerConnection,
    clientTracks: () => clientTracks as TrackMetadata,
  }
}

test('servers, offer, answer, candidates: connected', async (t) => {
  const { client, device, clientPc, devicePc } = pair()
  await settle()
  t.equal(clientPc().connectionState, 'connected')
  t.equal(devicePc().connectionState, 'connected')
  t.same(kinds(client), [3, 0, 2, 2])
  t.same(kinds(device), [4, 1, 2, 2])
  const [, offer, ice] = client.sent.map((text) => JSON.parse(text) as Json)
  t.same(offer.metadata, { tracks: [], status: 'OK' })
  t.equal((JSON.parse(String(offer.data)) as Json).type, 'offer')
  t.equal(ice.metadata, undefined)
  t.same(Object.keys(JSON.parse(String(ice.data)) as Json), ['candidate', 'sdpMid', 'usernameFragment'])
  const [servers, answer, deviceIce] = device.sent.map((text) => JSON.parse(text) as Json)
  t.same(servers, {
    type: 4, servers: [{ hostname: 'turn:t', port: 0, username: 'u', password: 'c' }], iceServers: [{ urls: ['turn:t'], username: 'u', credential: 'c' }],
  })
  t.same(answer.metadata, { tracks: [], status: 'OK' })
  t.same(Object.keys(JSON.parse(String(deviceIce.data)) as Json), ['candidate', 'sdpMid'])
  t.same(deviceIce.metadata, { tracks: [], status: 'OK' })
})

test('when both offer at once the client gives way, and both get what they want', async (t) => {
  const { client, device, clientPc, devicePc } = pair()
  await settle()
  clientPc().addLine('talk-back')
  devicePc().addLine('camera')
  await settle()
  for (const pc of [clientPc(), devicePc()]) {
    t.equal(pc.signalingState, 'stable')
    t.same([...pc.agreedLines].sort(), ['camera', 'data', 'talk-back'])
  }
  t.same(kinds(device).filter((type) => type === 0 || type === 1), [1, 0, 1], 'the device takes nothing back')
  t.same(kinds(client).filter((type) => type === 0 || type === 1), [0, 0, 1, 0], 'the client answers and offers again')
})

test('what the device adds goes out after its answer', async (t) => {
  const { device, clientPc } = pair({ attachDevice: (pc) => { pc.addLine('camera') } })
  await settle()
  t.same(kinds(device).filter((type) => type === 0 || type === 1), [1, 0])
  t.same(clientPc().agreedLines, ['data', 'camera'])
})

test('metadata: a device goes by the last, and an ignored offer leaves nothing behind', async (t) => {
  const { device, clientPc, devicePc, clientTracks, deviceTracks } = pair()
  await settle()
  clientTracks().name({ mid: '1' }, 'mic')
  clientPc().addLine('talk-back')
  await settle()
  t.same(deviceTracks.outgoing().tracks, [{ mid: '1', trackId: 'mic' }])
  deviceTracks.name({ mid: '1' }, 'mic', 'ACCESS_DENIED')
  clientTracks().name({ mid: '2' }, 'ignored')
  devicePc().addLine('camera')
  clientPc().addLine('more')
  const before = device.sent.length
  await settle()
  const offers = device.sent.slice(before).map((text) => JSON.parse(text) as Json).filter(({ type }) => type === 0)
  t.same(offers[0].metadata, { tracks: [{ mid: '1', trackId: 'mic', error: 'ACCESS_DENIED' }], status: 'FAILED' })
  t.same(clientTracks().find('1'), { mid: '1', trackId: 'mic', error: 'ACCESS_DENIED' })
})

test('without trickling there is one whole answer and no candidate, for the rest of the session', async (t) => {
  const { client, device, devicePc } = pair({ noTrickle: true })
  await settle()
  t.same(kinds(client), [3, 0])
  t.same((JSON.parse(client.sent[1]) as Json).metadata, { tracks: [], status: 'OK', noTrickle: true })
  t.same(kinds(device), [4, 1])
  t.equal(devicePc().iceGatheringState, 'complete')
  // Sticky: what the device makes later is whole too.
  devicePc().restartIce()
  await settle()
  t.same(kinds(device), [4, 1, 0])
})

test('a whole description waits for gathering, but not for ever', async (t) => {
  const { client, device, devicePc, host } = pair({ noTrickle: true, gatheringMs: 1000, attachClient: () => undefined })
  await settle()
  const connections = new MemoryPeerConnections()
  const offering = connections.create()
  offering.createDataChannel('coap')
  await offering.setLocalDescription()
  client.send(JSON.stringify({ type: 0, data: JSON.stringify(offering.localDescription), metadata: { noTrickle: true } }))
  // An engine that never says that it has done.
  for (let turn = 0; turn < 200 && devicePc() as unknown === undefined; turn++) await Promise.resolve()
  Object.defineProperty(devicePc(), 'iceGatheringState', { get: () => 'gathering', set: () => undefined })
  const dispatch = devicePc() as unknown as { dispatch: (name: string, event: unknown) => void }
  const original = dispatch.dispatch.bind(dispatch)
  dispatch.dispatch = (name, event) => {
    if (name !== 'icecandidate' || (event as { candidate: unknown }).candidate !== null) original(name, event)
  }
  await settle()
  t.same(kinds(device), [4])
  await host.clock.advance(999)
  t.same(kinds(device), [4])
  await host.clock.advance(1)
  await settle()
  t.same(kinds(device), [4, 1])
})

test('what a device drops, and lives on', async (t) => {
  const { client, device, devicePc } = pair({ attachClient: () => undefined })
  await settle()
  const candidate = JSON.stringify({ type: 2, data: JSON.stringify({ candidate: 'candidate:1 of u0.0', sdpMid: '0', usernameFragment: 'u0.0' }) })
  for (const text of ['', '{', '[]', '{"type":5}', '{"type":42}', '{"type":4,"iceServers":[]}', '{"type":20}', candidate, '{"type":1,"data":"{\\"type\\":\\"answer\\",\\"sdp\\":\\"\\"}"}']) {
    client.send(text)
  }
  await settle()
  t.equal(devicePc(), undefined, 'nothing was made for it')
  client.send('{"type":3}')
  await settle()
  t.same(kinds(device), [4, 4], 'servers as often as they are asked for')
  const connections = new MemoryPeerConnections()
  const offering = connections.create()
  offering.createDataChannel('coap')
  await offering.setLocalDescription()
  client.send(JSON.stringify({ type: 0, data: JSON.stringify(offering.localDescription) }))
  await settle()
  t.same(kinds(device).slice(0, 3), [4, 4, 1], 'an offer without metadata is answered')
  t.same(devicePc().remoteCandidates, [], 'candidates from before the offer are gone')
})

test('a service without servers, or one that says nothing, leaves the session without them', async (t) => {
  const failing = pair({ iceServers: () => Promise.reject(new Error('down')), attachClient: () => undefined })
  await settle()
  t.same(JSON.parse(failing.device.sent[0]), { type: 4, servers: [], iceServers: [] })
  const silent = pair({ iceServers: () => new Promise(() => undefined), iceServersMs: 100, attachClient: () => undefined })
  await settle()
  t.same(silent.device.sent, [])
  await silent.host.clock.advance(100)
  await settle()
  t.same(JSON.parse(silent.device.sent[0]), { type: 4, servers: [], iceServers: [] })
})

test('records that come faster than they are applied: the last that may wait, and one more', async (t) => {
  for (const [count, closed] of [[4, false], [5, true]] as const) {
    const { client } = pair({ iceServers: () => new Promise(() => undefined), maxWaiting: 4, attachClient: () => undefined })
    for (let sent = 1; sent < count; sent++) client.send('{"type":3}')
    await settle()
    t.equal(client.closed, closed)
  }
})

test('the end of the stream ends the connection', async (t) => {
  const { client, clientPc } = pair()
  await settle()
  client.close()
  t.equal(clientPc().connectionState, 'closed')
})
