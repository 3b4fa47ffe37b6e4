import { encodeHex } from '../../../lib/bytes/index.ts'
import { sha256 } from '../../../lib/crypto/sha256.ts'
import { type ByteStream, ChannelStream, type DataChannel, MAX_STREAM_MESSAGE_BYTES, type StreamError, type StreamOptions, streamPort } from '../../../lib/webrtc/index.ts'
import { decodeStreamFrame, maxMessageBytes } from '../../../lib/webrtc/stream-frames.ts'
import { createMemoryClock, createSeededRandom, type MemoryClock } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { channelPair, settle } from './channel-pair.ts'

interface Stranger { stream: ChannelStream; stranger: DataChannel; heard: unknown[]; clock: MemoryClock }

interface Pair { near: ChannelStream; far: ChannelStream; channels: [DataChannel, DataChannel]; clock: MemoryClock }

async function streamPair(options: StreamOptions = {}, farOptions: StreamOptions = options): Promise<Pair> {
  const channels = await channelPair('stream-1')
  const clock = createMemoryClock()
  const pair = { near: new ChannelStream(channels[0], 1, true, clock, options), far: new ChannelStream(channels[1], 1, true, clock, farOptions), channels, clock }
  await settle()
  return pair
}

/** A stream at one end, and at the other whatever a test says. */
async function toStranger(isExtended: boolean | undefined, options: StreamOptions = {}): Promise<Stranger> {
  const [channel, stranger] = await channelPair('stream-1')
  const heard: unknown[] = []
  stranger.addEventListener('message', ({ data }) => void heard.push(typeof data === 'string' ? data : [...new Uint8Array(data as ArrayBuffer)]))
  const clock = createMemoryClock()
  const stream = new ChannelStream(channel, 1, isExtended, clock, options)
  await settle()
  return { stream, stranger, heard, clock }
}

async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const codeOf = (error: StreamError | undefined): string | undefined => error?.code

test('ports are what stands behind the prefix', (t) => {
  for (const [label, port] of [
    ['stream-0', 0], ['stream-655', 655], ['nabto-stream-7', 7], ['stream-4294967295', 4_294_967_295], ['nabto-stream-4294967295', 4_294_967_295],
    ['stream-007', 7],
  ] as const) t.equal(streamPort(label), port)
  for (const label of ['stream-', 'stream-4294967296', 'stream--1', 'stream-1x', 'stream-1.5', 'nabto-stream-', 'stream-nabto-stream-1', 'stream- 1', 'stream-00000000001']) {
    t.ok(Number.isNaN(streamPort(label)), label)
  }
  for (const label of ['coap', 'nabto-coap', 'streams', 'Stream-1', 'x-stream-1', '']) t.equal(streamPort(label), undefined)
})

test('control frames, and what is none', (t) => {
  t.same(decodeStreamFrame('{"type":"window","upTo":7}'), { type: 'window', upTo: 7 })
  for (const type of ['eof', 'done', 'abort']) t.same(decodeStreamFrame(JSON.stringify({ type, more: 1 })), { type })
  for (const text of ['', '{', 'null', '[]', '7', '{}', '{"type":"other"}', '{"type":"window"}', '{"type":"window","upTo":-1}', '{"type":"window","upTo":1.5}',
    '{"type":"window","upTo":1e300}', '{"type":"window","upTo":"7"}', `{"type":"eof","x":"${'x'.repeat(128)}"}`]) t.equal(decodeStreamFrame(text), undefined, text)
})

test('no message is longer than the peer says it takes', async (t) => {
  for (const [sdp, bytes] of [['', 65_536], ['a=max-message-size:1000\r\n', 1000], ['m=x\r\na=max-message-size:0\r\n', Infinity], ['a=max-message-size:no', 65_536]] as const) {
    t.equal(maxMessageBytes(sdp), bytes)
  }
  const [channel, stranger] = await channelPair('stream-1')
  const lengths: number[] = []
  stranger.addEventListener('message', ({ data }) => void lengths.push((data as ArrayBuffer).byteLength))
  await new ChannelStream(channel, 1, false, createMemoryClock(), {}, 'a=max-message-size:1000\r\n').write(new Uint8Array(2001))
  await settle()
  t.same(lengths, [1000, 1000, 1])
})

test('both ends send at once, and each ends its own direction', async (t) => {
  const { near, far, channels } = await streamPair()
  const random = createSeededRandom(5)
  const [up, down] = [random.bytes(300_000), random.bytes(500_001)]
  const received = Promise.all([readAll(near), readAll(far)])
  await Promise.all([near.write(up), far.write(down)])
  await near.end()
  await settle()
  t.equal(channels[0].readyState, 'open', 'the other direction goes on')
  await far.write(Uint8Array.of(1, 2, 3))
  await far.end()
  const [atNear, atFar] = await received
  t.equal(encodeHex(sha256(atFar)), encodeHex(sha256(up)))
  t.equal(atNear.length, 500_004)
  t.equal(encodeHex(sha256(atNear.subarray(0, 500_001))), encodeHex(sha256(down)))
  t.equal(await near.closed, undefined)
  t.equal(await far.closed, undefined)
  t.equal(channels[0].readyState, 'closed')
  t.equal(await near.read(), undefined, 'the end stays the end')
  await t.rejects(near.write(new Uint8Array(1)), 'TypeError')
})

