import type { CameraOptions } from '../../../lib/device/index.ts'
import { addEdgeInfoEndpoint, createEdgeClientSession, createEdgeDialect, type EdgeStream } from '../../../lib/edge/index.ts'
import type { Iam } from '../../../lib/iam/index.ts'
import type { JSONValue } from '../../../lib/signaling/index.ts'
import { createMemoryHost, createSeededRandom, type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { type GuardedWorld, guardedWorld, SECRETS } from '../client/guarded-world.ts'
import { type SimulatedPeer } from '../support/simulated-peer.ts'

const OPEN = { type: 'EDGE', version: 1 }

/** A camera that speaks the dialect too. `iam` is known only when the world is there. */
async function edgeWorld(connections = new MemoryPeerConnections(), camera: Partial<CameraOptions<MemoryPeerConnection>> = {}): Promise<GuardedWorld> {
  const late: { iam?: Iam } = {}
  const world = await guardedWorld({
    connections,
    camera: {
      access: { guarded: true, sharedSecret: (keyId = 'default') => Promise.resolve(SECRETS[keyId] ?? '') },
      dialects: [(device, channel, first) => createEdgeDialect({ iam: late.iam as Iam })(device, channel, first)],
      ...camera,
    },
  })
  late.iam = world.iam
  return world
}

/** A client's end of a channel as an Edge stream, made by hand. */
function streamOver(peer: SimulatedPeer): EdgeStream {
  return {
    send: (record) => { peer.send({ type: 'EDGE', record }) },
    close: () => { peer.sendError('CHANNEL_CLOSED') },
    onRecord: undefined,
    onClose: undefined,
  }
}

test('a channel that begins as an Edge stream gets a session, beside those of the other dialect', async (t) => {
  const connections = new MemoryPeerConnections()
  const world = await edgeWorld(connections)
  const { service, camera } = world
  const peer = service.simulateClient()
  peer.send(OPEN)
  await service.clock.advance(100)
  t.same(peer.messages, [OPEN])
  t.equal(camera.sessions.size, 0, 'a client that only looks costs no connection')

  const stream = streamOver(peer)
  let clientPc: MemoryPeerConnection | undefined
  createEdgeClientSession<MemoryPeerConnection>(stream, {
    createPeerConnection: () => (clientPc = connections.create()),
    attach: (pc) => { pc.createDataChannel('coap') },
    failed: () => undefined,
  }, createMemoryHost({ clock: service.clock }))
  const pump = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) {
      await service.clock.advance(20)
      for (const message of peer.messages.splice(0)) {
        const { record } = message as { record?: string }
        if (record !== undefined) await stream.onRecord?.(record)
      }
    }
  }
  await pump()
  t.equal(clientPc?.connectionState, 'connected')
  t.equal(camera.sessions.size, 1)
  const [session] = camera.sessions
  t.equal(session.authorized, false)
  t.equal(session.keyId, undefined)
  t.ok(session.isStranger(), 'the guard knows it')
  t.equal(world.showing.size, 0)

  const other = await world.connect()
  t.equal(camera.sessions.size, 2)
  other.close()
  peer.sendError('CHANNEL_CLOSED')
  await service.clock.advance(1000)
  t.equal(camera.sessions.size, 0)
  t.equal(session.peerConnection.connectionState, 'closed')
})

test('who may not signal is refused, and so is what is no Edge stream', async (t) => {
  const world = await edgeWorld()
  const { service, iam } = world
  const answers = async (first: JSONValue): Promise<unknown[]> => {
    const peer = service.simulateClient()
    peer.send(first)
    await service.clock.advance(100)
    return [peer.messages.length, ...peer.errors.map(({ code }) => code)]
  }
  t.same(await answers(OPEN), [1])
  t.same(await answers({ type: 'EDGE', version: 2 }), [0, 'DECODE_ERROR'])
  t.same(await answers({ type: 'EDGE', record: '{"type":3}' }), [0, 'DECODE_ERROR'])
  const peer = service.simulateClient()
  peer.send(OPEN)
  peer.send({ type: 'NONE', message: {} })
  await service.clock.advance(100)
  t.same(peer.errors.map(({ code }) => code), ['DECODE_ERROR'])

  const { audit } = iam
  t.ok(audit.events().some(({ action, outcome }) => action === 'Webrtc:Signaling' && outcome === 'allowed'))
  const strict = await guardedWorld({ camera: { access: { guarded: true }, dialects: [createEdgeDialect({ iam: { begin: () => undefined, end: () => undefined, check: () => false } as unknown as Iam })] } })
  const refused = strict.service.simulateClient()
  refused.send(OPEN)
  await strict.service.clock.advance(100)
  t.same(refused.errors.map(({ code }) => code), ['ACCESS_DENIED'])
})

test('a stream on which nothing is offered ends in time', async (t) => {
  const world = await edgeWorld(undefined, { setupTimeoutMs: 5000 })
  const peer = world.service.simulateClient()
  peer.send(OPEN)
  peer.send({ type: 'EDGE', record: '{"type":3}' })
  await world.service.clock.advance(4000)
  t.same(peer.errors, [])
  t.equal(peer.messages.length, 2, 'accepted, and the servers')
  await world.service.clock.advance(1500)
  t.same(peer.errors.map(({ code }) => code), ['CHANNEL_CLOSED'])
})

test('another dialect without a guard is a mistake', async (t) => {
  await t.rejects(guardedWorld({ camera: { dialects: [() => undefined] } }), 'TypeError')
})

test('where signaling streams go', async (t) => {
  const world = await edgeWorld()
  const port = addEdgeInfoEndpoint(world.router, world.iam, createSeededRandom(5))
  t.ok(port >= 0x80000000 && port <= 0xffffffff)
  const client = await world.connect()
  const { code, contentFormat, payload } = await world.during(client.coap('GET', '/p2p/webrtc-info'))
  t.same([code, contentFormat, String.fromCharCode(...payload ?? [])], ['2.05', 50, `{"SignalingStreamPort":${port}}`])
  t.throws(() => addEdgeInfoEndpoint(world.router, world.iam, createSeededRandom(5)), 'RangeError')
  client.close()
})
