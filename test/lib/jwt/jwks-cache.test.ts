import { createJwksCache, type JwksCache, type JwksCacheOptions } from '../../../lib/jwt/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/storage.ts'
import { type Assert, test } from '../../suite.ts'
import { createTestIssuer, issuerKey, JWKS_URL, type TestIssuer } from './test-issuer.ts'

interface Stage {
  issuer: TestIssuer
  cache: JwksCache
  /** 'found', or the code of the error. */
  ask: (kid: string) => Promise<string>
  pass: (ms: number) => Promise<void>
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const random = createTestIssuer(5).host.random
const [a, b] = [issuerKey('a', random), issuerKey('b', random)]

function stage(options: JwksCacheOptions = {}, issuer = createTestIssuer()): Stage {
  if (issuer.keys.length === 0) issuer.keys = [a.jwk]
  const cache = createJwksCache(JWKS_URL, issuer.host, options)
  return {
    issuer,
    cache,
    async ask(kid) {
      let outcome: string | undefined
      void cache.keyFor(kid).then(() => (outcome = 'found'), (thrown: unknown) => (outcome = String((thrown as { code?: unknown }).code)))
      await issuer.host.clock.advanceUntil(() => outcome !== undefined, 10_000)
      return outcome ?? ''
    },
    pass: (ms) => issuer.host.clock.advance(ms),
  }
}

test('jwks cache: one request for all who ask, and none for who asks again', async (t) => {
  const { issuer, cache, ask } = stage()
  const asked = Promise.all([cache.keyFor('a'), cache.keyFor('a'), cache.keyFor('a')])
  await issuer.host.clock.advance(10)
  const [first, second] = await asked
  t.equal(first, second)
  t.equal(first.algorithm, 'ES256')
  t.equal(await ask('a'), 'found')
  t.equal(issuer.asked, 1)
})

test('jwks cache: the server says for how long, within bounds', async (t) => {
  for (const [header, lifetimeMs] of [
    [undefined, 15 * MINUTE], ['max-age=600', 10 * MINUTE], ['public, MAX-AGE="600"', 10 * MINUTE], ['max-age=1', MINUTE], ['no-store', MINUTE], ['no-cache, max-age=600', MINUTE],
    ['max-age=999999999', 24 * HOUR], ['max-age=-5', 15 * MINUTE], ['max-age=nonsense', 15 * MINUTE], ['s-maxage=600', 15 * MINUTE],
  ] as const) {
    const { issuer, ask, pass } = stage({ staleMs: 48 * HOUR })
    if (header !== undefined) issuer.headers = { 'cache-control': header }
    await ask('a')
    await pass(lifetimeMs * 0.75 - SECOND)
    await ask('a')
    t.equal(issuer.asked, 1, `${header}: good until three quarters of its time`)
    await pass(2 * SECOND)
    await ask('a')
    await pass(SECOND)
    t.equal(issuer.asked, 2, `${header}: then replaced while nobody waits`)
  }
})

test('jwks cache: who asks shortly before the end does not wait; after it, one does', async (t) => {
  const { issuer, cache, ask, pass } = stage()
  await ask('a')
  await pass(14 * MINUTE)
  issuer.answer = () => new Promise(() => undefined)
  let found = false
  void cache.keyFor('a').then(() => (found = true))
  await pass(0)
  t.ok(found, 'though the server hangs')
})

test('jwks cache: a key that came since is fetched, and no login fails', async (t) => {
  const { issuer, ask, pass } = stage()
  t.equal(await ask('a'), 'found')
  issuer.keys = [a.jwk, b.jwk]
  await pass(10 * SECOND)
  t.equal(await ask('b'), 'found')
  t.equal(issuer.asked, 2)
  issuer.keys = [b.jwk]
  t.equal(await ask('a'), 'found', 'until the set is fetched again')
  await pass(15 * MINUTE)
  t.equal(await ask('a'), 'ERR_JWKS_KEY_UNKNOWN', 'a key that was withdrawn')
})

test('jwks cache: unknown keys ask the server once per cooldown', async (t) => {
  const { issuer, ask, pass } = stage()
  await ask('a')
  await pass(10 * SECOND)
  for (let at = 0; at < 50; at++) t.equal(await ask(`unknown ${at}`), 'ERR_JWKS_KEY_UNKNOWN')
  t.equal(issuer.asked, 2)
  await pass(9 * SECOND)
  await ask('unknown')
  t.equal(issuer.asked, 2)
  await pass(SECOND)
  await ask('unknown')
  t.equal(issuer.asked, 3)
  t.equal(await ask('a'), 'found')
})

test('jwks cache: a server that is down, up to a stated age', async (t) => {
  const { issuer, ask, pass } = stage({ staleMs: HOUR })
  await ask('a')
  issuer.answer = () => ({ status: 503 })
  await pass(30 * MINUTE)
  t.equal(await ask('a'), 'found')
  await pass(30 * MINUTE - SECOND)
  t.equal(await ask('a'), 'found', 'a second before')
  await pass(SECOND)
  t.equal(await ask('a'), 'ERR_JWKS_UNAVAILABLE', 'at that age')
  issuer.answer = undefined
  t.equal(await ask('a'), 'ERR_JWKS_UNAVAILABLE', 'the server is left in peace for a while')
  await pass(10 * SECOND)
  t.equal(await ask('a'), 'found')
  t.ok(issuer.warnings.includes('jwks.fetch.failed'))
})

test('jwks cache: a server that lies changes nothing', async (t) => {
  const { issuer, ask, pass } = stage()
  await ask('a')
  for (const body of ['<html>', '{"keys":[]}', JSON.stringify({ keys: [{ kty: 'oct', kid: 'a', k: 'AA', alg: 'HS256' }] }), ' '.repeat(100_000), '{"keys":[{}]}']) {
    issuer.answer = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body })
    await pass(16 * MINUTE)
    t.equal(await ask('a'), 'found', body.slice(0, 30))
  }
  issuer.answer = () => ({ status: 302, headers: { location: JWKS_URL } })
  await pass(16 * MINUTE)
  t.equal(await ask('a'), 'found', 'redirects are not followed')
  t.equal(issuer.asked, 7)
})

