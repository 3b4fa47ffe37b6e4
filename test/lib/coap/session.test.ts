import { decodeHex, decodeUtf8, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import {
  type CoapClient, type CoapClientLimits, type CoapMessage, type CoapResponse, type CoapRouter, type CoapSessionLimits, coapOptions,
  createCoapClient, createCoapRouter, createCoapSession, decodeCoapFrame, encodeCoapFrame, type MessagePipe,
} from '../../../lib/coap/index.ts'
import { createMemoryClock, type MemoryClock } from '../../../runtimes/memory/clock.ts'
import { createSeededRandom } from '../../../runtimes/memory/random.ts'
import { test } from '../../suite.ts'
import { createPipePair, type PipePair } from './pipes.ts'

interface World {
  clock: MemoryClock
  router: CoapRouter<string>
  client: CoapClient
  /** Opens a pipe between the two. */
  open: () => PipePair
  session: { attach(pipe: MessagePipe): void; close(): void }
}

function world(limits: { session?: CoapSessionLimits; client?: CoapClientLimits; maxMessageBytes?: number } = {}): World {
  const clock = createMemoryClock()
  const router = createCoapRouter<string>()
  const session = createCoapSession({ router, context: 'one', clock }, limits.session)
  const client = createCoapClient({ clock, random: createSeededRandom(1) }, limits.client)
  return {
    clock, router, client, session,
    open(): PipePair {
      const pair = createPipePair(limits.maxMessageBytes)
      session.attach(pair.far)
      client.attach(pair.near)
      return pair
    },
  }
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index * 7 + (index >> 8))
const text = ({ code, payload }: CoapResponse): string => `${code} ${decodeUtf8(payload ?? new Uint8Array(0))}`
const isFrame = (message: string | Uint8Array): message is Uint8Array => typeof message !== 'string'
const frames = (messages: (string | Uint8Array)[]): CoapMessage[] => messages.filter(isFrame).map((bytes) => decodeCoapFrame(bytes))

test('requests start as JSON and go compact once both ends have said so', async (t) => {
  const { router, client, open, clock } = world()
  router.on('PUT', '/a/{b}', (request) => ({ code: '2.04', contentFormat: request.contentFormat, payload: encodeUtf8(`${request.parameter('b')} ${decodeUtf8(request.payload)}`) }))
  const pair = open()
  t.equal(text(await client.request('PUT', '/a/first', { contentFormat: 60, payload: encodeUtf8('x') })), '2.04 first x')
  t.equal(text(await client.request('PUT', '/a/second', { contentFormat: 60, payload: encodeUtf8('y') })), '2.04 second y')
  t.same(pair.sent.map((message) => typeof message), ['object', 'string', 'object'])
  t.equal((await client.request('GET', '/nothing')).code, '4.04')
  t.equal(clock.pendingTimers(), 0)
})

test('a device that speaks JSON alone is asked in JSON', async (t) => {
  const { client, clock } = world()
  const pair = createPipePair()
  pair.far.onMessage = (message) => {
    if (typeof message !== 'string') return
    const { requestId } = JSON.parse(message) as { requestId: string }
    pair.far.send(JSON.stringify({ type: 1, requestId, statusCode: 205, contentType: 0, payload: [104, 105] }))
  }
  client.attach(pair.near)
  const query = t.rejects(client.request('GET', '/a', { query: ['b'] }), 'ERR_COAP_UNSUPPORTED')
  t.equal(text(await client.request('GET', '/a')), '2.05 hi')
  await clock.advance(2_000)
  await query
  t.equal(text(await client.request('GET', '/a')), '2.05 hi')
  await t.rejects(client.request('GET', '/a', { accept: 60 }), 'ERR_COAP_UNSUPPORTED', 'known by now')
})

test('large payloads go in blocks, both ways, whatever the pipe takes', async (t) => {
  for (const maxMessageBytes of [200, 1200, 2000, 65_536]) {
    const { router, client, open, clock } = world({ maxMessageBytes: maxMessageBytes < 1152 ? undefined : maxMessageBytes })
    router.on('POST', '/echo', (request) => ({ code: '2.04', contentFormat: 42, payload: request.payload }))
    open()
    await clock.advance(1)
    for (const length of [0, 1, 500, 1024, 1025, 4096, 5000, 65_536]) {
      const found = await client.request('POST', '/echo', { contentFormat: 42, payload: pattern(length) })
      t.equal(found.code, '2.04')
      t.equal(encodeHex(found.payload ?? new Uint8Array(0)), encodeHex(pattern(length)), `${length} bytes over ${maxMessageBytes}`)
    }
  }
})

test('whole payloads: the bound and one past it', async (t) => {
  const { router, client, open, clock } = world({ maxMessageBytes: 2000, session: { maxBodyBytes: 5000 }, client: { maxBodyBytes: 4000 } })
  router.on('POST', '/size', (request) => ({ code: '2.04', payload: encodeUtf8(String(request.payload.length)) }))
  router.on('GET', '/bytes/{count}', (request) => ({ code: '2.05', payload: new Uint8Array(Number(request.parameter('count'))) }))
  open()
  await clock.advance(1)
  t.equal(text(await client.request('POST', '/size', { payload: new Uint8Array(5000) })), '2.04 5000')
  t.equal((await client.request('POST', '/size', { payload: new Uint8Array(5001) })).code, '4.13')
  t.equal((await client.request('GET', '/bytes/4000')).payload?.length, 4000)
  await t.rejects(client.request('GET', '/bytes/4001'), 'ERR_COAP_TOO_LARGE')
  t.equal((await client.request('GET', '/bytes/5001')).code, '5.00', 'the device does not hand out what it would not keep')
})

test('a request is run once, whether it or its answer was lost with the pipe', async (t) => {
  for (const lost of ['request', 'answer'] as const) {
    for (const settled of [false, true]) {
      const { router, client, open, clock } = world()
      let runs = 0
      router.on('POST', '/count', () => ({ code: '2.04', payload: encodeUtf8(String(++runs)) }))
      const first = open()
      if (settled) await clock.advance(1)
      if (lost === 'request') first.lose()
      const answer = client.request('POST', '/count')
      await Promise.resolve()
      if (lost === 'answer') first.lose()
      await clock.advance(1)
      t.equal(runs, lost === 'request' ? 0 : 1)
      first.near.close()
      await clock.advance(1)
      open()
      t.equal(text(await answer), '2.04 1', `${lost} lost, compact ${settled}`)
      t.equal(runs, 1)
    }
  }
})

test('a request that still runs when it comes again is joined, not run again', async (t) => {
  const { router, client, open, clock } = world()
  const ends: (() => void)[] = []
  router.on('PUT', '/slow', () => new Promise((resolve) => { ends.push(() => { resolve({ code: '2.04' }) }) }))
  const pair = open()
  const answer = client.request('PUT', '/slow')
  await clock.advance(1)
  for (const next of [pair, open(), open()]) {
    next.near.close()
    await clock.advance(1)
  }
  open()
  await clock.advance(1)
  t.equal(ends.length, 1)
  ends[0]()
  t.equal((await answer).code, '2.04')
})

test('pipes that close at every moment: every request is run once and answered', async (t) => {
  const { router, client, open, clock } = world({ maxMessageBytes: 1200 })
  const seen = new Map<string, number>()
  router.on('POST', '/once/{name}', (request) => {
    const name = request.parameter('name')
    seen.set(name, (seen.get(name) ?? 0) + 1)
    return { code: '2.04', payload: request.payload }
  })
  const random = createSeededRandom(5)
  for (let round = 0; round < 60; round++) {
    let pair = open()
    const payload = pattern(round % 3 === 0 ? 3000 : 10)
    let answer: CoapResponse | undefined
    void client.request('POST', `/once/n${round}`, { payload }).then((response) => { answer = response })
    for (let turn = 0; turn < round % 15; turn++) await Promise.resolve()
    if (random.bytes(1)[0] % 2 === 0) pair.lose()
    for (let turn = 0; turn < round % 7; turn++) await Promise.resolve()
    pair.near.close()
    await clock.advance(1)
    pair = open()
    await clock.advanceUntil(() => answer !== undefined, 1000)
    t.equal(answer?.code, '2.04', `round ${round}`)
    t.equal(answer?.payload?.length, payload.length)
    t.equal(seen.get(`n${round}`), 1)
    pair.near.close()
    await clock.advance(1)
  }
})

test('what is remembered: the bound, and an answer that is dropped before its request', async (t) => {
  const { router, client, open, clock } = world({ session: { maxRemembered: 4, maxRememberedBytes: 1000 } })
  const runs: string[] = []
  router.on('POST', '/{name}', (request) => {
    runs.push(request.parameter('name'))
    return { code: '2.04', payload: new Uint8Array(800) }
  })
  const pair = open()
  await clock.advance(1)
  pair.lose()
  const first = client.request('POST', '/first')
  const second = client.request('POST', '/second')
  for (const frame of pair.sent.filter(isFrame).slice(-2)) pair.far.onMessage?.(frame)
  await clock.advance(1)
  pair.near.close()
  await clock.advance(1)
  open()
  t.equal(text(await first), '5.03 Done already; the answer is no longer kept')
  t.equal((await second).code, '2.04')
  t.same(runs, ['first', 'second'])
})

test('over one pipe a token that comes again is the next request', async (t) => {
  const { router, session, clock } = world()
  let runs = 0
  router.on('POST', '/count', () => ({ code: '2.04', payload: encodeUtf8(String(++runs)) }))
  const pair = createPipePair()
  session.attach(pair.far)
  const request = encodeCoapFrame({ code: '0.02', token: decodeHex('0102030405060708'), options: [{ number: 11, value: 'count' }], payload: new Uint8Array(0) })
  pair.near.send(request)
  await clock.advance(1)
  pair.near.send(request)
  await clock.advance(1)
  t.same(frames(pair.received).map(({ payload }) => decodeUtf8(payload)), ['', '1', '2'])
})

test('a watch tells each change, newest last, and goes on over the next pipe', async (t) => {
  const { router, client, open, clock } = world({ maxMessageBytes: 1200 })
  let state = 'one'
  const watchers = new Set<() => void>()
  router.on('GET', '/state', () => ({ code: '2.05', payload: encodeUtf8(state) }), {
    watch(request, changed): () => void {
      watchers.add(changed)
      return () => { watchers.delete(changed) }
    },
  })
  const change = async (next: string): Promise<void> => {
    state = next
    for (const changed of watchers) changed()
    await clock.advance(1)
  }
  const seen: string[] = []
  const pair = open()
  const observation = client.observe('/state', (response) => { seen.push(text(response)) }, (reason) => { seen.push(String(reason)) })
  await clock.advance(1)
  await change('two')
  await change('long '.repeat(500))
  await clock.advanceUntil(() => seen.length > 2)
  for (const changed of watchers) for (let turn = 0; turn < 5; turn++) changed()
  await clock.advance(1)
  t.same(seen.slice(0, 2), ['2.05 one', '2.05 two'])
  t.equal(seen[2], `2.05 ${'long '.repeat(500)}`)
  t.ok(seen.length <= 5, 'changes on top of each other make one')
  pair.near.close()
  await clock.advance(1)
  t.equal(watchers.size, 0)
  state = 'three'
  open()
  await clock.advance(1)
  t.equal(seen[seen.length - 1], '2.05 three')
  observation.cancel()
  await clock.advance(1)
  t.equal(watchers.size, 0)
  const before = seen.length
  await change('four')
  t.equal(seen.length, before)
})

test('a resource without a watch says so, an error ends one, and there are so many', async (t) => {
  const { router, client, open, clock } = world({ session: { maxObservations: 2 } })
  let there = true
  const watchers = new Set<() => void>()
  router.on('GET', '/plain', () => ({ code: '2.05' }))
  router.on('GET', '/w/{name}', () => ({ code: there ? '2.05' : '4.04' }), {
    watch(request, changed): () => void {
      watchers.add(changed)
      return () => { watchers.delete(changed) }
    },
  })
  open()
  await clock.advance(1)
  const seen: string[] = []
  for (const path of ['/plain', '/w/1', '/w/2', '/w/3', '/missing']) {
    client.observe(path, ({ code }) => { seen.push(`${path} ${code}`) }, (reason) => { seen.push(`${path} ${(reason as { code: string }).code}`) })
  }
  await clock.advance(1)
  t.same(seen.sort(), ['/missing 4.04', '/plain 2.05', '/plain ERR_COAP_NOT_OBSERVABLE', '/w/1 2.05', '/w/2 2.05', '/w/3 2.05', '/w/3 ERR_COAP_NOT_OBSERVABLE'])
  seen.length = 0
  there = false
  for (const changed of watchers) changed()
  await clock.advance(1)
  t.same(seen.sort(), ['/w/1 4.04', '/w/2 4.04'])
  t.equal(watchers.size, 0)
})

test('without an answer a request ends in time, with a clear reason', async (t) => {
  const { client, clock, open, router } = world({ session: { answerWithinMs: 1_000 }, client: { maxOutstanding: 2 } })
  const late = t.rejects(client.request('GET', '/x', { timeoutMs: 500 }), 'ERR_COAP_TIMEOUT', 'no pipe at all')
  await clock.advance(500)
  await late
  router.on('GET', '/never', () => new Promise(() => undefined))
  open()
  const never = client.request('GET', '/never')
  const other = t.rejects(client.request('GET', '/never', { timeoutMs: 900 }), 'ERR_COAP_TIMEOUT')
  await t.rejects(client.request('GET', '/never'), 'ERR_COAP_BUSY', 'one past the bound')
  await clock.advance(1_000)
  await other
  t.equal(text(await never), '5.03 No answer in time')
  const waiting = t.rejects(client.request('GET', '/never'), 'ERR_COAP_CLOSED')
  client.close()
  await waiting
  await t.rejects(client.request('GET', '/never'), 'ERR_COAP_CLOSED')
  await clock.advance(2_000)
  t.equal(clock.pendingTimers(), 0)
})

test('requests of one session that run: the bound and one past it', async (t) => {
  const { router, client, open, clock } = world({ session: { maxRunning: 2 } })
  router.on('GET', '/never', () => new Promise(() => undefined))
  open()
  for (let turn = 0; turn < 2; turn++) void client.request('GET', '/never').catch(() => undefined)
  t.equal(text(await client.request('GET', '/never')), '5.03 Too many requests at once')
  client.close()
  await clock.advance(30_000)
})

test('options that the device does not understand', async (t) => {
  const { router, session, clock } = world()
  router.on('GET', '/a', () => ({ code: '2.05' }))
  const pair = createPipePair()
  session.attach(pair.far)
  const ask = async (option: { number: number; value: string | number | Uint8Array }): Promise<string> => {
    pair.near.send(encodeCoapFrame({ code: '0.01', token: decodeHex('01'), options: [{ number: 11, value: 'a' }, option], payload: new Uint8Array(0) }))
    await clock.advance(1)
    const [last] = frames(pair.received).slice(-1)
    return `${last.code} ${decodeUtf8(last.payload)}`
  }
  t.equal(await ask({ number: 2049, value: new Uint8Array(0) }), '4.02 Option 2049')
  t.equal(await ask({ number: 2048, value: new Uint8Array(0) }), '2.05 ')
  t.equal(await ask({ number: coapOptions.ifNoneMatch.number, value: new Uint8Array(0) }), '4.02 Option 5')
  t.equal(await ask({ number: coapOptions.proxyUri.number, value: 'coap://x' }), '5.05 ')
  t.equal(await ask({ number: coapOptions.uriHost.number, value: 'x' }), '2.05 ')
  t.equal(await ask({ number: coapOptions.block2.number, value: 7 }), '4.00 A block of a reserved size')
  t.equal(await ask({ number: coapOptions.block2.number, value: 16 }), '4.00 There is no such block')
})

test('an answer that cannot be written is a failure of its handler', async (t) => {
  const { router, client, open, clock } = world()
  router.on('GET', '/etag', () => ({ code: '2.05', etag: new Uint8Array(9) }))
  router.on('GET', '/format', () => ({ code: '2.05', contentFormat: 2 ** 24 }))
  open()
  await clock.advance(1)
  for (const path of ['/etag', '/format']) t.equal(text(await client.request('GET', path)), '5.00 Internal Server Error')
})

test('blocks out of order, and blocks of nothing', async (t) => {
  const { router, session, clock } = world()
  router.on('PUT', '/a', ({ payload }) => ({ code: '2.04', payload: encodeUtf8(String(payload.length)) }))
  const pair = createPipePair()
  session.attach(pair.far)
  const put = async (value: number, length: number): Promise<string> => {
    pair.near.send(encodeCoapFrame({ code: '0.03', token: decodeHex('01'), options: [{ number: 11, value: 'a' }, { number: 27, value }], payload: new Uint8Array(length) }))
    await clock.advance(1)
    const [last] = frames(pair.received).slice(-1)
    return `${last.code} ${decodeUtf8(last.payload)}`
  }
  const more = 8
  t.equal(await put(0 | more, 16), '2.31 ')
  t.equal(await put(16 | more, 16), '2.31 ')
  t.equal(await put(32, 3), '2.04 35')
  t.equal(await put(32, 3), '4.08 A block is missing: send all of them again')
  t.equal(await put(0 | more, 15), '4.00 A block that is not of its size')
  t.equal(await put(0, 17), '4.00 A block that is not of its size')
  t.equal(await put(0 | more, 16), '2.31 ')
  t.equal(await put(32 | more, 16), '4.08 A block is missing: send all of them again')
  t.equal(await put(0, 16), '2.04 16')
})

test('signals: ping, release, and bytes that are no message', async (t) => {
  for (const [hex, answers] of [['00e1', []], ['02e2abcd', ['7.03']], ['00e4', []], ['ff', ['7.05']], ['00e110', ['7.05']], ['0000', []], ['0045', []]] as const) {
    const { session, clock } = world()
    const pair = createPipePair()
    session.attach(pair.far)
    pair.near.send(decodeHex(hex))
    await clock.advance(1)
    t.same(frames(pair.received).map(({ code }) => code), ['7.01', ...answers], hex)
  }
})

test('requests in JSON are always answered', async (t) => {
  const { router, session, clock } = world()
  router.on('GET', '/large', () => ({ code: '2.05', payload: new Uint8Array(60_000).fill(200) }))
  router.on('GET', '/fails', () => { throw new Error('x') })
  const pair = createPipePair()
  session.attach(pair.far)
  const ask = async (change: object): Promise<{ statusCode?: number; payload?: number[]; error?: string }> => {
    pair.near.send(JSON.stringify({ type: 0, requestId: '1', method: 'GET', path: '/', ...change }))
    await clock.advance(1)
    return JSON.parse(pair.received[pair.received.length - 1] as string) as { statusCode?: number }
  }
  t.same(await ask({}), { type: 1, requestId: '1', statusCode: 404, contentType: 0, payload: [...encodeUtf8('Resource not found')] })
  t.equal((await ask({ path: '/fails' })).statusCode, 500)
  t.same(await ask({ path: '/large' }), { type: 1, requestId: '1', statusCode: 500, contentType: 0, payload: [...encodeUtf8('The answer is too large for this channel')] })
  t.equal((await ask({ method: 'get' })).error, 'Invalid method')
})

test('random text and bytes neither stop a session nor a client', async (t) => {
  const { router, session, client, clock, open } = world()
  router.on('GET', '/a', () => ({ code: '2.05' }))
  const random = createSeededRandom(9)
  for (let turn = 0; turn < 1500; turn++) {
    const pair = createPipePair()
    session.attach(pair.far)
    const bytes = random.bytes(1 + turn % 20)
    if (turn % 2 === 0) bytes[0] &= 3
    pair.far.onMessage?.(turn % 5 === 0 ? String.fromCharCode(...bytes) : bytes)
    pair.near.close()
    const back = createPipePair()
    client.attach(back.near)
    back.near.onMessage?.(turn % 5 === 0 ? String.fromCharCode(...bytes) : bytes)
    if (turn % 100 === 0) await clock.advance(1)
  }
  open()
  t.equal((await client.request('GET', '/a')).code, '2.05')
  client.close()
})
