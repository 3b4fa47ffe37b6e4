import { createDeviceStreams, type DeviceStreams, type DeviceStreamsOptions } from '../../../lib/device/index.ts'
import type { ByteStream, DataChannel } from '../../../lib/webrtc/index.ts'
import { test } from '../../suite.ts'
import { administrator, type Client, type GuardedWorld, guardedWorld } from '../client/guarded-world.ts'

interface StreamWorld extends GuardedWorld { streams: DeviceStreams; served: ByteStream[] }

async function echo(stream: ByteStream): Promise<void> {
  for await (const bytes of stream) await stream.write(bytes)
  await stream.end()
}

/** A camera that echoes on port 7, keeps silent on 8, sends on 9, and fails on 10. */
async function streamWorld(options: Partial<DeviceStreamsOptions> = {}): Promise<StreamWorld> {
  const served: ByteStream[] = []
  const world = await guardedWorld({ attached: (session, connection) => { streams.attach(session.peerConnection, connection) } })
  const streams = createDeviceStreams({ iam: world.iam, host: world.service.host(), ...options })
  streams.listen({ port: 7, onStream: echo })
  streams.listen({ port: 8, onStream: (stream) => void served.push(stream) })
  streams.listen({
    port: 9,
    async onStream(stream) {
      await stream.write(new Uint8Array(3000))
      await stream.end()
    },
  })
  streams.listen({ port: 10, onStream: () => { throw new Error('no disk') } })
  return { ...world, streams, served }
}

/** As a client that knows nothing of the extension opens it. */
async function openPlainly({ service }: GuardedWorld, { viewer: { peerConnection } }: Client, label: string): Promise<{ channel: DataChannel; heard: unknown[] }> {
  if (peerConnection === undefined) throw new Error('there is no connection')
  const channel = peerConnection.createDataChannel(label)
  const heard: unknown[] = []
  channel.addEventListener('message', ({ data }) => void heard.push(typeof data === 'string' ? data : (data as ArrayBuffer).byteLength))
  await service.clock.advance(100)
  return { channel, heard }
}

test('an echo and a file, for whoever may', async (t) => {
  const world = await streamWorld()
  const client = await administrator(world)
  const stream = await world.during(client.openStream(7))
  t.ok(stream.isExtended)
  t.equal(stream.port, 7)
  await world.during(stream.write(Uint8Array.of(1, 2, 3)))
  t.same(await world.during(stream.read()), Uint8Array.of(1, 2, 3))
  await world.during(stream.end())
  t.equal(await world.during(stream.read()), undefined)
  t.equal(await world.during(stream.closed), undefined)
  const file = await world.during(client.openStream(9))
  let bytes = 0
  for (let piece = await world.during(file.read()); piece !== undefined; piece = await world.during(file.read())) bytes += piece.length
  t.equal(bytes, 3000)
  await world.during(file.end())
  await world.service.clock.advance(100)
  t.equal(world.streams.size, 0)
})

test('nobody listens, a stranger asks, a label is no label: the channel is closed', async (t) => {
  const world = await streamWorld()
  const stranger = await world.connect()
  await t.rejects(world.during(stranger.openStream(7)), 'ERR_STREAM_REFUSED')
  const client = await administrator(world)
  await t.rejects(world.during(client.openStream(6)), 'ERR_STREAM_REFUSED')
  await t.rejects(client.openStream(-1), 'RangeError')
  await t.rejects(client.openStream(4_294_967_296), 'RangeError')
  for (const label of ['stream-', 'nabto-stream-x', 'stream-6']) t.equal((await openPlainly(world, client, label)).channel.readyState, 'closed', label)
  t.equal((await world.during((await world.during(client.openStream(10))).closed))?.code, 'ERR_STREAM_ABORTED', 'whoever serves it fails')
  t.equal(world.streams.size, 0)
  t.throws(() => world.streams.listen({ port: 7, onStream: echo }), 'RangeError')
  t.throws(() => world.streams.listen({ port: 0.5, onStream: echo }), 'RangeError')
  const stop = world.streams.listen({ port: 0, onStream: echo })
  stop()
  world.streams.listen({ port: 0, onStream: echo })
})

test('clients that know nothing of half close: both labels, and the end by closing', async (t) => {
  const world = await streamWorld()
  const client = await administrator(world)
  for (const label of ['stream-9', 'nabto-stream-9']) {
    const { channel, heard } = await openPlainly(world, client, label)
    t.same(heard, [3000], 'no text')
    t.equal(channel.readyState, 'closed')
  }
  const { channel, heard } = await openPlainly(world, client, 'nabto-stream-7')
  channel.send(Uint8Array.of(1, 2))
  await world.service.clock.advance(100)
  t.same(heard, [2])
  channel.close()
  await world.service.clock.advance(100)
  t.equal(world.streams.size, 0)
})

test('whoever loses the right loses the stream at once, and does not get it back', async (t) => {
  const world = await streamWorld()
  const client = await administrator(world)
  const stream = await world.during(client.openStream(8))
  await world.iam.users.update('admin', { role: 'Unpaired' })
  await world.service.clock.advance(100)
  t.equal((await stream.closed)?.code, 'ERR_STREAM_ABORTED')
  t.equal((await world.served[0].closed)?.code, 'ERR_STREAM_ABORTED')
  await world.iam.users.update('admin', { role: 'Administrator' })
  await world.service.clock.advance(100)
  t.equal(world.streams.size, 0)
  t.ok((await world.during(client.openStream(8))).isExtended)
})

test('as many streams as there may be, and one more: of a session, of the device, of a port', async (t) => {
  const world = await streamWorld({ maxPerSession: 2, maxStreams: 3 })
  world.streams.listen({ port: 20, maxStreams: 1, onStream: () => undefined })
  const [one, other] = [await administrator(world), await administrator(world)]
  const first = await world.during(one.openStream(20))
  await t.rejects(world.during(other.openStream(20)), 'ERR_STREAM_REFUSED', 'of a port')
  await world.during(one.openStream(8))
  await t.rejects(world.during(one.openStream(8)), 'ERR_STREAM_REFUSED', 'of a session')
  await world.during(other.openStream(8))
  await t.rejects(world.during(other.openStream(8)), 'ERR_STREAM_REFUSED', 'of the device')
  t.equal(world.streams.size, 3)
  first.abort()
  await world.service.clock.advance(100)
  t.ok(await world.during(other.openStream(20)), 'there is room again')
})

test('the end of the session is the end of its streams', async (t) => {
  const world = await streamWorld()
  const client = await administrator(world)
  const stream = await world.during(client.openStream(8))
  client.close()
  await world.service.clock.advance(1000)
  t.equal((await stream.closed)?.code, 'ERR_STREAM_ABORTED')
  t.ok(await world.served[0].closed)
  await t.rejects(client.openStream(8), 'ERR_CLIENT_ENDED')
  t.equal(world.streams.size, 0)
})