test('jwks cache: kept over a restart, for as long as it may be used', async (t) => {
  const storage = createMemoryStorage()
  const saved = { storage, name: 'jwks.json' }
  const first = stage({ saved })
  await first.ask('a')
  const { issuer } = first
  issuer.answer = () => ({ status: 500 })
  t.equal(await stage({ saved }, issuer).ask('a'), 'found')
  t.equal(issuer.asked, 1, 'a fresh set is not fetched again')
  await first.pass(23 * HOUR)
  t.equal(await stage({ saved }, issuer).ask('a'), 'found')
  await first.pass(2 * HOUR)
  t.equal(await stage({ saved }, issuer).ask('a'), 'ERR_JWKS_UNAVAILABLE', 'too old')
})

test('jwks cache: a saved set under a clock that was set back is asked for anew first', async (t) => {
  const saved = { storage: createMemoryStorage(), name: 'jwks.json' }
  const { issuer, ask } = stage({ saved })
  await ask('a')
  issuer.host.clock.setWallClock(0)
  t.equal(await stage({ saved }, issuer).ask('a'), 'found')
  t.equal(issuer.asked, 2)
  issuer.host.clock.setWallClock(-HOUR)
  issuer.answer = () => ({ status: 500 })
  t.equal(await stage({ saved }, issuer).ask('a'), 'found')
})

test('jwks cache: a saved set is as old as it is by a clock that has learned the time since', async (t) => {
  const saved = { storage: createMemoryStorage(), name: 'jwks.json' }
  const { issuer, ask } = stage({ saved })
  await ask('a')
  const { clock } = issuer.host
  const nowMs = clock.nowMs()
  clock.setWallClock(nowMs + 72 * HOUR)
  issuer.answer = () => ({ status: 500 })
  const second = stage({ saved }, issuer)
  t.equal(await second.ask('a'), 'ERR_JWKS_UNAVAILABLE', 'for all that it knows')
  clock.setWallClock(nowMs + HOUR)
  t.equal(await second.ask('a'), 'found')
})

test('jwks cache: saved sets of another server, and damaged ones, are as none', async (t) => {
  for (const text of ['', '{}', '[]', '{"url":"https://other.test/jwks","fetchedAtMs":0,"lifetimeMs":1,"body":"{}"}', '{"url":7}', '{"url":"https://issuer.test/jwks.json","fetchedAtMs":null,"lifetimeMs":1,"body":"{}"}']) {
    const storage = createMemoryStorage()
    await storage.write('jwks.json', Uint8Array.from(text, (character) => character.charCodeAt(0)))
    const { issuer, ask } = stage({ saved: { storage, name: 'jwks.json' } })
    t.equal(await ask('a'), 'found', text)
    t.equal(issuer.asked, 1)
  }
})

test('jwks cache: storage that fails is no reason to keep people out', async (t) => {
  const fails = (): Promise<never> => Promise.reject(new Error('no space'))
  const { issuer, ask } = stage({ saved: { storage: { read: fails, write: fails, remove: fails }, name: 'jwks.json' } })
  t.equal(await ask('a'), 'found')
  t.same(issuer.warnings, ['jwks.load.failed', 'jwks.save.failed'])
})

test('jwks cache: kept fresh by itself, until it is closed', async (t) => {
  const { issuer, cache, ask, pass } = stage({ keepFresh: true })
  await pass(SECOND)
  t.equal(issuer.asked, 1, 'before anybody asks')
  await pass(12 * MINUTE)
  t.equal(issuer.asked, 2)
  issuer.answer = () => ({ status: 500 })
  await pass(12 * MINUTE)
  t.ok(issuer.asked > 3, 'again and again while the server is down')
  t.equal(await ask('a'), 'found')
  cache.close()
  const { asked } = issuer
  await pass(HOUR)
  t.equal(issuer.asked, asked)
  t.equal(issuer.host.clock.pendingTimers(), 0)
})

test('jwks cache: only from where nobody can change it on its way', (t: Assert) => {
  const { host } = createTestIssuer()
  for (const url of ['https://issuer.test/jwks', 'https://issuer.test:8443', 'http://localhost:1/a', 'http://127.0.0.1/', 'http://[::1]:9/jwks']) createJwksCache(url, host)
  for (const url of ['http://issuer.test/jwks', 'http://localhost.evil.test/', 'https://', 'ftp://issuer.test', 'https://user:password@issuer.test/', 'http://127.0.0.1@evil.test/', '', 'file:///etc/keys']) {
    t.throws(() => createJwksCache(url, host), 'RangeError', url)
  }
})
