import { deviceAudience } from '../../../lib/access/index.ts'
import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import { fingerprintOf, generatePrivateKey } from '../../../lib/crypto/index.ts'
import { createIssuers } from '../../../lib/cloud/issuers.ts'
import { createSts, createStsKeys, devicesInClaim, openStsKeys, type Sts, type StsAnswer, type StsKeys, type StsOptions } from '../../../lib/cloud/index.ts'
import { type JwtClaims, type JwtVerifyingKey, parseKeySet, verifyJwt } from '../../../lib/jwt/index.ts'
import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import type { Storage } from '../../../lib/runtime/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/storage.ts'
import { createTestIssuer, ISSUER, issuerKey, JWKS_URL, type TestIssuer } from '../jwt/test-issuer.ts'
import { test } from '../../suite.ts'

const STS = 'https://sts.test/sts'
const DEVICE = deviceAudience({ productId: 'wp-a', deviceId: 'wd-front' })
const OTHER = deviceAudience({ productId: 'wp-a', deviceId: 'wd-back' })
const key = issuerKey('a', createTestIssuer(13).host.random)
type Field = readonly [string, string]

interface Stage {
  issuer: TestIssuer
  sts: Sts
  keys: StsKeys
  storage: Storage
  now: () => number
  claims: (changes?: Record<string, unknown>) => Record<string, unknown>
  /** The request of protocol/edge-webrtc.md §6, with fields changed, taken away or added. */
  form: (changes?: Record<string, string | undefined>, more?: Field[]) => Promise<Field[]>
  ask: (form: Field[]) => Promise<StsAnswer | string>
  opened: (answer: StsAnswer | string) => Promise<JwtClaims>
}

async function stage(options: Partial<StsOptions> = {}): Promise<Stage> {
  const issuer = createTestIssuer()
  issuer.keys = [key.jwk]
  const { host } = issuer
  const storage = createMemoryStorage()
  const keys = await openStsKeys({ storage, name: 'sts-keys.json', rotateSeconds: 1000, keepSeconds: 500 }, host)
  const sts = createSts({
    issuer: STS, subjectIssuers: [{ issuer: ISSUER, audience: 'sts', jwksUri: JWKS_URL }], policy: devicesInClaim('devices'), ...options,
  }, { keys, issuers: createIssuers(host), clock: host.clock, random: host.random })
  const now = (): number => Math.floor(host.clock.nowMs() / 1000)
  const claims: Stage['claims'] = (changes = {}) => ({ iss: ISSUER, aud: 'sts', sub: 'someone', iat: now(), exp: now() + 600, devices: 'wp-a.wd-front', ...changes })
  return {
    issuer, sts, keys, storage, now, claims,
    async form(changes = {}, more = []) {
      const fields: Record<string, string | undefined> = {
        client_id: 'app', grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: await key.sign(claims()),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: DEVICE, ...changes,
      }
      return [...Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined), ...more]
    },
    async ask(form) {
      let outcome: StsAnswer | string | undefined
      void sts.exchange(form).then((answer) => (outcome = answer), (thrown: unknown) => (outcome = String((thrown as { error?: unknown }).error)))
      await host.clock.advanceUntil(() => outcome !== undefined, 10_000)
      return outcome ?? ''
    },
    async opened(answer) {
      if (typeof answer === 'string') throw new Error(answer)
      const set = parseKeySet(encodeUtf8(JSON.stringify({ keys: await keys.published() })))
      return (await verifyJwt(answer.access_token, [...set.values()])).claims
    },
  }
}

test('sts: the answer of the guide, and a token for that device', async (t) => {
  const { form, ask, opened, now } = await stage()
  const answer = await ask(await form())
  const { access_token, ...rest } = answer as StsAnswer
  t.same(rest, { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 600 - 0 })
  const { jti, ...claims } = await opened(answer)
  t.same(claims, { iss: STS, sub: 'someone', aud: DEVICE, iat: now(), exp: now() + 600, client_id: 'app' })
  t.ok(typeof jti === 'string' && jti.length === 22 && access_token.split('.').length === 3)
})

