import { type IssuedTokenRules, isTokenRefusal, type JwtKeySource, JwksError, parseKeySet, readUnverifiedIssuer, verifyIssuedToken } from '../../../lib/jwt/index.ts'
import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { seededRandom } from '../crypto/seeded-random.ts'
import { test } from '../../suite.ts'
import { ISSUER, issuerKey } from './test-issuer.ts'

const NOW = 1_800_000_000
const key = issuerKey('a', seededRandom(42))
const keys: JwtKeySource = {
  keyFor: (kid) => {
    const found = parseKeySet(encodeUtf8(JSON.stringify({ keys: [key.jwk] }))).get(kid)
    return found === undefined ? Promise.reject(new JwksError('ERR_JWKS_KEY_UNKNOWN', 'no such key')) : Promise.resolve(found)
  },
}
const rules: IssuedTokenRules = { keys, issuer: ISSUER, audience: 'door' }
const good = { iss: ISSUER, aud: 'door', sub: 'someone', iat: NOW, exp: NOW + 600 }
const sign = (changes: Record<string, unknown>, header?: Record<string, unknown>): Promise<string> => key.sign({ ...good, ...changes }, header)

test('issued tokens: what comes of a good one', async (t) => {
  t.same(await verifyIssuedToken(await sign({ aud: ['other', 'door'], roles: ['r'] }, { kid: 'a', typ: 'at+jwt' }), rules, NOW), {
    header: { alg: 'ES256', kid: 'a', typ: 'at+jwt' }, claims: { ...good, aud: ['other', 'door'], roles: ['r'] },
    subject: 'someone', audiences: ['other', 'door'], expiresAt: NOW + 600,
  })
  for (const typ of ['JWT', 'jwt', 'AT+JWT', 'application/at+jwt', 'application/JWT']) await verifyIssuedToken(await sign({}, { kid: 'a', typ }), rules, NOW)
})

test('issued tokens: every claim, and one past its bound', async (t) => {
  for (const claims of [{ exp: NOW - 59 }, { nbf: NOW + 60 }, { iat: NOW + 60 }, { sub: 's'.repeat(255) }, { iat: undefined }, { iss: ISSUER }]) {
    await verifyIssuedToken(await sign(claims), rules, NOW)
  }
  for (const [claims, code] of [
    [{ exp: NOW - 60 }, 'ERR_JWT_EXPIRED'], [{ exp: undefined }, 'ERR_JWT_CLAIM'], [{ exp: '2100' }, 'ERR_JWT_CLAIM'], [{ exp: null }, 'ERR_JWT_CLAIM'],
    [{ nbf: NOW + 61 }, 'ERR_JWT_NOT_YET_VALID'], [{ iat: NOW + 61 }, 'ERR_JWT_NOT_YET_VALID'],
    [{ iss: `${ISSUER}/` }, 'ERR_JWT_CLAIM'], [{ iss: ISSUER.toUpperCase() }, 'ERR_JWT_CLAIM'], [{ iss: undefined }, 'ERR_JWT_CLAIM'], [{ iss: [ISSUER] }, 'ERR_JWT_CLAIM'],
    [{ aud: 'Door' }, 'ERR_JWT_CLAIM'], [{ aud: 'door ' }, 'ERR_JWT_CLAIM'], [{ aud: undefined }, 'ERR_JWT_CLAIM'], [{ aud: [] }, 'ERR_JWT_CLAIM'], [{ aud: ['door', 7] }, 'ERR_JWT_CLAIM'],
    [{ aud: { door: 1 } }, 'ERR_JWT_CLAIM'], [{ sub: undefined }, 'ERR_JWT_CLAIM'], [{ sub: '' }, 'ERR_JWT_CLAIM'], [{ sub: 's'.repeat(256) }, 'ERR_JWT_CLAIM'], [{ sub: 7 }, 'ERR_JWT_CLAIM'],
  ] as const) await t.rejects(verifyIssuedToken(await sign(claims), rules, NOW), code, JSON.stringify(claims).slice(0, 40))
  const bounded = { ...rules, maxLifetimeSeconds: 600 }
  await verifyIssuedToken(await sign({}), bounded, NOW)
  await t.rejects(verifyIssuedToken(await sign({ exp: NOW + 601 }), bounded, NOW), 'ERR_JWT_CLAIM')
  await t.rejects(verifyIssuedToken(await sign({}), rules, NaN), 'ERR_JWT_EXPIRED', 'a clock that is none')
})

test('issued tokens: the header', async (t) => {
  for (const [header, code] of [
    [{}, 'ERR_JWT_HEADER'], [{ kid: 'b' }, 'ERR_JWKS_KEY_UNKNOWN'], [{ kid: '../a' }, 'ERR_JWKS_KEY_UNKNOWN'], [{ kid: 'a', typ: 'JWS' }, 'ERR_JWT_HEADER'], [{ kid: 'a', typ: 'secevent+jwt' }, 'ERR_JWT_HEADER'],
  ] as const) {
    const refused: unknown = await verifyIssuedToken(await sign({}, header), rules, NOW).catch((thrown: unknown) => thrown)
    t.equal((refused as { code?: unknown }).code, code, JSON.stringify(header))
    t.ok(isTokenRefusal(refused))
  }
  t.equal(isTokenRefusal(new JwksError('ERR_JWKS_UNAVAILABLE', 'down')), false)
})

test('issued tokens: the issuer that a token claims', async (t) => {
  t.equal(readUnverifiedIssuer(await sign({})), ISSUER)
  t.equal(readUnverifiedIssuer(await sign({ iss: 7 })), undefined)
  t.throws(() => readUnverifiedIssuer('a.b'), 'ERR_JWT_MALFORMED')
})
