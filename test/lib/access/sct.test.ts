import { createServerConnectTokens, serverConnectTokenHash, type ServerConnectTokens } from '../../../lib/access/index.ts'
import type { HttpRequest } from '../../../lib/runtime/index.ts'
import { createMemoryHost, createMemoryNetwork, type MemoryHost, type MemoryHttpAnswer } from '../../../runtimes/memory/index.ts'
import { testDevice, type TestDevice, testState } from '../iam/support.ts'
import { test } from '../../suite.ts'

const IDS = { productId: 'wp-a', deviceId: 'wd-front' }
const hash = (token: string): string => serverConnectTokenHash(IDS, token)

interface Stage {
  host: MemoryHost
  tokens: ServerConnectTokens
  iam: TestDevice['iam']
  /** Sets that arrived. */
  sets: string[][]
  requests: HttpRequest[]
  answer: (request: HttpRequest) => MemoryHttpAnswer | Promise<MemoryHttpAnswer>
  /** The device comes to the service, or leaves it. */
  connect: (state?: 'CONNECTED' | 'WAIT_RETRY') => void
  pass: (ms: number) => Promise<void>
}

async function stage(): Promise<Stage> {
  const { iam, clock } = await testDevice({ state: testState() })
  const network = createMemoryNetwork({ clock })
  const host = createMemoryHost({ seed: 8, clock, network })
  let listener: (() => void) | undefined
  const device = {
    connectionState: 'NEW' as 'NEW' | 'CONNECTED' | 'WAIT_RETRY',
    on: (_name: string, heard: () => void) => { listener = heard },
    off: () => { listener = undefined },
  }
  const found: Stage = {
    host, iam, sets: [], requests: [], answer: () => ({ status: 204 }), pass: (ms) => clock.advance(ms),
    tokens: createServerConnectTokens({ device, iam, ...IDS, endpointUrl: 'https://service.test/', tokenGenerator: () => Promise.resolve('device-token') }, host),
    connect(state = 'CONNECTED') {
      device.connectionState = state
      listener?.()
    },
  }
  network.serve('https://service.test', {
    async request(request) {
      found.requests.push(request)
      const answer = await found.answer(request)
      if (answer.status === 204) found.sets.push((JSON.parse(String(request.body)) as { hashes: string[] }).hashes)
      return answer
    },
    socket: () => undefined,
  })
  return found
}

test('sct: the format, and each character as often as another', async (t) => {
  const { tokens } = await stage()
  const counts = new Map<string, number>()
  const seen = new Set<string>()
  for (let at = 0; at < 2000; at++) {
    const token = tokens.create()
    t.ok(/^[A-Za-z0-9]{12}$/.test(token))
    seen.add(token)
    for (const character of token) counts.set(character, (counts.get(character) ?? 0) + 1)
  }
  t.equal(seen.size, 2000)
  t.equal(counts.size, 62)
  // 24,000 draws of 62: 387 each, standard deviation 19.5. A byte modulo 62 would give the first eight 469.
  for (const [character, count] of counts) t.ok(Math.abs(count - 387) < 98, `${character} ${count} times`)
  t.same(tokens.list(), ['token'], 'created is not added')
})

test('sct: a hash is of one token of one device', (t) => {
  const hashes = [hash('a'), hash('b'), serverConnectTokenHash({ ...IDS, deviceId: 'wd-back' }, 'a'), serverConnectTokenHash({ ...IDS, productId: 'wp-b' }, 'a')]
  t.equal(new Set(hashes).size, 4)
  // printf 'sct:wp-a:wd-front:a' | openssl dgst -sha256 -binary | base64 | tr '+/' '-_'
  t.equal(hash('a'), 'sfL5g6Z_LxGgEgIi1NW-jo6jcw0nMQo-77rsN6H-ZB8')
})

test('sct: the whole set goes up when the device comes, and when it changes', async (t) => {
  const { tokens, sets, requests, connect, pass } = await stage()
  tokens.add('mine')
  await pass(1000)
  t.equal(requests.length, 0, 'not before')
  t.equal(tokens.synchronized, true, 'there is nobody to agree with')
  connect()
  t.equal(tokens.synchronized, false)
  await pass(1000)
  t.same(sets, [[hash('token'), hash('mine')]])
  t.equal(tokens.synchronized, true)
  const { method, url, headers, body } = requests[0]
  t.same([method, url, headers?.authorization], ['PUT', 'https://service.test/v1/device/server-connect-tokens', 'Bearer device-token'])
  t.ok(!String(body).includes('mine'), 'the service never sees a token')
  tokens.add('mine')
  await pass(1000)
  t.equal(sets.length, 1, 'nothing new')
  t.equal(tokens.remove('mine'), true)
  t.equal(tokens.remove('mine'), false)
  t.equal(tokens.remove('token'), false, 'one of IAM is removed there')
  await pass(1000)
  t.same(sets[1], [hash('token')])
  connect('WAIT_RETRY')
  connect()
  await pass(1000)
  t.equal(sets.length, 3, 'again at each visit')
})

