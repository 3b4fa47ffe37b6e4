import { sha1 as nobleSha1 } from '@noble/hashes/legacy.js'
import { concatBytes, encodeHex, encodeUtf8, equalBytes } from '../../../lib/bytes/index.ts'
import type { WebSocketConnection } from '../../../lib/runtime/index.ts'
import { createMemoryClock, createSeededRandom, type MemoryClock } from '../../../runtimes/memory/index.ts'
import { sha1 } from '../../../runtimes/quickjs/sha1.ts'
import { encodeClientFrame, encodeClose, FrameReader } from '../../../runtimes/quickjs/web-socket-frames.ts'
import { createStreamWebSockets } from '../../../runtimes/quickjs/web-sockets.ts'
import { test } from '../../suite.ts'
import { scriptedStreams, type ServerEnd, textOf } from './scripted-streams.ts'

/** A frame as a server sends it. */
function frame(first: number, payload: Uint8Array | string = ''): Uint8Array {
  const bytes = typeof payload === 'string' ? encodeUtf8(payload) : payload
  const { length } = bytes
  const header = length < 126 ? [first, length] : length < 65_536 ? [first, 126, length >> 8, length & 255] : [first, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]
  return concatBytes(Uint8Array.from(header), bytes)
}

/** What a client hears of these bytes, cut as told. */
function read(bytes: Uint8Array, cuts: number[] = [], max = 200_000): string[] {
  const heard: string[] = []
  const reader = new FrameReader(max, {
    text: (message) => heard.push(`text ${message.length > 50 ? message.length : message}`),
    ping: (payload) => heard.push(`ping ${textOf(payload)}`),
    close: (code, reason) => heard.push(`close ${code} ${reason}`),
  })
  try {
    for (const [at, from] of [0, ...cuts].entries()) reader.read(bytes.subarray(from, [...cuts, bytes.length][at]))
  } catch (thrown) {
    heard.push(`failed ${(thrown as { closeCode?: number }).closeCode ?? String(thrown)}`)
  }
  return heard
}

const conversation = concatBytes(
  frame(0x81, 'one'), frame(0x01, 'fr'), frame(0x89, 'now'), frame(0x00, 'agmen'), frame(0x80, 'ts æ'), frame(0x82, 'binary'), frame(0x8a, 'unasked'),
  frame(0x81, ''), frame(0x81, 'x'.repeat(125)), frame(0x81, 'y'.repeat(126)), frame(0x88, concatBytes(Uint8Array.of(3, 232), encodeUtf8('bye'))), frame(0x81, 'after the end'),
)
const heardOfIt = ['text one', 'ping now', 'text fragments æ', 'text ', 'text 125', 'text 126', 'close 1000 bye']

test('frames: a conversation, cut at every byte and at every two', (t) => {
  t.same(read(conversation), heardOfIt)
  for (let cut = 0; cut <= conversation.length; cut++) {
    const heard = read(conversation, [cut])
    if (heard.join() !== heardOfIt.join()) t.fail(`cut at ${cut}: ${heard.join()}`)
  }
  for (let first = 0; first < 80; first++) for (let second = first; second < 80; second++) {
    if (read(conversation, [first, second]).join() !== heardOfIt.join()) t.fail(`cut at ${first} and ${second}`)
  }
  t.same(read(conversation, Array.from({ length: conversation.length }, (_, at) => at)), heardOfIt, 'byte by byte')
  t.same(read(frame(0x81, 'z'.repeat(65_536))), ['text 65536'])
})

test('frames: what breaks the rules is told by the right code', (t) => {
  const cases: [string, Uint8Array, string][] = [
    ['a reserved bit (permessage-deflate)', frame(0xc1, 'a'), 'failed 1002'], ['another', frame(0xa1, 'a'), 'failed 1002'], ['the third', frame(0x91, 'a'), 'failed 1002'],
    ['an unknown kind', frame(0x83), 'failed 1002'], ['an unknown control', frame(0x8b), 'failed 1002'],
    ['masked', Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 65), 'failed 1002'],
    ['a control in fragments', frame(0x09), 'failed 1002'], ['a long control', frame(0x89, 'x'.repeat(126)), 'failed 1002'],
    ['a continuation of nothing', frame(0x80), 'failed 1002'], ['a message within another', concatBytes(frame(0x01, 'a'), frame(0x81, 'b')), 'failed 1002'],
    ['a length too long written, 16', Uint8Array.of(0x81, 126, 0, 125), 'failed 1002'], ['a length too long written, 64', Uint8Array.of(0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255), 'failed 1002'],
    ['an impossible length', Uint8Array.of(0x81, 127, 128, 0, 0, 0, 0, 0, 0, 0), 'failed 1002'], ['an enormous length', Uint8Array.of(0x81, 127, 127, 255, 255, 255, 255, 255, 255, 255), 'failed 1009'],
    ['no UTF-8', frame(0x81, Uint8Array.of(0xc3, 0x28)), 'failed 1007'], ['a surrogate', frame(0x81, Uint8Array.of(0xed, 0xa0, 0x80)), 'failed 1007'], ['cut UTF-8', frame(0x81, Uint8Array.of(0xe2, 0x82)), 'failed 1007'],
    ['a close of one byte', frame(0x88, Uint8Array.of(3)), 'failed 1002'], ['no UTF-8 in a reason', frame(0x88, Uint8Array.of(3, 232, 0xff)), 'failed 1007'],
    ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code): [string, Uint8Array, string] => [`close ${code}`, frame(0x88, Uint8Array.of(code >> 8, code & 255)), 'failed 1002']),
    ...[1000, 1003, 1007, 1014, 3000, 4999].map((code): [string, Uint8Array, string] => [`close ${code}`, frame(0x88, Uint8Array.of(code >> 8, code & 255)), `close ${code} `]),
    ['an empty close', frame(0x88), 'close 1005 '],
  ]
  for (const [name, bytes, wanted] of cases) {
    t.same(read(bytes), [wanted], name)
    t.same(read(bytes, [1]), [wanted], `${name}, cut`)
  }
  // UTF-8 may be cut between fragments, where it is not cut at the end.
  t.same(read(concatBytes(frame(0x01, Uint8Array.of(0xe2, 0x82)), frame(0x80, Uint8Array.of(0xac)))), ['text €'])
})

