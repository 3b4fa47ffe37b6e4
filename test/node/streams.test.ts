// Streams over data channels between real engines: whole both ways, slow readers, ends, and what knows no windows.
import { createHash, randomBytes } from 'node:crypto'
import tap, { type Test } from 'tap'
import { type ByteStream, ChannelStream, openStream, type PeerConnection, STREAM_PROTOCOL, streamPort } from '../../lib/webrtc/index.ts'
import { createNodeHost, type EngineName, loadEngine } from '../../runtimes/node/index.ts'
import { negotiate } from './support/negotiating-pair.ts'

const engines = ['node-datachannel', 'werift'] as const
const { clock } = createNodeHost()

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function pair(t: Test, clientEngine: EngineName, deviceEngine: EngineName, serve: (stream: ByteStream) => void): Promise<PeerConnection> {
  const client = (await loadEngine(clientEngine, { loopbackOnly: true }))({ iceServers: [] })
  const device = (await loadEngine(deviceEngine, { loopbackOnly: true }))({ iceServers: [] })
  device.addEventListener('datachannel', ({ channel }) => {
    const port = streamPort(channel.label)
    if (port === undefined || port === 404) channel.close()
    else serve(new ChannelStream(channel, port, channel.protocol === STREAM_PROTOCOL, clock))
  })
  const negotiation = negotiate(client, device)
  t.teardown(() => negotiation.close())
  return client
}

async function hashed(stream: ByteStream): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of stream) {
    bytes += piece.length
    hash.update(piece)
  }
  return { bytes, hash: hash.digest('hex') }
}

for (const client of engines) {
  for (const device of engines) {
    // werift takes its time.
    const megabytes = client === 'werift' || device === 'werift' ? 1 : 16
    void tap.test(`${client} and ${device}: ${megabytes} MB up and down at once, each direction ended by itself`, { timeout: 120_000 }, async (t) => {
      const [up, down] = [randomBytes(megabytes << 20), randomBytes(megabytes << 20)]
      let atDevice: Promise<{ hash: string }> | undefined
      let sent: Promise<void> | undefined
      const connection = await pair(t, client, device, (stream) => {
        atDevice = hashed(stream)
        sent = stream.write(down).then(() => stream.end())
      })
      const stream = await openStream(connection, 5, clock)
      t.ok(stream.isExtended)
      const got = hashed(stream)
      await stream.write(up)
      await stream.end()
      t.equal((await got).hash, hashOf(down))
      t.equal((await atDevice)?.hash, hashOf(up))
      await sent
      t.equal(await stream.closed, undefined)
    })
  }
}

for (const engine of engines) {
  void tap.test(`${engine}: who does not read holds up the other end, and memory stays small`, { timeout: 60_000 }, async (t) => {
    let written = 0
    const served: ByteStream[] = []
    const connection = await pair(t, engine, engine, (stream) => {
      served.push(stream)
      void (async () => {
        for (; written < 64; written++) await stream.write(Buffer.alloc(1 << 20))
        await stream.end()
      })().catch(() => undefined)
    })
    const stream = await openStream(connection, 5, clock)
    await new Promise((resolve) => setTimeout(resolve, 700))
    t.ok(written <= 1, `${written} MB went to nobody`)
    t.ok(await stream.read())
    stream.abort()
    t.equal((await served[0].closed)?.code, 'ERR_STREAM_ABORTED')
  })

  void tap.test(`${engine}: refused, cut, and a peer that knows bytes alone`, { timeout: 60_000 }, async (t) => {
    const file = randomBytes(1 << 20)
    const connection = await pair(t, engine, engine, (stream) => {
      if (!stream.isExtended) void stream.write(file).then(() => stream.end())
    })
    await t.rejects(openStream(connection, 404, clock), { code: 'ERR_STREAM_REFUSED' })
    // The device's file to a client of the older kind: bytes, then the channel is closed.
    const channel = connection.createDataChannel('nabto-stream-7')
    const hash = createHash('sha256')
    let messages = 0
    channel.addEventListener('message', ({ data }) => {
      messages++
      hash.update(new Uint8Array(data as ArrayBuffer))
    })
    await new Promise<void>((resolve) => channel.addEventListener('close', () => resolve()))
    t.equal(hash.digest('hex'), hashOf(file), `whole, in ${messages} messages`)
    const stream = await openStream(connection, 8, clock)
    const reading = stream.read()
    connection.close()
    await t.rejects(reading, { code: 'ERR_STREAM_CUT' })
  })
}
