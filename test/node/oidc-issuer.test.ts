// A real OAuth server over real HTTP, by `jose`, against both doors that take its tokens: the device's and the rendezvous'.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import tap, { type Test } from 'tap'
import { createLocalFabric, DEFAULT_RENDEZVOUS_LIMITS, openRendezvous, type RendezvousError } from '../../lib/cloud/index.ts'
import { createNodeHost } from '../../runtimes/node/host.ts'
import { openRegistry } from '../../runtimes/node/service/index.ts'
import { openOauthDoor } from './support/oauth-door.ts'
import { makeSigningKey, OidcIssuer, type SigningKey } from './support/oidc-issuer.ts'
import { temporaryFolder } from './support/service.ts'
import { audienceOf, listOf } from './support/token-kinds.ts'

tap.setTimeout(170_000)

const DEVICE = { productId: 'wp-showroom', deviceId: 'wd-frontdoorcamera1' }
const RENDEZVOUS = 'https://rendezvous.test'
const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 1440 * MINUTE
const IN = ['200', '2.01']
const REFUSED = ['401', '4.01']

interface Scene {
  issuer: OidcIssuer
  /** Lets time pass, as both doors see it. */
  pass: (ms: number) => void
  /** Sets the wall clock of both doors so far from that of the issuer. */
  setClocks: (offMs: number) => void
  /** Logs in at both, with tokens of this key; what each answers. */
  logIn: (key: SigningKey, changes?: Record<string, unknown>) => Promise<string[]>
  audit: () => (string | undefined)[]
}

async function scene(t: Test): Promise<Scene> {
  const issuer = await OidcIssuer.start(t)
  const real = createNodeHost()
  let passedMs = 0
  let offMs = 0
  const clock = { ...real.clock, nowMs: () => Date.now() + passedMs + offMs, monotonicMs: () => real.clock.monotonicMs() + passedMs }
  const host = { ...real, clock }
  const registry = await openRegistry({ dataDir: temporaryFolder(t) })
  const limits = { ...DEFAULT_RENDEZVOUS_LIMITS, clientConnectsPerDevicePerMinute: 1_000_000 }
  const rendezvous = await openRendezvous(host, { registry, fabric: createLocalFabric(), limits })
  t.teardown(async () => {
    rendezvous.close()
    await registry.close()
  })
  const clientJwt = { issuer: issuer.url, audience: RENDEZVOUS, jwksUri: issuer.jwksUri, claim: 'devices' }
  await registry.putProduct(DEVICE.productId, { anonymousClients: false, clientJwt })
  await registry.putDevice(DEVICE)
  const device = await openOauthDoor(t, { ...DEVICE, issuer: issuer.url, jwksUri: issuer.jwksUri, host })

  const atRendezvous = async (token: string): Promise<string> => {
    try {
      await rendezvous.connectClient({ authorization: `Bearer ${token}`, body: DEVICE, address: '127.0.0.1', webSocketBase: 'ws://127.0.0.1' })
      return '200'
    } catch (thrown) {
      return String((thrown as RendezvousError).status)
    }
  }
  return {
    issuer,
    pass: (ms) => { passedMs += ms },
    setClocks: (ms) => { offMs = ms },
    async logIn(key, changes) {
      const iat = Math.floor((Date.now() + passedMs) / 1000)
      const times = { iat, exp: iat + 300 }
      return Promise.all([
        issuer.sign(key, { ...times, aud: RENDEZVOUS, devices: [listOf(DEVICE)], ...changes }).then(atRendezvous),
        issuer.sign(key, { ...times, aud: audienceOf(DEVICE), ...changes }).then((token) => device.post(token)),
      ])
    },
    audit: () => device.iam.audit.events().filter(({ action }) => action === 'oauth').map(({ detail }) => detail),
  }
}