test('frames: the longest message, whole and in fragments, and one byte more', (t) => {
  t.same(read(frame(0x81, 'x'.repeat(200)), [], 200), ['text 200'])
  t.same(read(frame(0x81, 'x'.repeat(201)), [], 200), ['failed 1009'])
  t.same(read(concatBytes(frame(0x01, 'x'.repeat(150)), frame(0x80, 'x'.repeat(50))), [], 200), ['text 200'])
  t.same(read(concatBytes(frame(0x01, 'x'.repeat(150)), frame(0x80, 'x'.repeat(51)).subarray(0, 2)), [], 200), ['failed 1009'], 'told by the header')
  t.same(read(concatBytes(frame(0x02, 'x'.repeat(201)), frame(0x81, 'a')), [], 200), ['failed 1009'], 'binary messages count as well')
})

test('frames: what a client sends is masked with fresh bytes', (t) => {
  const random = createSeededRandom(1)
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    const payload = Uint8Array.from({ length }, (_, at) => at)
    const sent = encodeClientFrame(1, payload, random)
    const start = length < 126 ? 2 : length < 65_536 ? 4 : 10
    const mask = sent.subarray(start, start + 4)
    const unmasked = concatBytes(sent.subarray(0, start), sent.subarray(start + 4).map((byte, at) => byte ^ mask[at & 3]))
    unmasked[1] &= 0x7f
    t.ok(equalBytes(unmasked, frame(0x81, payload)), `length ${length}`)
    t.equal(sent[1] & 0x80, 0x80)
  }
  t.ok(textOf(encodeClientFrame(1, Uint8Array.of(1), random)) !== textOf(encodeClientFrame(1, Uint8Array.of(1), random)))
  t.equal(encodeClose(1000, 'x'.repeat(200)).length, 125)
  const cut = encodeClose(1000, '𝄞'.repeat(40))
  t.equal(cut.length, 2 + 30 * 4, 'no half of a character')
})

interface Opened {
  clock: MemoryClock
  socket: WebSocketConnection
  server: ServerEnd
  heard: string[]
}

