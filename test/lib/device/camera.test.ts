// A camera and its viewers, whole but for the media: signaling, access, negotiation, and the end of sessions.
import { createViewer, type Viewer, type ViewerPhase } from '../../../lib/client/index.ts'
import { type Camera, type CameraOptions, createCamera } from '../../../lib/device/index.ts'
import type { SignalingError } from '../../../lib/signaling/index.ts'
import { type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { DEVICE_ID, ORIGIN, PRODUCT_ID, TestService } from '../support/test-service.ts'

interface World {
  service: TestService
  camera: Camera<MemoryPeerConnection>
  closedSessions: string[]
  view: (options?: { sharedSecret?: string; accessToken?: string }) => Viewed
}

interface Viewed {
  viewer: Viewer<MemoryPeerConnection>
  phases: ViewerPhase[]
  states: string[]
  ended: unknown[]
}

async function world(options: Partial<CameraOptions<MemoryPeerConnection>> = {}): Promise<World> {
  const service = new TestService()
  const connections = new MemoryPeerConnections()
  const closedSessions: string[] = []
  const at = { productId: PRODUCT_ID, deviceId: DEVICE_ID, endpointUrl: ORIGIN }
  const camera = createCamera<MemoryPeerConnection>({
    ...at,
    tokenGenerator: () => Promise.resolve('token'),
    access: { sharedSecret: 's3cret' },
    createPeerConnection: () => connections.create(),
    attach: (session) => {
      session.peerConnection.addLine('video')
      session.onclose = () => void closedSessions.push(session.channelId)
    },
    ...options,
  }, service.host())
  camera.start()
  await service.clock.advance(100)
  return {
    service, camera, closedSessions,
    view(given = { sharedSecret: 's3cret' }) {
      const viewer = createViewer<MemoryPeerConnection>({ ...at, createPeerConnection: () => connections.create(), attach: () => undefined, ...given }, service.host())
      const viewed: Viewed = { viewer, phases: [], states: [], ended: [] }
      viewer.on('phase', (phase) => void viewed.phases.push(phase))
      viewer.on('connectionstatechange', (state) => void viewed.states.push(state))
      viewer.on('ended', (error) => void viewed.ended.push(error))
      viewer.start()
      return viewed
    },
  }
}

test('from a click to a connection, phase by phase, for several viewers', async (t) => {
  const { service, camera, view } = await world()
  const viewed = [view(), view(), view()]
  await service.clock.advance(500)
  for (const { viewer, phases } of viewed) {
    t.same(phases, ['start', 'signaling', 'setup', 'offer', 'media'])
    t.equal(viewer.peerConnection?.connectionState, 'connected')
    t.same(viewer.peerConnection?.agreedLines, ['video'])
    viewer.frameSeen()
    viewer.frameSeen()
    t.equal(phases.length, 6)
  }
  t.equal(camera.sessions.size, 3)
})

test('a viewer that closes ends its session, and nobody else\'s', async (t) => {
  const { service, camera, view, closedSessions } = await world()
  const [one, two] = [view(), view()]
  await service.clock.advance(500)
  const [session] = [...camera.sessions]
  one.viewer.close()
  await service.clock.advance(500)
  t.same(one.ended, [undefined])
  t.equal(closedSessions.length, 1)
  t.equal(session.peerConnection.connectionState, 'closed')
  t.equal(two.viewer.peerConnection?.connectionState, 'connected')
  t.equal(camera.sessions.size, 1)
  camera.close()
  await service.clock.advance(500)
  t.equal((two.ended[0] as SignalingError).errorCode, 'CHANNEL_CLOSED')
  t.equal(closedSessions.length, 2)
  t.equal(service.network.openSockets(), 0)
  t.equal(service.clock.pendingTimers(), 0)
})

test('a wrong secret gets no session', async (t) => {
  const { service, camera, view } = await world()
  const viewed = view({ sharedSecret: 'wrong' })
  await service.clock.advance(500)
  t.equal((viewed.ended[0] as SignalingError).errorCode, 'VERIFICATION_ERROR')
  t.equal(camera.sessions.size, 0)
  t.ok(!viewed.phases.includes('setup'))
})

test('a camera that requires authorized clients serves those, and no others', async (t) => {
  const { service, camera, view } = await world({ access: { requireAuthorized: true } })
  const stranger = view({})
  await service.clock.advance(500)
  t.equal((stranger.ended[0] as SignalingError).errorCode, 'ACCESS_DENIED')
  service.authorized = true
  const known = view({ accessToken: 'token' })
  await service.clock.advance(500)
  t.equal(known.viewer.peerConnection?.connectionState, 'connected')
  t.equal([...camera.sessions][0].authorized, true)
})

test('never neither', async (t) => {
  await t.rejects(world({ access: {} as never }), 'TypeError')
  await t.rejects(world({ access: { sharedSecret: '' } }), 'TypeError')
  await t.rejects(world({ access: { requireAuthorized: false } as never }), 'TypeError')
})

test('viewers at a time: at the bound, one more is told so, and a place becomes free again', async (t) => {
  const { service, view } = await world({ maxSessions: 2 })
  const first = view()
  const second = view()
  await service.clock.advance(500)
  const third = view()
  await service.clock.advance(500)
  t.equal((third.ended[0] as SignalingError).errorCode, 'NO_MORE_CHANNELS')
  t.equal(second.viewer.peerConnection?.connectionState, 'connected')
  first.viewer.close()
  await service.clock.advance(500)
  const fourth = view()
  await service.clock.advance(500)
  t.equal(fourth.viewer.peerConnection?.connectionState, 'connected')
})

test('strangers who prove nothing cannot keep a viewer out', async (t) => {
  const { service, camera, view } = await world({ maxPending: 2, setupTimeoutMs: 5000, access: { sharedSecret: (keyId) => (keyId === undefined ? Promise.resolve('s3cret') : new Promise(() => undefined)) } })
  const strangers = Array.from({ length: 4 }, () => service.simulateClient())
  const silent = { type: 'JWT', jwt: 'eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.e30.AA' }
  for (const stranger of strangers.slice(0, 2)) stranger.send(silent)
  await service.clock.advance(100)
  t.same(strangers.map(({ errors }) => errors.length), [0, 0, 0, 0], 'at the bound')
  for (const stranger of strangers.slice(2)) stranger.send(silent)
  await service.clock.advance(100)
  t.same(strangers.map(({ errors }) => errors.length), [1, 1, 0, 0], 'one past it: the oldest goes')
  const viewed = view()
  await service.clock.advance(500)
  t.equal(viewed.viewer.peerConnection?.connectionState, 'connected')
  await service.clock.advance(5000)
  t.same(strangers.map(({ errors }) => errors.length), [1, 1, 1, 1], 'and the rest when their time is up')
  t.equal(camera.sessions.size, 1)
})

test('a session without a media connection ends by itself', async (t) => {
  const { service, camera, view, closedSessions } = await world({ connectionTimeoutMs: 5000, attach: (session) => { session.onclose = () => void closedSessions.push('closed') } })
  const viewed = view()
  await service.clock.advance(4000)
  t.equal(camera.sessions.size, 1)
  await service.clock.advance(2000)
  t.equal(camera.sessions.size, 0)
  t.equal((viewed.ended[0] as SignalingError).errorCode, 'CHANNEL_CLOSED')
  t.same(closedSessions, ['closed'])
})

test('what attach throws ends that session', async (t) => {
  let calls = 0
  const { service, camera, view } = await world({ attach: () => { if (++calls === 1) throw new Error('no encoder') } })
  const viewed = view()
  await service.clock.advance(500)
  t.equal((viewed.ended[0] as SignalingError).errorCode, 'INTERNAL_ERROR')
  t.ok(!String(viewed.ended[0]).includes('encoder'))
  t.equal(camera.sessions.size, 0)
  view()
  await service.clock.advance(500)
  t.equal(camera.sessions.size, 1)
})

test('an engine that cannot make a connection ends that session', async (t) => {
  const { service, camera, view } = await world({ createPeerConnection: () => { throw new Error('no such ICE server') } })
  const viewed = view()
  await service.clock.advance(500)
  t.equal((viewed.ended[0] as SignalingError).errorCode, 'INTERNAL_ERROR')
  camera.close()
  await service.clock.advance(500)
  t.equal(service.clock.pendingTimers(), 0)
})

test('media lives on while signaling is cut, on either side', async (t) => {
  const { service, camera, view } = await world()
  const viewed = view()
  await service.clock.advance(500)
  const before = viewed.viewer.peerConnection
  for (const side of ['client', 'device'] as const) {
    service.closeSocket(side)
    await service.clock.advance(5000)
    t.equal(viewed.viewer.client.connectionState, 'CONNECTED')
    t.equal(camera.device.connectionState, 'CONNECTED')
    t.equal(viewed.viewer.peerConnection?.connectionState, 'connected')
  }
  t.same(viewed.ended, [])
  t.ok(viewed.viewer.peerConnection === before)
})

test('a viewer whose signaling is gone for good keeps its picture until the path breaks', async (t) => {
  const { service, view } = await world()
  const viewed = view()
  await service.clock.advance(500)
  service.refuseSockets = true
  service.closeSocket('client')
  await service.clock.advance(400_000)
  t.equal(viewed.viewer.client.connectionState, 'FAILED')
  t.same(viewed.ended, [])
  t.equal(viewed.viewer.peerConnection?.connectionState, 'connected')
  viewed.viewer.peerConnection?.setPath('failed')
  await service.clock.advance(100)
  t.equal((viewed.ended[0] as { code: string }).code, 'ERR_SIGNALING_CONNECTION')
})

test('a guarded camera takes clients that sign nothing, and still holds the others to their secret', async (t) => {
  const keyIds: (string | undefined)[] = []
  const { service, camera, view } = await world({
    access: { guarded: true, sharedSecret: 's3cret' },
    attach: ({ keyId }) => void keyIds.push(keyId),
  })
  view({})
  view({ sharedSecret: 's3cret' })
  const wrong = view({ sharedSecret: 'another' })
  await service.clock.advance(500)
  t.equal(camera.sessions.size, 2)
  t.same(keyIds, [undefined, 'default'])
  t.equal((wrong.ended[0] as SignalingError).errorCode, 'VERIFICATION_ERROR')
})

test('without a guard nobody gets in unsigned', async (t) => {
  const { service, camera, view } = await world()
  const stranger = view({})
  await service.clock.advance(500)
  t.equal(camera.sessions.size, 0)
  t.equal((stranger.ended[0] as SignalingError).errorCode, 'VERIFICATION_ERROR')
})

test('when all places are taken the oldest stranger makes room, a known viewer never', async (t) => {
  const strangers = new Set<string>()
  const { service, camera, view, closedSessions } = await world({
    access: { guarded: true }, maxSessions: 2,
    attach: (session) => {
      session.onclose = () => void closedSessions.push(session.channelId)
      strangers.add(session.channelId)
      session.isStranger = () => strangers.has(session.channelId)
    },
  })
  view({})
  await service.clock.advance(500)
  view({})
  await service.clock.advance(500)
  const [first, second] = [...camera.sessions].map(({ channelId }) => channelId)
  strangers.delete(first)
  view({})
  await service.clock.advance(500)
  t.same(closedSessions, [second])
  strangers.clear()
  const late = view({})
  await service.clock.advance(500)
  t.equal((late.ended[0] as SignalingError).errorCode, 'NO_MORE_CHANNELS')
  t.equal(camera.sessions.size, 2)
})