test('sts: resource and audience are one rule, and neither widens the other', async (t) => {
  const { form, ask } = await stage()
  const outcome = async (changes: Record<string, string | undefined>, more: Field[] = []): Promise<string> => {
    const answer = await ask(await form(changes, more))
    return typeof answer === 'string' ? answer : 'token'
  }
  t.equal(await outcome({ resource: undefined, audience: DEVICE }), 'token')
  t.equal(await outcome({ audience: DEVICE }, [['resource', DEVICE]]), 'token', 'the same device, three times')
  t.equal(await outcome({ resource: undefined }), 'invalid_request')
  for (const target of [OTHER, 'https://rendezvous.test', 'nabto://device', DEVICE.toUpperCase(), `${DEVICE}&x=1`, `${DEVICE} ${OTHER}`, 'nabto://device?deviceId=wd-front&productId=wp-a', '*']) {
    t.equal(await outcome({ resource: target }), 'invalid_target', `resource ${target}`)
    t.equal(await outcome({ audience: target }), 'invalid_target', `audience ${target} beside a good resource`)
    t.equal(await outcome({ resource: undefined, audience: target }), 'invalid_target', `audience ${target} alone`)
    t.equal(await outcome({}, [['resource', target]]), 'invalid_target', `a second resource ${target}`)
  }
})

test('sts: no longer than the subject token, and never longer than it may', async (t) => {
  const { form, ask, claims, now } = await stage({ maxLifetimeSeconds: 300 })
  const life = async (exp: number): Promise<unknown> => {
    const answer = await ask(await form({ subject_token: await key.sign(claims({ exp })) }))
    return typeof answer === 'string' ? answer : answer.expires_in
  }
  t.equal(await life(now() + 86_400), 300)
  t.equal(await life(now() + 300), 300)
  t.equal(await life(now() + 7.9), 7)
  t.equal(await life(now() - 30), 'invalid_request', 'the leeway is for looking, not for living on')
  t.equal(await life(now() - 90), 'invalid_request')
})

test('sts: subject tokens', async (t) => {
  const { form, ask, claims, issuer } = await stage()
  const outcome = async (token: string): Promise<string> => {
    const answer = await ask(await form({ subject_token: token }))
    return typeof answer === 'string' ? answer : 'token'
  }
  t.equal(await outcome(await key.sign(claims({ aud: ['x', 'sts'] }))), 'token')
  for (const changes of [{ iss: 'https://evil.test' }, { iss: undefined }, { aud: 'x' }, { aud: undefined }, { exp: undefined }, { sub: undefined }, { nbf: 9e9 }, { aud: ['sts', DEVICE] }]) {
    t.equal(await outcome(await key.sign(claims(changes))), 'invalid_request', JSON.stringify(changes))
  }
  t.equal(await outcome(await issuerKey('a', issuer.host.random).sign(claims())), 'invalid_request', 'another key')
  t.equal(await outcome('a.b.c'), 'invalid_request')
  t.equal(await outcome(await key.sign(claims({ devices: 'wp-a.wd-back' }))), 'invalid_target')
  t.equal(await outcome(await key.sign(claims({ devices: undefined }))), 'invalid_target')
  await issuer.host.clock.advance(16 * 60_000)
  const down = await stage()
  down.issuer.answer = () => ({ status: 500 })
  t.equal(await down.ask(await down.form()), 'temporarily_unavailable')
})