/** Opens a socket whose server is up to the test. @param upgrade - undefined answers as a server should */
async function open(answerWith?: (accept: string) => string, url = 'ws://a.test/seat'): Promise<Opened> {
  const clock = createMemoryClock()
  const heard: string[] = []
  let server: ServerEnd | undefined
  const sockets = createStreamWebSockets({
    clock, random: { bytes: (length) => new Uint8Array(length) },
    streams: scriptedStreams(clock, (made) => {
      server = made
      made.open()
      // The key is that of 16 zero bytes.
      const answer = answerWith ?? ((accept) => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
      made.send(answer('ICX+Yqv66kxgM0FcWaLWlFLwTAI='))
    }),
  })
  const socket = sockets.open(url, {
    opened: () => heard.push('opened'), text: (message) => heard.push(message), closed: (code, reason) => heard.push(`closed ${code} ${reason}`),
  })
  await clock.advance(1)
  server ??= { address: { host: '', port: 0, tls: false }, received: [], dropped: true, buffered: 0, open: () => undefined, send: () => undefined, end: () => undefined }
  return { clock, socket, server, heard }
}

test('web sockets: the handshake is asked for and checked', async (t) => {
  const good = await open()
  t.same(good.heard, ['opened'])
  t.equal(textOf(good.server.received), 'GET /seat HTTP/1.1\r\nhost: a.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
  const head = (accept: string): string => `HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n`
  const bad: [string, (accept: string) => string][] = [
    ['another status', () => 'HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n'], ['a redirect', () => 'HTTP/1.1 301 x\r\nlocation: ws://b.test/\r\n\r\n'],
    ['another proof', () => `${head('AAAA')}\r\n`], ['no proof', () => 'HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
    ['an extension', (accept) => `${head(accept)}sec-websocket-extensions: permessage-deflate\r\n\r\n`], ['a protocol', (accept) => `${head(accept)}sec-websocket-protocol: x\r\n\r\n`],
    ['another upgrade', (accept) => `${head(accept).replace('websocket', 'h2c')}\r\n`], ['no connection', (accept) => `${head(accept).replace('connection: upgrade', 'connection: close')}\r\n`],
    ['no HTTP', () => 'SSH-2.0-x\r\n'],
  ]
  for (const [name, answer] of bad) {
    const { heard, server } = await open(answer)
    t.equal(heard.length, 1, name)
    t.ok(heard[0].startsWith('closed 1006 the answer is not as HTTP/1.1 has it'), `${name}: ${heard[0]}`)
    t.ok(server.dropped, name)
  }
  t.same((await open(undefined, 'http://a.test/secret')).heard, ['closed 1006 the address of the WebSocket is no URL'])
  const silent = await open(() => '')
  await silent.clock.advance(30_000)
  t.same(silent.heard, ['closed 1006 the WebSocket did not open in time'])
  const together = await open((accept) => `${head(accept)}\r\n${textOf(frame(0x81, 'at once'))}`)
  t.same(together.heard, ['opened', 'at once'])
})

test('web sockets: both ways of closing, and what does not answer', async (t) => {
  const byPeer = await open()
  byPeer.server.received.length = 0
  byPeer.server.send(frame(0x88, Uint8Array.of(0x0f, 0xa1, 104, 105)))
  t.same(byPeer.server.received.slice(6), [0x0f, 0xa1], 'its code is answered')
  byPeer.server.end()
  await byPeer.clock.advance(1)
  t.same(byPeer.heard, ['opened', 'closed 4001 hi'])

  const byUs = await open()
  byUs.socket.close(1000, 'done')
  byUs.socket.send('too late')
  byUs.server.send(frame(0x81, 'not heard'))
  byUs.server.send(frame(0x88, Uint8Array.of(3, 232)))
  await byUs.clock.advance(1)
  t.same(byUs.heard, ['opened', 'closed 1000 '])
  t.ok(byUs.server.dropped)

  const deaf = await open()
  deaf.socket.close(1000, '')
  await deaf.clock.advance(2_999)
  t.same(deaf.heard, ['opened'])
  await deaf.clock.advance(2)
  t.same(deaf.heard, ['opened', 'closed 1006 '])
  t.equal(deaf.clock.pendingTimers(), 0)

  const abandoned = await open()
  abandoned.socket.abandon()
  t.same(abandoned.heard, ['opened'], 'not from inside the call')
  abandoned.socket.abandon()
  abandoned.socket.close(1000, '')
  await abandoned.clock.advance(5_000)
  t.same(abandoned.heard, ['opened', 'closed 1006 '])

  const early = await open(() => '')
  early.socket.close(1000, '')
  await early.clock.advance(1)
  t.same(early.heard, ['closed 1006 closed before it was open'])

  const cut = await open()
  cut.server.end('the connection was cut')
  await cut.clock.advance(1)
  t.same(cut.heard, ['opened', 'closed 1006 the connection was cut'])
})

test('web sockets: a server that breaks the rules is told so, and left', async (t) => {
  const broken = await open()
  broken.server.received.length = 0
  broken.server.send(frame(0x81, Uint8Array.of(0xff)))
  broken.server.send(frame(0x81, 'not heard'))
  t.same(broken.server.received.slice(6, 8), [3, 0xef], '1007')
  await broken.clock.advance(3_001)
  t.same(broken.heard, ['opened', 'closed 1007 text that is not UTF-8'])
  t.ok(broken.server.dropped)
})

test('web sockets: pings are answered, but not hoarded', async (t) => {
  const { server } = await open()
  server.received.length = 0
  server.send(frame(0x89, 'abc'))
  t.same(server.received, [0x8a, 0x83, 0, 0, 0, 0, 97, 98, 99])
  server.buffered = 65_536
  server.send(frame(0x89, 'abc'))
  t.equal(server.received.length, 18)
  server.buffered = 65_537
  server.send(frame(0x89, 'abc'))
  t.equal(server.received.length, 18, 'not when it does not take them')
})

test('sha1: as RFC 3174 has it, and at every length around a block', (t) => {
  t.equal(encodeHex(sha1(encodeUtf8('abc'))), 'a9993e364706816aba3e25717850c26c9cd0d89d')
  t.equal(encodeHex(sha1(encodeUtf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))), '84983e441c3bd26ebaae4aa1f95129e5e54670f1')
  t.equal(encodeHex(sha1(encodeUtf8('01234567'.repeat(80)))), 'dea356a2cddd90c7a7ecedc5ebb563934f460452')
  t.equal(encodeHex(sha1(new Uint8Array(0))), 'da39a3ee5e6b4b0d3255bfef95601890afd80709')
  for (let length = 50; length < 130; length++) {
    const message = Uint8Array.from({ length }, (_, at) => at)
    t.equal(encodeHex(sha1(message)), encodeHex(nobleSha1(message)), `length ${length}`)
  }
})
