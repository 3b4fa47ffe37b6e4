import { deviceAudience, serverConnectTokenHash } from '../../../lib/access/index.ts'
import { type Admission, createAdmission, shownBy } from '../../../lib/cloud/admission.ts'
import { isVouchedFor } from '../../../lib/cloud/credentials.ts'
import { createIssuers } from '../../../lib/cloud/issuers.ts'
import { DEFAULT_RENDEZVOUS_LIMITS } from '../../../lib/cloud/limits.ts'
import { readProductSettings } from '../../../lib/cloud/product-settings.ts'
import { AUDIENCE as DEVICE_AUDIENCE, key as deviceKey, oauthStage } from '../access/oauth-stage.ts'
import { createTestIssuer, ISSUER, issuerKey, JWKS_URL, type TestIssuer } from '../jwt/test-issuer.ts'
import { test } from '../../suite.ts'
import { createLookups, FRONT, type MemoryLookups } from './support.ts'

const RENDEZVOUS = 'https://rendezvous.test'
const key = issuerKey('a', createTestIssuer(9).host.random)
const NONE = { ...FRONT, deviceId: 'wd-none' }

interface Stage {
  registry: MemoryLookups
  admission: Admission
  issuer: TestIssuer
  /** What it rests on, or status and message of the refusal. */
  ask: (bearer: string | undefined, device?: typeof FRONT) => Promise<string>
  claims: (changes?: Record<string, unknown>) => Record<string, unknown>
}

function stage(): Stage {
  const issuer = createTestIssuer()
  const { host } = issuer
  issuer.keys = [key.jwk]
  const registry = createLookups()
  registry.anonymousClients = false
  const admission = createAdmission(host, { registry, limits: DEFAULT_RENDEZVOUS_LIMITS, issuers: createIssuers(host) })
  const now = Math.floor(host.clock.nowMs() / 1000)
  return {
    registry, admission, issuer,
    claims: (changes = {}) => ({ iss: ISSUER, aud: RENDEZVOUS, sub: 'someone', iat: now, exp: now + 600, devices: 'wp-x.wd-1 wp-a.wd-front', ...changes }),
    async ask(bearer, device = FRONT) {
      let outcome: string | undefined
      void admission.client(device, shownBy(bearer)).then(
        (proof) => (outcome = proof?.kid.slice(0, 4) ?? 'anonymous'),
        (thrown: unknown) => (outcome = `${(thrown as { status?: number }).status} ${(thrown as Error).message}`),
      )
      await host.clock.advanceUntil(() => outcome !== undefined, 10_000)
      return outcome ?? ''
    },
  }
}

const jwtPolicy = { issuer: ISSUER, audience: RENDEZVOUS, jwksUri: JWKS_URL, claim: 'devices' }

test('admission: server connect tokens', async (t) => {
  const { registry, admission, ask } = stage()
  registry.tokens.add(serverConnectTokenHash(FRONT, 'demosct'))
  const refused = await ask('demosct')
  t.ok(refused.startsWith('401 '), 'the product does not take them')
  registry.serverConnectTokens = true
  t.equal(await ask('demosct'), 'sct:')
  for (const [what, outcome] of [
    ['wrong', await ask('demosc')], ['in another case', await ask('Demosct')], ['its hash', await ask(serverConnectTokenHash(FRONT, 'demosct'))], ['of another device', await ask('demosct', NONE)], ['wrong, no such device', await ask('x', NONE)],
  ]) t.equal(outcome, refused, `${what}: the same words whatever there is`)
  const proof = await admission.client(FRONT, { sct: 'demosct' })
  t.equal(isVouchedFor(proof?.kid), false, 'it lets through, and vouches for nobody')
  t.equal(proof?.scopes.size, 0, 'no TURN')
  await admission.recheck(FRONT, proof?.kid)
  registry.tokens.clear()
  await t.rejects(admission.recheck(FRONT, proof?.kid), 'ERR_RENDEZVOUS_FORBIDDEN', 'removed')
  registry.tokens.add(serverConnectTokenHash(FRONT, 'demosct'))
  registry.serverConnectTokens = false
  await t.rejects(admission.recheck(FRONT, proof?.kid), 'ERR_RENDEZVOUS_FORBIDDEN', 'no longer taken')
  registry.serverConnectTokens = true
  registry.tokens.add(serverConnectTokenHash(FRONT, 'a.b.c'))
  t.equal((await admission.client(FRONT, { sct: 'a.b.c' }))?.kid.slice(0, 4), 'sct:', 'where a token says what it is, it may have dots')
  t.ok((await ask('a.b.c')).startsWith('401 '), 'as a bearer token it is taken for a JWT')
  await t.rejects(admission.device(FRONT, 'demosct'), 'ERR_RENDEZVOUS_UNAUTHORIZED', 'no device comes in with it')
})

test('admission: a wrong token costs as much as one for a device that there is not', async (t) => {
  const { registry, ask } = stage()
  registry.serverConnectTokens = true
  const asked: string[] = []
  const real = createLookups()
  registry.hasServerConnectToken = (...args) => { asked.push('token'); return real.hasServerConnectToken(...args) }
  registry.hasDevice = (...args) => { asked.push('device'); return real.hasDevice(...args) }
  await ask('wrong')
  const known = asked.splice(0)
  await ask('wrong', NONE)
  t.same(asked, known)
  t.same(known, ['token'])
})