void tap.test('keys change under load, and no login fails', async (t) => {
  const { issuer, pass, logIn } = await scene(t)
  issuer.headers['cache-control'] = 'max-age=60'
  let key = await issuer.addKey('generation-0')
  let done = false
  const outcomes = new Map<string, number>()
  const person = async (): Promise<void> => {
    while (!done) for (const outcome of await logIn(key)) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  const people = Array.from({ length: 12 }, person)
  const ROTATIONS = 8
  for (let generation = 1; generation <= ROTATIONS; generation++) {
    const seen = outcomes.get('2.01') ?? 0
    while ((outcomes.get('2.01') ?? 0) < seen + 50) await new Promise((resolve) => setTimeout(resolve, 5))
    // RSA and P-256 in turn; the one before stays for the tokens that are under way, older ones go.
    const next = await makeSigningKey(`generation-${generation}`, generation % 2 === 0 ? 'RS256' : 'ES256')
    issuer.published = [key.jwk, next.jwk]
    pass(generation % 2 === 0 ? 11 * SECOND : 61 * SECOND)
    key = next
  }
  const seen = outcomes.get('2.01') ?? 0
  while ((outcomes.get('2.01') ?? 0) < seen + 50) await new Promise((resolve) => setTimeout(resolve, 5))
  done = true
  await Promise.all(people)
  t.strictSame([...outcomes.keys()].sort(), [...IN].sort(), JSON.stringify([...outcomes]))
  t.ok(issuer.asked <= 2 * (1 + 2 * ROTATIONS), `${issuer.asked} requests for ${ROTATIONS} changes at two doors`)
})

void tap.test('a key that was withdrawn opens nothing, once the set is old', async (t) => {
  const { issuer, pass, logIn } = await scene(t)
  const stolen = await issuer.addKey('stolen')
  t.strictSame(await logIn(stolen), IN)
  issuer.published = [(await makeSigningKey('new')).jwk]
  pass(16 * MINUTE)
  t.strictSame(await logIn(stolen), REFUSED)
})

void tap.test('the key server is down', async (t) => {
  const { issuer, pass, logIn } = await scene(t)
  const [key, later] = [await issuer.addKey('known'), await makeSigningKey('later', 'ES256')]
  await issuer.stop()
  t.strictSame(await logIn(key), ['503', '4.01'], 'from the beginning')
  await issuer.startAgain()
  t.strictSame(await logIn(key), ['503', '4.01'], 'it is left in peace for a while')
  pass(10 * SECOND)
  t.strictSame(await logIn(key), IN)
  await issuer.stop()
  for (const ms of [16 * MINUTE, 8 * 60 * MINUTE, 15 * 60 * MINUTE]) {
    pass(ms)
    t.strictSame(await logIn(key), IN, 'with the keys from before')
    t.strictSame(await logIn(later), REFUSED, 'and with no others')
  }
  pass(60 * MINUTE)
  t.strictSame(await logIn(key), ['503', '4.01'], 'for a day')
  await issuer.startAgain()
  issuer.published.push(later.jwk)
  pass(10 * SECOND)
  t.strictSame([await logIn(key), await logIn(later)], [IN, IN])
})

void tap.test('the key server is slow', async (t) => {
  const { issuer, pass, logIn } = await scene(t)
  const key = await issuer.addKey('a')
  const send = (response: ServerResponse): unknown => response.writeHead(200, issuer.headers).end(JSON.stringify({ keys: issuer.published }))
  issuer.answer = (response) => void setTimeout(send, 300, response)
  const many = await Promise.all(Array.from({ length: 20 }, () => logIn(key)))
  t.strictSame(many, Array.from({ length: 20 }, () => IN))
  t.equal(issuer.asked, 2, 'one request of each door for all who wait')
  // Headers at once, and then a byte now and then: the time limit is for all of it.
  issuer.answer = (response) => {
    response.writeHead(200, issuer.headers)
    const timer = setInterval(() => response.write(' '), 200)
    response.on('close', () => { clearInterval(timer) })
  }
  pass(12 * MINUTE)
  const startMs = Date.now()
  t.strictSame(await logIn(key), IN)
  t.ok(Date.now() - startMs < 2500, 'nobody waits while there are keys that are good')
  pass(20 * MINUTE)
  t.strictSame(await logIn(key), IN, 'after the time limit, with the keys from before')
  t.ok(Date.now() - startMs > 3000, 'for which somebody did wait')
})

void tap.test('the key server lies', async (t) => {
  const other = createServer((_request, response) => {
    followed++
    response.end(JSON.stringify({ keys: [key.jwk] }))
  })
  let followed = 0
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => other.close(resolve)))
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  const [key, second, ec] = [await makeSigningKey('a'), await makeSigningKey('a'), await makeSigningKey('a', 'ES256')]
  const set = (...keys: unknown[]): string => JSON.stringify({ keys })
  const says = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) => (response: ServerResponse): void => void response.writeHead(status, headers).end(body)
  const good = set(key.jwk)
  let mostSent = 0
  /** As fast as it is taken. On loopback the kernel takes some megabytes by itself. */
  const flood = (response: ServerResponse): void => {
    let sent = response.writeHead(200).write(good) ? good.length : 0
    const send = (): void => {
      while (sent < 10 << 20) {
        sent += 65_536
        mostSent = Math.max(mostSent, sent)
        if (!response.write(Buffer.alloc(65_536, ' '))) return void response.once('drain', send)
      }
      response.end()
    }
    send()
  }
  const lies: [name: string, answer: (response: ServerResponse) => void][] = [
    ['a page for people', says('<html>Sign in</html>', { 'content-type': 'text/html' })],
    ['the right set, with 500', says(good, {}, 500)],
    ['half of it', says(good.slice(0, -9))],
    ['half of it, by its length', (response) => { response.writeHead(200, { 'content-length': good.length }).write(good.slice(0, 20), () => response.destroy()) }],
    ['two keys of one name', says(set(key.jwk, second.jwk))],
    ['the same key twice', says(set(key.jwk, key.jwk))],
    ['a member twice', says(good.replace('"kid"', '"kid":"b","kid"'))],
    ['a key for HS256', says(set({ ...key.jwk, alg: 'HS256' }))],
    ['a key for RS512', says(set({ ...key.jwk, alg: 'RS512' }))],
    ['a P-256 key of that name', says(set(ec.jwk))],
    ['a shared secret of that name', says(set({ kty: 'oct', kid: 'a', k: key.jwk.n, alg: 'RS256' }))],
    ['a key for encryption', says(set({ ...key.jwk, use: 'enc' }))],
    ['a key with its private half', says(set({ ...key.jwk, d: 'AQAB' }))],
    ['10 MB', flood],
    ['10 MB in ten kilobytes', says(gzipSync(good + ' '.repeat(10 << 20)), { 'content-encoding': 'gzip' })],
    ['33 keys', says(set(...Array.from({ length: 32 }, (_one, at) => ({ ...ec.jwk, kid: `k${at}` })), key.jwk))],
    ...[301, 302, 303, 307, 308].map((status): [string, (response: ServerResponse) => void] => [`${status} to another server`, says('', { location: elsewhere }, status)]),
  ]
  for (const [name, answer] of lies) {
    await t.test(name, async (t) => {
      const { issuer, pass, logIn } = await scene(t)
      issuer.answer = (response) => { answer(response) }
      for (const [door, outcome] of (await logIn(key)).entries()) t.match(outcome, door === 0 ? /^(401|503)$/ : '4.01', 'nobody comes in')
      issuer.answer = undefined
      issuer.published = [key.jwk]
      pass(16 * MINUTE)
      t.strictSame(await logIn(key), IN, 'the truth opens')
      issuer.answer = (response) => { answer(response) }
      pass(11 * MINUTE + 30 * SECOND)
      t.strictSame(await logIn(key), IN, 'a lie after the truth, and nobody waits')
    })
  }
  t.ok(mostSent >= 65_536 && mostSent < 8 << 20, `${mostSent} bytes of 10 MB were sent: the rest nobody took`)
  t.equal(followed, 0, 'no redirect was followed')
  const { issuer, logIn } = await scene(t)
  issuer.published = [key.jwk]
  issuer.headers = { 'content-type': 'text/plain' }
  t.strictSame(await logIn(key), IN, 'the content type alone is no lie: many servers have the wrong one')
})

void tap.test('the clock is off by days, in both directions', async (t) => {
  for (const days of [-30, -3, 3, 30]) {
    const { issuer, setClocks, logIn, audit } = await scene(t)
    const key = await issuer.addKey('a', days > 0 ? 'RS256' : 'ES256')
    setClocks(days * DAY)
    t.strictSame(await logIn(key), REFUSED, `${days} days: good tokens look ${days < 0 ? 'as if from the future' : 'old'}`)
    t.strictSame(audit(), [days < 0 ? 'ERR_JWT_NOT_YET_VALID' : 'ERR_JWT_EXPIRED'], 'and the audit says so')
    const asked = issuer.asked
    setClocks(0)
    t.strictSame(await logIn(key), IN, 'once the clock is set')
    t.equal(issuer.asked, asked, 'keys have an age by a clock that is never set')
    const lies = { iat: Math.floor(Date.now() / 1000) + days * 86_400, exp: Math.floor(Date.now() / 1000) + days * 86_400 + 300 }
    t.strictSame(await logIn(key, lies), REFUSED, 'the clock of the issuer is off')
  }
})
