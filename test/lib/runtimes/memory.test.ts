// The memory runtime is a part of the package that users test with, so it is tested as one.
import { createMemoryClock, createMemoryHost, createMemoryNetwork, createMemoryStorage, createSeededRandom, type Fault } from '../../../runtimes/memory/index.ts'
import { sleep } from '../../../lib/runtime/index.ts'
import { test } from '../../suite.ts'

test('clock: timers run in order of their time, and only when it is wound', async (t) => {
  const clock = createMemoryClock(1000)
  const seen: string[] = []
  clock.after(20, () => void seen.push('20'))
  clock.after(10, () => {
    seen.push('10')
    clock.after(5, () => void seen.push('15'))
    clock.after(0, () => void seen.push('10 again'))
  })
  const cancel = clock.after(12, () => void seen.push('never'))
  cancel()
  cancel()
  await clock.advance(9)
  t.same(seen, [])
  await clock.advance(11)
  t.same(seen, ['10', '10 again', '15', '20'])
  t.equal(clock.nowMs(), 1020)
  t.equal(clock.monotonicMs(), 20)
  clock.setWallClock(5)
  t.equal(clock.nowMs(), 5)
  t.equal(clock.monotonicMs(), 20)
  t.equal(clock.pendingTimers(), 0)
  let awake = false
  void sleep(clock, 3).then(() => {
    awake = true
  })
  await clock.advanceUntil(() => awake, 10)
  t.equal(clock.monotonicMs(), 23)
  await t.rejects(clock.advanceUntil(() => false, 5), 'not done after 5 ms')
})

test('random: the same bytes for the same seed, others for another', (t) => {
  t.same(createSeededRandom(7).bytes(64), createSeededRandom(7).bytes(64))
  t.ok(createSeededRandom(7).bytes(64).join() !== createSeededRandom(8).bytes(64).join())
  const random = createSeededRandom(7)
  t.ok(random.bytes(32).join() !== random.bytes(32).join())
})

test('storage: what was written, in copies', async (t) => {
  const storage = createMemoryStorage()
  const bytes = Uint8Array.of(1, 2)
  await storage.write('a', bytes)
  bytes[0] = 9
  const read = await storage.read('a')
  t.same(read, Uint8Array.of(1, 2))
  if (read !== undefined) read[1] = 9
  t.same(await storage.read('a'), Uint8Array.of(1, 2))
  await storage.remove('a')
  t.equal(await storage.read('a'), undefined)
})

interface Wire {
  client: string[]
  server: string[]
  open: number
}

/** Sends five messages each way under a fault at the third from the client; what both ends saw. */
async function exchange(fault: Fault | undefined): Promise<Wire> {
  const clock = createMemoryClock()
  const network = createMemoryNetwork({ clock, latencyMs: 2 })
  const wire: Wire = { client: [], server: [], open: 0 }
  network.serve('https://a.test', {
    request: () => ({ status: 200 }),
    socket: (_url, socket) => ({
      text: (text) => {
        wire.server.push(text)
        socket.send(`re ${text}`)
      },
      closed: (code) => void wire.server.push(`closed ${code}`),
    }),
  })
  network.script = ({ direction, index }) => (direction === 'to server' && index === 2 ? fault : undefined)
  const socket = createMemoryHost({ clock, network }).webSockets.open('wss://a.test/x', {
    opened: () => {
      for (let n = 0; n < 5; n++) socket.send(String(n))
    },
    text: (text) => void wire.client.push(text),
    closed: (code) => void wire.client.push(`closed ${code}`),
  })
  await clock.advance(1000)
  if (fault === 'half-open') socket.abandon()
  else socket.close(1000, '')
  await clock.advance(100)
  wire.open = network.openSockets()
  return wire
}

test('network: every fault does what it says', async (t) => {
  const cases: [Fault | undefined, string, string][] = [
    [undefined, '0 1 2 3 4 closed 1000', 're 0,re 1,re 2,re 3,re 4,closed 1000'],
    ['drop', '0 1 3 4 closed 1000', 're 0,re 1,re 3,re 4,closed 1000'],
    ['duplicate', '0 1 2 2 3 4 closed 1000', 're 0,re 1,re 2,re 2,re 3,re 4,closed 1000'],
    ['cut before', 'closed 1006', 'closed 1006'],
    ['cut after', '0 1 2 closed 1006', 'closed 1006'],
    ['half-open', '', 'closed 1006'],
    [{ delayMs: 500 }, '0 1 2 3 4 closed 1000', 're 0,re 1,re 2,re 3,re 4,closed 1000'],
  ]
  for (const [fault, server, client] of cases) {
    const wire = await exchange(fault)
    t.equal(wire.client.join(), client, `client, ${JSON.stringify(fault)}`)
    t.equal(wire.server.join(' '), server, `server, ${JSON.stringify(fault)}`)
    t.equal(wire.open, 0)
  }
})

test('network: nobody there, refused upgrades, a server taken away, a cut', async (t) => {
  const clock = createMemoryClock()
  const network = createMemoryNetwork({ clock })
  const { http, webSockets } = createMemoryHost({ clock, network })
  const unreachable = t.rejects(http.request({ method: 'GET', url: 'https://b.test/' }), 'ERR_HTTP_UNREACHABLE')
  const closed: number[] = []
  const handlers = { opened: () => undefined, text: () => undefined, closed: (code: number) => void closed.push(code) }
  webSockets.open('wss://b.test/', handlers)
  await clock.advance(10)
  await unreachable
  t.same(closed, [1006])
  network.serve('https://b.test', {
    request: ({ url }) => ({ status: 201, headers: { 'x-url': url }, body: 'æ' }),
    socket: (url) => (url.includes('refuse') ? undefined : { text: () => undefined, closed: () => undefined }),
  })
  const answer = http.request({ method: 'GET', url: 'https://b.test/path' })
  await clock.advance(10)
  t.equal((await answer).status, 201)
  t.equal((await answer).header('x-url'), 'https://b.test/path')
  t.equal((await answer).body.length, 2)
  for (const path of ['refuse', 'one', 'two']) webSockets.open(`wss://b.test/${path}`, handlers)
  await clock.advance(10)
  t.same(closed, [1006, 1006])
  t.equal(network.openSockets(), 2)
  network.cut('/one')
  await clock.advance(10)
  t.equal(network.openSockets(), 1)
  network.remove('https://b.test')
  await clock.advance(10)
  t.same(closed, [1006, 1006, 1006, 1006])
})