test('sct: the set follows IAM', async (t) => {
  const { iam, sets, connect, pass, tokens } = await stage()
  connect()
  await pass(1000)
  const user = await iam.users.create('friend')
  await pass(1000)
  t.same(sets[sets.length - 1], [hash('token'), hash(user.serverConnectToken ?? '')], 'a user came with a token')
  await iam.users.update('friend', { serverConnectToken: 'another-token' })
  await pass(1000)
  t.same(sets[sets.length - 1], [hash('token'), hash('another-token')])
  await iam.users.delete('friend')
  await pass(1000)
  t.same(sets[sets.length - 1], [hash('token')], 'a user went, and the token with him')
  await iam.users.update('testuser', { displayName: 'Nothing to do with tokens' })
  await pass(1000)
  t.equal(sets.length, 4)
  t.same(tokens.list(), ['token'])
})

test('sct: one upload at a time; what changed meanwhile follows', async (t) => {
  const found = await stage()
  const { tokens, sets, requests, connect, pass } = found
  let release: (() => void) | undefined
  found.answer = () => new Promise((resolve) => { release = () => { resolve({ status: 204 }) } })
  connect()
  await pass(10)
  tokens.add('one')
  tokens.add('two')
  await pass(1000)
  t.equal(requests.length, 1)
  release?.()
  await pass(10)
  t.equal(requests.length, 2)
  t.equal(tokens.synchronized, false)
  release?.()
  await pass(10)
  t.same(sets.map((set) => set.length), [1, 3])
  t.equal(tokens.synchronized, true)
})

test('sct: a service that fails is asked again, ever more slowly', async (t) => {
  const found = await stage()
  const { requests, connect, pass, tokens, sets } = found
  found.answer = () => ({ status: 500 })
  connect()
  await pass(20_000)
  const early = requests.length
  t.ok(early >= 4 && early <= 7, `${early} in 20 s`)
  await pass(600_000)
  const late = requests.length - early
  t.ok(late >= 10 && late <= 22, `${late} in 10 minutes`)
  t.equal(tokens.synchronized, false)
  found.answer = () => ({ status: 204 })
  await pass(60_000)
  t.equal(sets.length, 1)
  t.equal(tokens.synchronized, true)
})

test('sct: a wait that the service asks for is kept', async (t) => {
  const found = await stage()
  found.answer = () => ({ status: 429, headers: { 'retry-after': '120' } })
  found.connect()
  await found.pass(119_000)
  t.equal(found.requests.length, 1)
  await found.pass(15_000)
  t.equal(found.requests.length, 2)
})

test('sct: a service that keeps no tokens is not bothered until the next visit', async (t) => {
  for (const status of [404, 405, 501]) {
    const found = await stage()
    found.answer = () => ({ status })
    found.connect()
    await found.pass(600_000)
    found.tokens.add('one')
    await found.pass(1000)
    t.equal(found.requests.length, 1, `${status}`)
    t.equal(found.tokens.synchronized, true)
    found.connect('WAIT_RETRY')
    found.connect()
    await found.pass(1000)
    t.equal(found.requests.length, 2)
  }
})

test('sct: an answer to what was sent on an earlier visit counts for nothing', async (t) => {
  const found = await stage()
  const releases: (() => void)[] = []
  found.answer = () => new Promise((resolve) => releases.push(() => { resolve({ status: 204 }) }))
  found.connect()
  await found.pass(10)
  found.connect('WAIT_RETRY')
  found.connect()
  await found.pass(10)
  releases[0]()
  await found.pass(10)
  t.equal(found.tokens.synchronized, false)
  t.equal(found.requests.length, 2)
  releases[1]()
  await found.pass(10)
  t.equal(found.tokens.synchronized, true)
})

test('sct: how long a token is and how many there are, and one past each', async (t) => {
  const { tokens, sets, connect, pass } = await stage()
  tokens.add('æ'.repeat(32))
  for (const bad of ['', 'x'.repeat(65), 'æ'.repeat(33)]) t.throws(() => { tokens.add(bad) }, 'RangeError')
  for (let at = tokens.list().length; at < 256; at++) tokens.add(`token ${at}`)
  t.throws(() => { tokens.add('one more') }, 'RangeError')
  tokens.add('token 5')
  connect()
  await pass(1000)
  t.equal(sets[0].length, 256)
})

test('sct: after its end nothing is sent', async (t) => {
  const found = await stage()
  found.answer = () => ({ status: 500 })
  found.connect()
  await found.pass(10)
  found.tokens.close()
  found.connect()
  found.tokens.add('x')
  await found.pass(600_000)
  t.equal(found.requests.length, 1)
})