test('admission: tokens of an issuer', async (t) => {
  const { registry, admission, ask, claims } = stage()
  const good = await key.sign(claims())
  t.ok((await ask(good)).startsWith('401 '), 'the product names no issuer')
  registry.clientJwt = jwtPolicy
  t.equal(await ask(good), 'jwt:')
  for (const devices of ['wp-a.wd-front', 'WP-A.WD-Front', ['wp-a.wd-front'], 'wp-b.wd-front wp-a.wd-front']) t.equal(await ask(await key.sign(claims({ devices }))), 'jwt:', JSON.stringify(devices))
  for (const devices of [undefined, '', 'wp-a', 'wd-front', 'wp-a.wd-fron', 'wp-a.wd-front2', 'wp-a.*', '*', 'wp-b.wd-front', 'wp-a.wd-front,wp-b.x', { 'wp-a.wd-front': 1 }, 7]) {
    t.ok((await ask(await key.sign(claims({ devices })))).startsWith('403 '), JSON.stringify(devices))
  }
  for (const changes of [{ iss: 'https://evil.test' }, { aud: 'https://other.test' }, { aud: undefined }, { exp: undefined }, { exp: 1 }, { nbf: 9e9 }, { sub: undefined }]) {
    t.ok((await ask(await key.sign(claims(changes)))).startsWith('401 '), JSON.stringify(changes))
  }
  const proof = await admission.client(FRONT, { jwt: await key.sign(claims({ scope: 'openid turn' })) })
  t.ok(proof?.scopes.has('turn'))
  t.ok(isVouchedFor(proof?.kid))
  t.ok((await ask(await key.sign(claims({ devices: 'wp-a.wd-none' })), NONE)).startsWith('404 '), 'a good token is told about its own device')
  await admission.recheck(FRONT, proof?.kid)
  for (const changes of [{ issuer: 'https://new.test' }, { audience: 'https://new.test' }, { claim: 'ids' }]) {
    registry.clientJwt = { ...jwtPolicy, ...changes }
    await t.rejects(admission.recheck(FRONT, proof?.kid), 'ERR_RENDEZVOUS_FORBIDDEN', JSON.stringify(changes))
  }
  registry.clientJwt = undefined
  await t.rejects(admission.recheck(FRONT, proof?.kid), 'ERR_RENDEZVOUS_FORBIDDEN')
})

test('admission: the issuer is down', async (t) => {
  const { registry, ask, claims, issuer } = stage()
  registry.clientJwt = jwtPolicy
  issuer.answer = () => ({ status: 500 })
  t.ok((await ask(await key.sign(claims()))).startsWith('503 '))
})

test('audiences: a token for a device opens no rendezvous, and the reverse', async (t) => {
  const { registry, ask, claims } = stage()
  registry.clientJwt = jwtPolicy
  t.ok((await ask(await key.sign(claims({ aud: deviceAudience(FRONT) })))).startsWith('401 '), 'for the device alone')
  for (const aud of [[RENDEZVOUS, deviceAudience(FRONT)], [RENDEZVOUS, 'nabto://device?productId=x'], [RENDEZVOUS, ' NABTO://anything']]) {
    t.ok((await ask(await key.sign(claims({ aud })))).startsWith('401 '), `for both: ${aud[1]}`)
  }
  // Even where somebody writes the audience of a device into the policy past the admin API.
  registry.clientJwt = { ...jwtPolicy, audience: deviceAudience(FRONT) }
  t.ok((await ask(await key.sign(claims({ aud: deviceAudience(FRONT) })))).startsWith('401 '))

  const device = await oauthStage()
  t.equal((await device.post(device.connect(), await deviceKey.sign(device.claims()))).code, '2.01')
  t.equal((await device.post(device.connect(), await deviceKey.sign(device.claims({ aud: RENDEZVOUS, devices: 'wp-a.wd-front' })))).code, '4.01', 'for the rendezvous')
  t.equal(DEVICE_AUDIENCE, 'nabto://device?productId=wp-a&deviceId=wd-front')
})

test('product settings: as the admin API takes them', (t) => {
  t.same(readProductSettings({}), {})
  t.same(readProductSettings({ anonymousClients: false, serverConnectTokens: true, clientJwt: { ...jwtPolicy, more: 1 } }), { anonymousClients: false, serverConnectTokens: true, clientJwt: jwtPolicy })
  t.same(readProductSettings({ clientJwt: null }), { clientJwt: null })
  const wrong: Record<string, unknown>[] = [
    { anonymousClients: 1 }, { serverConnectTokens: 'yes' }, { clientJwt: 'x' }, { clientJwt: [] }, { clientJwt: {} },
    ...['issuer', 'audience', 'jwksUri', 'claim'].flatMap((name) => [undefined, '', 7, 'https://x/'.padEnd(3000, 'x')].map((value) => ({ clientJwt: { ...jwtPolicy, [name]: value } }))),
    { clientJwt: { ...jwtPolicy, audience: deviceAudience(FRONT) } }, { clientJwt: { ...jwtPolicy, audience: 'Nabto://x' } },
    { clientJwt: { ...jwtPolicy, jwksUri: 'http://issuer.test/jwks' } }, { clientJwt: { ...jwtPolicy, jwksUri: 'file:///etc/passwd' } },
  ]
  for (const body of wrong) t.throws(() => readProductSettings(body), 'ERR_RENDEZVOUS_BAD_REQUEST', JSON.stringify(body).slice(0, 120))
})