test('sts: the form', async (t) => {
  const { form, ask, claims } = await stage({ clients: ['app'] })
  t.ok(typeof await ask(await form()) === 'object')
  t.ok(typeof await ask(await form({ scope: '', actor_token: '' })) === 'object', 'an empty field is none')
  t.ok(typeof await ask(await form({ subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', requested_token_type: 'urn:ietf:params:oauth:token-type:access_token' })) === 'object')
  for (const [changes, error] of [
    [{ grant_type: undefined }, 'unsupported_grant_type'], [{ grant_type: 'password' }, 'unsupported_grant_type'], [{ client_id: 'other' }, 'invalid_client'], [{ client_id: undefined }, 'invalid_client'],
    [{ subject_token: undefined }, 'invalid_request'], [{ subject_token: 'x'.repeat(8193) }, 'invalid_request'], [{ subject_token_type: undefined }, 'invalid_request'],
    [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'], [{ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
    [{ actor_token: 'x' }, 'invalid_request'], [{ scope: 'all' }, 'invalid_scope'],
  ] as const) t.equal(await ask(await form(changes)), error, JSON.stringify(changes).slice(0, 60))
  t.equal(await ask(await form({}, [['subject_token', await key.sign(claims())]])), 'invalid_request', 'a field twice')
  t.equal(await ask(await form({}, Array.from({ length: 8 }, () => ['resource', DEVICE] as const))), 'invalid_target', 'more targets than there may be')
})

test('sts: claims that are copied, and those that never are', async (t) => {
  const { form, ask, opened, claims } = await stage({ copiedClaims: ['roles', 'aud', 'exp', 'sub'] })
  const found = await opened(await ask(await form({ subject_token: await key.sign(claims({ roles: ['r'], other: 1 })) })))
  t.same([found.roles, found.other, found.aud, found.sub], [['r'], undefined, DEVICE, 'someone'])
})

test('sts: keys change, and old ones stay published until their tokens are over', async (t) => {
  const { keys, form, ask, opened, issuer, storage } = await stage()
  const first = await ask(await form())
  const [one] = await keys.published()
  await issuer.host.clock.advance(1_000_000)
  const [two, ...old] = await keys.published()
  t.ok(two.kid !== one.kid)
  t.same(old, [one])
  t.equal((await opened(first)).aud, DEVICE, 'a token by the old key verifies')
  const again = await openStsKeys({ storage, name: 'sts-keys.json', rotateSeconds: 1000, keepSeconds: 500 }, issuer.host)
  t.same(await again.published(), [two, one], 'over a restart')
  await issuer.host.clock.advance(499_000)
  t.equal((await keys.published()).length, 2)
  await issuer.host.clock.advance(1000)
  t.same(await keys.published(), [two])
  t.ok(!decodeUtf8(await storage.read('sts-keys.json') ?? new Uint8Array()).includes(one.kid), 'the old private key is gone from the file')
  for (const name of ['d', 'pem']) t.ok(!(name in two))
  await storage.write('bad', encodeUtf8('{"keys":[{}]}'))
  await t.rejects(openStsKeys({ storage, name: 'bad', rotateSeconds: 1, keepSeconds: 1 }, issuer.host), 'ERR_STS_KEYS')
})

test('sts: keys that somebody else looks after, and an issuer whose keys are at hand', async (t) => {
  const { issuer: { host } } = await stage()
  const [first, next] = [generatePrivateKey(host.random), generatePrivateKey(host.random)]
  const keys = createStsKeys([first, next], host)
  const published = await keys.published()
  t.same(published.map(({ kid }) => kid), [first, next].map(({ publicKey }) => fingerprintOf(publicKey).slice(0, 16)))
  t.ok(published.every((jwk) => !('d' in jwk)))
  const set = parseKeySet(encodeUtf8(JSON.stringify({ keys: published })))
  const { header } = await verifyJwt(await keys.sign({ a: 1 }), [...set.values()])
  t.equal(header.kid, published[0].kid, 'the first signs')
  t.same((await createStsKeys([first, next], host).published()), published, 'the same on every node')
  t.throws(() => createStsKeys([], host), 'RangeError')
  t.equal((await createStsKeys(Array.from({ length: 16 }, () => first), host).published()).length, 16)
  t.throws(() => createStsKeys(Array.from({ length: 17 }, () => first), host), 'RangeError')

  const own = { keyFor: (kid: string) => Promise.resolve(parseKeySet(encodeUtf8(JSON.stringify({ keys: [key.jwk] }))).get(kid) as JwtVerifyingKey) }
  const { ask, form, issuer } = await stage({ subjectIssuers: [{ issuer: ISSUER, audience: 'sts', keys: own }] })
  issuer.keys = []
  t.equal((await ask(await form()) as StsAnswer).token_type, 'Bearer')
})
