// The browser as a host, in a real browser: what lib/runtime promises, and its limits.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSync } from 'esbuild'
import type { Page } from 'playwright-core'
import tap, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import type { createBrowserHost } from '../../runtimes/browser/host.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium } from './support/chromium.ts'

tap.setTimeout(60_000)

type HostModule = { createBrowserHost: typeof createBrowserHost }

async function openPage(t: Test): Promise<{ page: Page; origin: string }> {
  const { outputFiles } = buildSync({ entryPoints: ['runtimes/browser/index.ts'], bundle: true, format: 'esm', write: false, logLevel: 'silent' })
  const server = createServer((request, response) => {
    if (request.url === '/host.js') response.setHeader('content-type', 'text/javascript').end(outputFiles[0].text)
    else if (request.url === '/echo') request.pipe(response.setHeader('x-method', String(request.method)))
    else if (request.url === '/moved') response.writeHead(302, { location: '/echo' }).end()
    else if (request.url === '/bytes/1000') response.end('x'.repeat(1000))
    else if (request.url === '/bytes/1001') response.end('x'.repeat(1001))
    else if (request.url !== '/silent') response.setHeader('content-type', 'text/html').end('<!doctype html>')
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      const text = Buffer.isBuffer(data) ? data.toString() : ''
      if (text === 'close') socket.close(4001, 'as asked')
      else if (text.startsWith('send ')) socket.send('é'.repeat(Number(text.slice(5))))
      else if (text === 'binary') socket.send(Buffer.from([1, 2, 3]))
      else socket.send(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await page.goto(origin)
  return { page, origin }
}

void tap.test('HTTP, WebSocket, clock and randomness of a browser', { skip: skipWithout('chromium') }, async (t) => {
  const { page } = await openPage(t)

  const http = await page.evaluate(async (path) => {
    const { createBrowserHost } = (await import(path)) as HostModule
    const host = createBrowserHost()
    const codeOf = (request: Parameters<typeof host.http.request>[0]): Promise<unknown> => host.http.request(request).then(({ status }) => status, (error: unknown) => (error as { code: unknown }).code)
    const echoed = await host.http.request({ method: 'POST', url: '/echo', body: new Uint8Array([104, 105]), headers: { 'content-type': 'text/plain' } })
    return {
      echo: [echoed.status, echoed.header('x-method'), echoed.header('no-such'), [...echoed.body]],
      atLimit: await codeOf({ method: 'GET', url: '/bytes/1000', maxBodyBytes: 1000 }),
      pastLimit: await codeOf({ method: 'GET', url: '/bytes/1001', maxBodyBytes: 1000 }),
      timeout: await codeOf({ method: 'GET', url: '/silent', timeoutMs: 200 }),
      unreachable: await codeOf({ method: 'GET', url: 'http://127.0.0.1:1/' }),
      redirect: await codeOf({ method: 'GET', url: '/moved' }),
    }
  }, '/host.js')
  t.strictSame(http, {
    echo: [200, 'POST', undefined, [104, 105]],
    atLimit: 200,
    pastLimit: 'ERR_HTTP_TOO_LARGE',
    timeout: 'ERR_HTTP_TIMEOUT',
    unreachable: 'ERR_HTTP_UNREACHABLE',
    redirect: 'ERR_HTTP_UNREACHABLE',
  })

  const sockets = await page.evaluate(async (path) => {
    const { createBrowserHost } = (await import(path)) as HostModule
    const { webSockets } = createBrowserHost()
    const url = location.origin.replace('http', 'ws')
    const run = (messages: string[], act: 'nothing' | 'abandon' | 'close' = 'nothing', address = url): Promise<unknown[]> => new Promise((resolve) => {
      const seen: unknown[] = []
      const socket = webSockets.open(address, {
        opened() {
          seen.push('opened')
          for (const message of messages) socket.send(message)
          if (act === 'abandon') socket.abandon()
          if (act === 'close') socket.close(1000, 'done')
          seen.push('acted')
        },
        text: (message) => seen.push(message.length > 20 ? message.length : message),
        closed(code) {
          seen.push(code)
          setTimeout(() => { resolve(seen) }, 100)
        },
      }, { maxMessageBytes: 2000 })
      socket.send('too early: ignored')
    })
    return {
      talk: await run(['hello', 'binary', 'close']),
      atLimit: await run(['send 1000', 'close']),
      pastLimit: await run(['send 1001', 'hello']),
      abandoned: await run([], 'abandon'),
      closed: await run([], 'close'),
      refused: await run([], 'nothing', 'ws://127.0.0.1:1/'),
    }
  }, '/host.js')
  t.strictSame(sockets, {
    talk: ['opened', 'acted', 'hello', 4001],
    atLimit: ['opened', 'acted', 1000, 4001],
    pastLimit: ['opened', 'acted', 1009],
    abandoned: ['opened', 'acted', 1006],
    closed: ['opened', 'acted', 1000],
    refused: [1006],
  }, 'closed comes once, and never from inside a call')

  const rest = await page.evaluate(async (path) => {
    const { createBrowserHost } = (await import(path)) as HostModule
    const { clock, random } = createBrowserHost()
    const fired: string[] = []
    clock.after(1, () => fired.push('kept'))
    clock.after(1, () => fired.push('cancelled'))()
    clock.after(2 ** 40, () => fired.push('in 35 years'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    return { fired, lengths: [random.bytes(0).length, random.bytes(32).length], differs: String(random.bytes(16)) !== String(random.bytes(16)), monotonic: clock.monotonicMs() <= clock.monotonicMs() }
  }, '/host.js')
  t.strictSame(rest, { fired: ['kept'], lengths: [0, 32], differs: true, monotonic: true })
})
