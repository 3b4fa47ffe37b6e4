// Another implementation asks ours: libcoap's client over UDP (RFC 7252) and over TCP (RFC 8323), on loopback.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { execFile, spawn } from 'node:child_process'
import tap, { type Test } from 'tap'
import {
  type CoapContent, type CoapObservation, createBlockServer, createCoapClient, createCoapRouter, createCoapSession, createCoapStreamReader, decodeCoapMessage, encodeCoapMessage, type MessagePipe,
  messageOfResponse, requestOfMessage, toCoapStream,
} from '../../lib/coap/index.ts'
import { decodeUtf8, encodeUtf8 } from '../../lib/bytes/index.ts'
import { createMemoryClock } from '../../runtimes/memory/clock.ts'
import { createSeededRandom } from '../../runtimes/memory/random.ts'
import { nodeClock } from '../../runtimes/node/host.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { freePort } from './support/free-port.ts'

const skip = skipWithout('coap-client-notls')
const long = 'A camera says a great deal. '.repeat(200)

function createRouter(): ReturnType<typeof createCoapRouter<string>> {
  const router = createCoapRouter<string>()
  router.on('GET', '/hello/{name}', (request) => ({ code: '2.05', contentFormat: 0, payload: encodeUtf8(`hello ${request.parameter('name')} by ${request.context}`) }))
  router.on('GET', '/long', () => ({ code: '2.05', contentFormat: 0, payload: encodeUtf8(long) }))
  router.on('PUT', '/size', (request) => ({ code: '2.04', payload: encodeUtf8(`${request.payload.length} bytes, ${decodeUtf8(request.payload) === long ? 'right' : 'wrong'}`) }))
  return router
}

/** Runs the client; resolves with what it prints. */
function ask(url: string, ...options: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('coap-client-notls', ['-B', '5', ...options, url], { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr)
      else reject(new Error(`${url}: ${stderr}`, { cause: error }))
    })
  })
}

async function check(t: Test, base: string, name: string): Promise<void> {
  t.match(await ask(`${base}/hello/alice`), `hello alice by ${name}`)
  t.ok((await ask(`${base}/long`)).includes(long), 'an answer in blocks')
  t.match(await ask(`${base}/size`, '-m', 'put', '-e', long), `${long.length} bytes, right`)
  t.match(await ask(`${base}/missing`), /4\.04/)
  t.match(await ask(`${base}/hello/alice`, '-O', '2049,0x01'), /4\.02/)
}

void tap.test('over UDP', { skip }, async (t) => {
  const router = createRouter()
  const socket = createSocket('udp4')
  const blocks = createBlockServer(async (content: CoapContent) => {
    const request = requestOfMessage(content)
    return messageOfResponse(request === undefined ? { code: '4.05' } : await router.handle(request, 'UDP'))
  })
  const answers = new Map<number, Promise<CoapContent>>()
  socket.on('message', (bytes, from) => {
    void (async () => {
      const message = decodeCoapMessage(new Uint8Array(bytes))
      if (message.type !== 'CON') return
      const { messageId, token, badOption } = message
      const answer = answers.get(messageId) ?? (badOption === undefined ? blocks.answer(message, 512) : Promise.resolve(messageOfResponse({ code: '4.02' })))
      answers.set(messageId, answer)
      socket.send(encodeCoapMessage({ ...await answer, type: 'ACK', messageId, token }), from.port, from.address)
    })()
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  await check(t, `coap://127.0.0.1:${socket.address().port}`, 'UDP')
})

function pipeOver(socket: Socket): MessagePipe {
  const reader = createCoapStreamReader()
  const pipe: MessagePipe = {
    onMessage: undefined,
    onClose: undefined,
    send(message): void {
      if (typeof message !== 'string') socket.write(toCoapStream(message))
    },
    close: () => void socket.end(),
  }
  socket.on('data', (chunk) => { for (const frame of reader.read(new Uint8Array(chunk))) pipe.onMessage?.(frame) })
  socket.on('close', () => pipe.onClose?.())
  socket.on('error', () => socket.destroy())
  return pipe
}

void tap.test('over TCP', { skip }, async (t) => {
  const router = createRouter()
  const clock = createMemoryClock()
  const server = createServer((socket) => { createCoapSession({ router, context: 'TCP', clock }).attach(pipeOver(socket)) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  await check(t, `coap+tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, 'TCP')
})

void tap.test('our client asks libcoap over TCP', { skip }, async (t) => {
  const port = await freePort()
  const child = spawn('coap-server-notls', ['-A', '127.0.0.1', '-p', String(port), '-d', '10'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const client = createCoapClient({ clock: nodeClock, random: createSeededRandom(1) })
  t.teardown(() => { client.close() })
  client.attach(pipeOver(await connectTo(port)))
  const times: string[] = []
  let observation: CoapObservation | undefined
  const seenTwice = new Promise<void>((resolve) => {
    observation = client.observe('/time', ({ payload }) => {
      times.push(decodeUtf8(payload ?? new Uint8Array(0)))
      if (times.length === 2) resolve()
    }, (reason) => { t.fail(String(reason)) })
  })
  t.equal((await client.request('PUT', '/dynamic', { contentFormat: 0, payload: encodeUtf8(long), query: ['a'] })).code, '2.01')
  const { code, payload } = await client.request('GET', '/dynamic', { query: ['a'] })
  t.equal(code, '2.05')
  t.equal(decodeUtf8(payload ?? new Uint8Array(0)), long)
  t.equal((await client.request('GET', '/missing', { accept: 0 })).code, '4.04')
  await seenTwice
  t.not(times[0], times[1])
  observation?.cancel()
})

async function connectTo(port: number): Promise<Socket> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return socket
    } catch (thrown) {
      if (attempt === 50) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