test('who reads slowly is not sent more than it has room for', async (t) => {
  const { near, far } = await streamPair({ maxUnreadBytes: 1000, chunkBytes: 300 })
  let written = 0
  const writing = near.write(new Uint8Array(5000)).then(() => { written = 5000 })
  await settle()
  t.equal(written, 0, 'nobody has read')
  let read = 0
  while (read < 5000) {
    const piece = await far.read()
    if (piece === undefined) break
    t.ok(piece.length <= 1000)
    read += piece.length
    await settle()
  }
  await writing
  t.equal(read, 5000)
  t.equal(await Promise.race([near.closed, Promise.resolve('open')]), 'open')
})

test('a peer that exceeds its window by one byte is cut off; one that fills it is not', async (t) => {
  for (const excess of [0, 1]) {
    const { stream, stranger, heard, clock } = await toStranger(true, { maxUnreadBytes: 100 })
    t.same(heard, ['{"type":"window","upTo":100}'])
    stranger.send(new Uint8Array(100 + excess))
    await settle()
    await clock.advance(5000)
    t.equal(stranger.readyState, excess === 0 ? 'open' : 'closed')
    if (excess === 0) t.equal((await stream.read())?.length, 100)
    else {
      t.equal(codeOf(await stream.closed), 'ERR_STREAM_OVERFLOW')
      await t.rejects(stream.read(), 'ERR_STREAM_OVERFLOW')
      t.equal(heard[heard.length - 1], '{"type":"abort"}')
    }
  }
})

test('a peer that knows no windows: bytes, and the end by closing the channel', async (t) => {
  const { stream, stranger, heard } = await toStranger(false, { maxUnreadBytes: 100 })
  t.same(heard, [], 'it is told nothing that it does not know')
  stranger.send('{"type":"abort"}')
  stranger.send(Uint8Array.of(1))
  stranger.send(Uint8Array.of(2, 3))
  stranger.send(new Uint8Array(0))
  await stream.write(Uint8Array.of(9))
  await settle()
  stranger.close()
  await settle()
  t.same(heard, [[9]])
  t.same(await stream.read(), Uint8Array.of(1, 2, 3))
  t.equal(await stream.read(), undefined)
  t.equal(await stream.closed, undefined)
  const other = await toStranger(false, { maxUnreadBytes: 100 })
  other.stranger.send(new Uint8Array(100))
  await settle()
  t.equal(other.stranger.readyState, 'open')
  other.stranger.send(new Uint8Array(1))
  await settle()
  t.equal(codeOf(await other.stream.closed), 'ERR_STREAM_OVERFLOW')
  const ending = await toStranger(false)
  await ending.stream.write(Uint8Array.of(7))
  await ending.stream.end()
  await settle()
  t.same(ending.heard, [[7]])
  t.equal(ending.stranger.readyState, 'closed')
})

test('abort tells the other end, and what was under way is void', async (t) => {
  const { near, far } = await streamPair({ maxUnreadBytes: 1000 })
  await near.write(new Uint8Array(500))
  const blocked = near.write(new Uint8Array(5000))
  await settle()
  near.abort()
  near.abort()
  await t.rejects(blocked, 'ERR_STREAM_ABORTED')
  await settle()
  t.equal(codeOf(await near.closed), 'ERR_STREAM_ABORTED')
  t.equal(codeOf(await far.closed), 'ERR_STREAM_ABORTED')
  await t.rejects(far.read(), 'ERR_STREAM_ABORTED')
  await t.rejects(far.write(new Uint8Array(1)), 'ERR_STREAM_ABORTED')
  await t.rejects(near.end(), 'ERR_STREAM_ABORTED')
})

test('whoever gives up leaves closing to the other end, which has read why, for five seconds', async (t) => {
  const { stream, stranger, heard, clock } = await toStranger(true)
  const closed: string[] = []
  stranger.addEventListener('close', () => closed.push('closed'))
  stream.abort()
  t.equal(codeOf(await stream.closed), 'ERR_STREAM_ABORTED', 'here it is over at once')
  stranger.send(new Uint8Array(1_000_000))
  stranger.send('{"type":"eof"}')
  await clock.advance(4999)
  t.equal(heard.length, 2, 'the window and the abort, and no answer')
  t.same(closed, [])
  await clock.advance(1)
  t.same(closed, ['closed'])

  const both = await streamPair()
  both.near.abort()
  both.far.abort()
  await settle()
  t.equal(both.channels[0].readyState, 'closed', 'both at once: nobody waits for the other')
  const other = await streamPair()
  other.near.abort()
  await settle()
  t.equal(other.channels[1].readyState, 'closed', 'a peer that has read it closes')
  t.equal(both.clock.pendingTimers() + other.clock.pendingTimers(), 0)
})

