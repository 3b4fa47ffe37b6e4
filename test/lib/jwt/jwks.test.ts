import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { parseKeySet, verifyJws } from '../../../lib/jwt/index.ts'
import cookbook from '../../vectors/jose-cookbook/4_1.rsa_v15_signature.json' with { type: 'json' }
import keyFile from '../../vectors/wycheproof/json_web_key_test.json' with { type: 'json' }
import { seededRandom } from '../crypto/seeded-random.ts'
import { test } from '../../suite.ts'
import { issuerKey } from './test-issuer.ts'

const random = seededRandom(41)
const [one, two] = [issuerKey('one', random), issuerKey('two', random)]
const { kty, n, e } = cookbook.input.key
const rsa = { kty, n, e, kid: 'rsa' }
const parse = (keys: unknown, more: Record<string, unknown> = {}): [string, string][] =>
  [...parseKeySet(encodeUtf8(JSON.stringify({ keys, ...more })))].map(([kid, { algorithm }]) => [kid, algorithm])

test('key sets: the algorithm is that of the kind of key', (t) => {
  t.same(parse([one.jwk, rsa, two.jwk], { unknown: 1 }), [['one', 'ES256'], ['rsa', 'RS256'], ['two', 'ES256']])
  t.same(parse([{ ...one.jwk, alg: 'ES256', use: 'sig', key_ops: ['verify'], x5c: ['ignored'] }]), [['one', 'ES256']])
})

test('key sets: what is unfit is passed over, and the rest is used', (t) => {
  const unfit: [string, unknown][] = [
    ['no name', { ...one.jwk, kid: undefined }],
    ['a name that is no text', { ...one.jwk, kid: 7 }],
    ['a name too long', { ...one.jwk, kid: 'k'.repeat(257) }],
    ['for another algorithm', { ...one.jwk, alg: 'ES384' }],
    ['a P-256 key for RS256', { ...one.jwk, alg: 'RS256' }],
    ['an RSA key for ES256', { ...rsa, alg: 'ES256' }],
    ['an RSA key for PSS', { ...rsa, alg: 'PS256' }],
    ['for encryption', { ...rsa, use: 'enc' }],
    ['for signing alone', { ...one.jwk, key_ops: ['sign'] }],
    ['another curve', { ...one.jwk, crv: 'P-384' }],
    ['off the curve', { ...one.jwk, x: one.jwk.y }],
    ['a shared secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'one', alg: 'HS256' }],
    ['Ed25519', { kty: 'OKP', crv: 'Ed25519', x: one.jwk.x, kid: 'one' }],
    ['RSA too short', { ...rsa, n: n.slice(0, 200) }],
    ['exponent 1', { ...rsa, e: 'AQ' }],
    ['with its private half', { ...one.jwk, d: one.jwk.x }],
    ['RSA with its private half', cookbook.input.key],
    ['no key', 'one'], ['nothing', null], ['a list', []],
  ]
  for (const [name, jwk] of unfit) t.same(parse([jwk, two.jwk]), [['two', 'ES256']], name)
})

test('key sets: keys that share a name are all passed over', (t) => {
  t.same(parse([one.jwk, two.jwk, { ...two.jwk, kid: 'one' }]), [['two', 'ES256']])
  t.same(parse([one.jwk, one.jwk, one.jwk]), [])
  t.same(parse([one.jwk, { kty: 'oct', kid: 'one' }]), [], 'with an unfit one too')
})

test('key sets: bounds, and one past each', (t) => {
  const many = (count: number): unknown[] => Array.from({ length: count }, (_one, at) => ({ ...one.jwk, kid: `key ${at}` }))
  t.equal(parse(many(32)).length, 32)
  t.throws(() => parse(many(33)), 'ERR_JWKS_MALFORMED')
  const text = JSON.stringify({ keys: [one.jwk] })
  const sized = (length: number): Uint8Array => encodeUtf8(text.padEnd(length, ' '))
  t.equal(parseKeySet(sized(65_536)).size, 1)
  t.throws(() => parseKeySet(sized(65_537)), 'ERR_JWKS_MALFORMED')
  t.throws(() => parseKeySet(sized(300), {}, { maxBytes: 299 }), 'ERR_JWKS_MALFORMED')
  t.throws(() => parse([[[[[[[[]]]]]]]]), 'ERR_JWKS_MALFORMED', 'nested too deeply')
})

test('key sets: what is none', (t) => {
  for (const text of ['', 'null', '[]', '"keys"', '{}', '{"keys":{}}', '{"keys":7}', '{"keys":[]', '{"keys":[],"keys":[]}', '<html></html>', '{"keys":[{"kid":"a","kid":"b"}]}']) {
    t.throws(() => parseKeySet(encodeUtf8(text)), 'ERR_JWKS_MALFORMED', text)
  }
  t.throws(() => parseKeySet(Uint8Array.of(0xff, 0xfe)), 'ERR_JWKS_MALFORMED')
  t.equal(parseKeySet(encodeUtf8('{"keys":[]}')).size, 0)
})

test('Wycheproof: of sets of several keys none that is a shared secret or shares its name is used', async (t) => {
  let count = 0
  for (const group of keyFile.testGroups) {
    if (((group.private as { keys?: unknown[] }).keys ?? []).length < 2) continue
    const set = parseKeySet(encodeUtf8(JSON.stringify(group.private)))
    for (const { tcId, jws } of group.tests as { tcId: number; jws: unknown }[]) {
      count++
      await t.rejects((async () => verifyJws(String(jws), [...set.values()]))(), 'JwtError', `${tcId} ${group.comment}`)
    }
  }
  t.equal(count, 4)
})
