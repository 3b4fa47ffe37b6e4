// Node's HTTP and WebSockets as the library sees them: bounds, failures, and no secrets in what is told about them.
import { createServer, type Server, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import tap, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import { createNodeHost } from '../../runtimes/node/index.ts'

const { http, webSockets, clock, random } = createNodeHost()

async function listening(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const serve = (t: Test, listener: RequestListener): Promise<number> => listening(t, createServer(listener))

async function codeOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  return promise.then(() => ({ code: 'none', message: '' }), (thrown: unknown) => thrown as { code: string; message: string })
}

void tap.test('any status is an answer; redirects are not followed', async (t) => {
  const port = await serve(t, (request, response) => {
    response.writeHead(request.url === '/moved' ? 302 : 418, { 'x-name': 'value', location: '/elsewhere' }).end(`${String(request.method)} ${String(request.headers['x-asked'])}`)
  })
  const answer = await http.request({ method: 'POST', url: `http://127.0.0.1:${port}/`, headers: { 'x-asked': 'yes' }, body: 'æ' })
  t.equal(answer.status, 418)
  t.equal(answer.header('x-name'), 'value')
  t.equal(answer.header('x-other'), undefined)
  t.equal(Buffer.from(answer.body).toString(), 'POST yes')
  t.equal((await http.request({ method: 'GET', url: `http://127.0.0.1:${port}/moved` })).status, 302)
})

void tap.test('a body at the bound, and one byte past it', async (t) => {
  const port = await serve(t, (request, response) => void response.end('x'.repeat(Number(request.url?.slice(1)))))
  const get = (bytes: number): Promise<{ body: Uint8Array }> => http.request({ method: 'GET', url: `http://127.0.0.1:${port}/${bytes}`, maxBodyBytes: 100_000 })
  t.equal((await get(100_000)).body.length, 100_000)
  t.equal((await codeOf(get(100_001))).code, 'ERR_HTTP_TOO_LARGE')
})

void tap.test('silence, refusal, nonsense: coded, and without what the request carried', async (t) => {
  const port = await serve(t, () => undefined)
  const url = `http://127.0.0.1:${port}/path?ticket=SECRET`
  const silent = await codeOf(http.request({ method: 'GET', url, timeoutMs: 100 }))
  const closedPort = await new Promise<number>((resolve) => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo
      server.close(() => { resolve(free) })
    })
  })
  const refused = await codeOf(http.request({ method: 'GET', url: `http://127.0.0.1:${closedPort}/?ticket=SECRET` }))
  const badHeader = await codeOf(http.request({ method: 'GET', url, headers: { authorization: 'Bearer tok\nSECRET' } }))
  const badUrl = await codeOf(http.request({ method: 'GET', url: 'no url SECRET' }))
  t.same([silent, refused, badHeader, badUrl].map(({ code }) => code), ['ERR_HTTP_TIMEOUT', 'ERR_HTTP_UNREACHABLE', 'ERR_HTTP_UNREACHABLE', 'ERR_HTTP_UNREACHABLE'])
  t.match(silent.message, `http://127.0.0.1:${port} did not answer within 100 ms`)
  t.match(refused.message, 'ECONNREFUSED')
  for (const { message } of [silent, refused, badHeader, badUrl]) t.notMatch(message, 'SECRET')
})

interface Seen {
  events: string[]
  closed: Promise<void>
}

function open(url: string, options?: { maxMessageBytes?: number }): Seen & { socket: ReturnType<typeof webSockets.open> } {
  const events: string[] = []
  let ended: () => void = () => undefined
  const closed = new Promise<void>((resolve) => { ended = resolve })
  const socket = webSockets.open(url, {
    opened: () => void events.push('opened'),
    text: (message) => void events.push(message.length > 20 ? `${message.length} characters` : message),
    closed: (code, reason) => {
      events.push(`closed ${code} ${reason}`)
      ended()
    },
  }, options)
  return { events, closed, socket }
}

void tap.test('a WebSocket that opens, talks and closes; binary messages are not delivered', async (t) => {
  const server = createServer()
  const port = await listening(t, server)
  new WebSocketServer({ server }).on('connection', (peer) => {
    peer.on('message', (data) => {
      peer.send(Buffer.from('binary'))
      peer.send(`re ${(data as Buffer).toString()}`)
      peer.close(4001, 'enough')
    })
  })
  const { events, closed, socket } = open(`ws://127.0.0.1:${port}/`)
  socket.send('too early')
  while (!events.includes('opened')) await new Promise((resolve) => setTimeout(resolve, 5))
  socket.send('hello')
  await closed
  t.same(events, ['opened', 're hello', 'closed 4001 enough'])
  socket.send('too late')
  t.equal(socket.bufferedBytes(), 0)
})

void tap.test('connection refused, upgrade refused, an address that is none: closed once, never opened', async (t) => {
  const port = await serve(t, (_request, response) => void response.writeHead(401).end())
  const free = createServer()
  const freePort = await listening(t, free)
  await new Promise((resolve) => free.close(resolve))
  for (const url of [`ws://127.0.0.1:${freePort}/?ticket=SECRET`, `ws://127.0.0.1:${port}/?ticket=SECRET`, 'wss://127.0.0.1:99999/SECRET', 'SECRET']) {
    const { events, closed } = open(url)
    t.same(events, [], 'nothing is told from inside the call')
    await closed
    t.equal(events.length, 1)
    t.match(events[0], 'closed 1006')
    t.notMatch(events[0], 'SECRET')
  }
})

void tap.test('a message at the bound, and one byte past it', async (t) => {
  const server = createServer()
  const port = await listening(t, server)
  new WebSocketServer({ server }).on('connection', (peer) => {
    peer.send('x'.repeat(1000))
    peer.send('x'.repeat(1001))
  })
  const { events, closed } = open(`ws://127.0.0.1:${port}/`, { maxMessageBytes: 1000 })
  await closed
  t.same(events.slice(0, 2), ['opened', '1000 characters'])
  t.equal(events.length, 3)
  t.match(events[2], 'closed')
})

void tap.test('a peer that answers nothing any more can be abandoned, and does not keep a closing socket for ever', async (t) => {
  const server = createServer()
  const port = await listening(t, server)
  new WebSocketServer({ server }).on('connection', (_peer, request) => { request.socket.pause() })
  for (const end of ['abandon', 'close'] as const) {
    const { events, closed, socket } = open(`ws://127.0.0.1:${port}/`)
    while (!events.includes('opened')) await new Promise((resolve) => setTimeout(resolve, 5))
    const startMs = clock.monotonicMs()
    if (end === 'abandon') socket.abandon()
    else socket.close(1000, 'bye')
    await closed
    t.equal(events.length, 2)
    t.ok(clock.monotonicMs() - startMs < 10_000, end)
  }
})

void tap.test('clock and randomness', async (t) => {
  const order: string[] = []
  const cancel = clock.after(1, () => void order.push('never'))
  cancel()
  clock.after(2 ** 40, () => void order.push('not at once'))()
  const startMs = clock.monotonicMs()
  await new Promise<void>((resolve) => void clock.after(20, resolve))
  t.ok(clock.monotonicMs() - startMs >= 19)
  t.same(order, [])
  t.ok(Math.abs(clock.nowMs() - Date.now()) < 1000)
  t.equal(random.bytes(32).length, 32)
  t.notSame(random.bytes(32), random.bytes(32))
})