test('a read that waits hears of the end, of an abort and of a cut; one at a time', async (t) => {
  const ended = await streamPair()
  const last = ended.far.read()
  await t.rejects(ended.far.read(), 'TypeError')
  await ended.near.end()
  t.equal(await last, undefined)
  const aborted = await streamPair()
  const never = aborted.far.read()
  aborted.near.abort()
  await t.rejects(never, 'ERR_STREAM_ABORTED')
  const cut = await streamPair()
  await cut.near.write(Uint8Array.of(1))
  const lost = cut.near.read()
  cut.channels[0].close()
  await t.rejects(lost, 'ERR_STREAM_CUT')
  t.same(await cut.far.read(), Uint8Array.of(1), 'what had come can still be read')
  await t.rejects(cut.far.read(), 'ERR_STREAM_CUT')
})

test('what has no place in a stream ends it', async (t) => {
  const flood = Array.from({ length: 65 }, () => '{"type":"window","upTo":1}')
  for (const messages of [['no frame'], ['{"type":"newer"}'], [new Uint8Array(MAX_STREAM_MESSAGE_BYTES + 1)], ['{"type":"eof"}', Uint8Array.of(1)], flood]) {
    const { stream, stranger } = await toStranger(true)
    for (const message of messages) {
      if (typeof message === 'string') stranger.send(message)
      else stranger.send(message)
    }
    await settle()
    await settle()
    t.equal(codeOf(await stream.closed), 'ERR_STREAM_MALFORMED')
  }
  const { stream, stranger } = await toStranger(true, { maxUnreadBytes: MAX_STREAM_MESSAGE_BYTES })
  stranger.send(new Uint8Array(MAX_STREAM_MESSAGE_BYTES))
  for (const frame of flood.slice(1)) stranger.send(frame)
  await settle()
  t.equal((await stream.read())?.length, MAX_STREAM_MESSAGE_BYTES, 'the longest message, and the most frames')
  t.equal(stranger.readyState, 'open')
})

test('many small messages take no more memory than their bytes', async (t) => {
  const { stream, stranger } = await toStranger(true, { maxUnreadBytes: 10_000 })
  for (let n = 0; n < 10_000; n++) stranger.send(Uint8Array.of(n & 255))
  await settle()
  const first = await stream.read()
  t.equal(first?.length, 4096)
  t.ok(first?.every((byte, at) => byte === (at & 255)))
  let rest = 0
  while (rest < 10_000 - 4096) rest += (await stream.read())?.length ?? NaN
  t.equal(rest, 10_000 - 4096)
})

test('cut anywhere, both ends know, and none takes a part for the whole', async (t) => {
  const random = createSeededRandom(77)
  const draw = (below: number): number => {
    const [a, b] = random.bytes(2)
    return (a * 256 + b) % below
  }
  let complete = 0
  for (let round = 0; round < 80; round++) {
    const { near, far, channels } = await streamPair({ maxUnreadBytes: 64 + draw(400), chunkBytes: 1 + draw(100), maxUnsentBytes: 1 + draw(300) })
    const [up, down] = [random.bytes(draw(2000)), random.bytes(draw(2000))]
    const cutAfter = draw(4) === 0 ? Infinity : draw(200)
    const how = draw(3)
    const outcomes = Promise.all([[near, up, down], [far, down, up]].map(async ([stream, mine, theirs]) => {
      const [sent, got] = await Promise.allSettled([
        (async () => {
          await (stream as ChannelStream).write(mine as Uint8Array)
          await (stream as ChannelStream).end()
        })(),
        readAll(stream as ChannelStream),
      ])
      const closed = await (stream as ChannelStream).closed
      if (got.status === 'fulfilled') t.same(got.value, theirs, 'what came to its end is whole')
      return { sent: sent.status, got: got.status, closed }
    }))
    for (let turn = 0; turn < cutAfter && turn < 10_000; turn++) {
      if (channels[0].readyState === 'closed') break
      await Promise.resolve()
    }
    if (channels[0].readyState !== 'closed') {
      if (how === 0) channels[0].close()
      else if (how === 1) channels[1].close()
      else near.abort()
    }
    const [one, other] = await outcomes
    if (one.closed === undefined && other.closed === undefined) {
      complete++
      t.same([one.sent, one.got, other.sent, other.got], Array.from({ length: 4 }, () => 'fulfilled'))
    } else t.ok(one.closed !== undefined || other.closed !== undefined)
  }
  t.ok(complete >= 10 && complete <= 70, `${complete} of 80 came to their end`)
})
