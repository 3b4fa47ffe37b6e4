import { decodeBase64url, encodeBase64url, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createSigner, encodeSpki, generatePrivateKey, parsePrivateKey, publicKeyToJwk, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { es256SigningKey, es256VerifyingKey, hs256Key, JwtError, type JwtVerifyingKey, readJwtHeader, signJwt, verifyJwt } from '../../../lib/jwt/index.ts'
import { seededRandom } from '../crypto/seeded-random.ts'
import { test } from '../../suite.ts'

const random = seededRandom(30)
const key = generatePrivateKey(random)
const signing = es256SigningKey(createSigner(key, { random }))
const verifying = es256VerifyingKey(key.publicKey)
const secret = hs256Key(encodeUtf8('s3cret'))
const text = (value: string): string => encodeBase64url(encodeUtf8(value))

/** A token with this header and claims text, rightly signed with the shared secret. */
function tokenOf(header: string, claims = '{}'): string {
  const input = `${text(header)}.${text(claims)}`
  return `${input}.${encodeBase64url(secret.sign(encodeUtf8(input)))}`
}

const HS256 = '{"alg":"HS256"}'

test('jwt: the vector of protocol/webrtc-signaling.md §7.2', (t) => {
  const claims = { message: { type: 'SETUP_REQUEST' }, messageSeq: 0, signerNonce: '11111111-1111-4111-8111-111111111111' }
  const token = signJwt({ typ: 'JWT', kid: 'default' }, claims, secret)
  t.equal(token, `${text('{"alg":"HS256","typ":"JWT","kid":"default"}')}.${text(JSON.stringify(claims))}.Fey0iGu4iqxZ0vu2YMXnASnYQl7SiQM99_sNNognuTo`)
  t.same(verifyJwt(token, secret), { header: { alg: 'HS256', typ: 'JWT', kid: 'default' }, claims })
})

// RFC 7515 A.1 and A.3: the same claims, signed with either algorithm.
const rfcClaims = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const rfcKey = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0', d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI' }
const rfcSecret = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'

test('jwt: RFC 7515 A.1 and A.3', async (t) => {
  const hs = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${rfcClaims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`
  const es = `eyJhbGciOiJFUzI1NiJ9.${rfcClaims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`
  const claims = { iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true }
  t.same(verifyJwt(hs, hs256Key(decodeBase64url(rfcSecret))).claims, claims)
  t.same((await verifyJwt(es, es256VerifyingKey(parsePrivateKey(rfcKey).publicKey))).claims, claims)
})

test('jwt: HS256 with secrets of any length, the empty one included', (t) => {
  for (const length of [0, 1, 3, 32, 64, 65, 1000]) {
    const shared = hs256Key(new Uint8Array(length).fill(7))
    const token = signJwt({}, { length }, shared)
    t.same(verifyJwt(token, shared), { header: { alg: 'HS256' }, claims: { length } })
    t.throws(() => verifyJwt(token, hs256Key(new Uint8Array(length + 1).fill(7))), 'ERR_JWT_SIGNATURE')
  }
})

test('jwt: ES256 signed and verified; another key, another message, another signature', async (t) => {
  const token = await signJwt({ typ: 'JWT', kid: 'k' }, { a: 'æ' }, signing)
  t.same(await verifyJwt(token, verifying), { header: { alg: 'ES256', typ: 'JWT', kid: 'k' }, claims: { a: 'æ' } })
  const [header, claims, signature] = token.split('.')
  const other = es256VerifyingKey(generatePrivateKey(random).publicKey)
  const refused = async (bad: string, by: JwtVerifyingKey = verifying): Promise<void> => t.rejects((async () => verifyJwt(bad, by))(), 'ERR_JWT_SIGNATURE')
  await refused(token, other)
  await refused(`${header}.${text('{"a":"b"}')}.${signature}`)
  await refused(`${text('{"alg":"ES256"}')}.${claims}.${signature}`)
  await refused(`${header}.${claims}.`)
  await refused(`${header}.${claims}.${signature.slice(0, 84)}`)
  await refused(`${header}.${claims}.${signature}AA`)
  t.same((await verifyJwt(token, [other, verifying])).claims, { a: 'æ' }, 'the second of two keys')
  await t.rejects((async () => verifyJwt(token, [other, other]))(), 'ERR_JWT_SIGNATURE')
  await t.rejects((async () => verifyJwt(token, []))(), 'ERR_JWT_ALGORITHM')
})

test('jwt: keys that answer later', async (t) => {
  const later: JwtVerifyingKey = { algorithm: 'ES256', verify: (message, signature) => Promise.resolve(verifying.verify(message, signature)) }
  const no: JwtVerifyingKey = { algorithm: 'ES256', verify: () => Promise.resolve(false) }
  const token = await signJwt({}, { a: 1 }, { algorithm: 'ES256', sign: (message) => Promise.resolve(signing.sign(message)) })
  t.same((await verifyJwt(token, [no, later])).claims, { a: 1 })
  await t.rejects(Promise.resolve(verifyJwt(token, no)), 'ERR_JWT_SIGNATURE')
})

test('jwt: the algorithm is that of the key (RFC 8725 §2.1, §3.1)', async (t) => {
  const claims = '{"admin":true}'
  const none = `${text('{"alg":"none"}')}.${text(claims)}.`
  for (const spelling of ['none', 'None', 'NONE', '', 'es256', 'ES384', 'RS256']) {
    const token = `${text(JSON.stringify({ alg: spelling }))}.${text(claims)}.`
    t.throws(() => verifyJwt(token, verifying), 'ERR_JWT_ALGORITHM', spelling)
    t.throws(() => verifyJwt(token, secret), 'ERR_JWT_ALGORITHM', spelling)
  }
  t.throws(() => verifyJwt(none, [verifying, secret]), 'ERR_JWT_ALGORITHM')
  // The public key as the secret of an HMAC, in every form an attacker could guess.
  for (const guess of [encodeSpki(key.publicKey), key.publicKey.point, encodeUtf8(publicKeyToPem(key.publicKey)), encodeUtf8(JSON.stringify(publicKeyToJwk(key.publicKey)))]) {
    t.throws(() => verifyJwt(signJwt({}, { admin: true }, hs256Key(guess)), verifying), 'ERR_JWT_ALGORITHM')
  }
  const es = await signJwt({}, { admin: true }, signing)
  t.throws(() => verifyJwt(es, secret), 'ERR_JWT_ALGORITHM')
})

test('jwt: a key in the header is never used (RFC 8725 §3.5, RFC 7515 §10)', async (t) => {
  const attacker = generatePrivateKey(random)
  const header = { alg: 'ES256', jwk: publicKeyToJwk(attacker.publicKey), jku: 'https://attacker.example/keys', x5u: 'https://attacker.example/cert', x5c: ['AA'] }
  const input = `${text(JSON.stringify(header))}.${text('{}')}`
  const token = `${input}.${encodeBase64url(await createSigner(attacker, { random }).sign(encodeUtf8(input)))}`
  t.same(readJwtHeader(token), { alg: 'ES256' })
  await t.rejects((async () => verifyJwt(token, verifying))(), 'ERR_JWT_SIGNATURE')
})

test('jwt: headers that are refused', (t) => {
  t.ok(verifyJwt(tokenOf(HS256), secret))
  for (const header of ['{"alg":"HS256","crit":["b64"],"b64":false}', '{"alg":"HS256","crit":[]}', '{"alg":"HS256","crit":null}', '{}', '{"alg":256}', '{"alg":null}', '{"alg":["HS256"]}', '{"alg":"HS256","kid":1}', '{"alg":"HS256","kid":null}', '{"alg":"HS256","typ":{}}']) {
    t.throws(() => verifyJwt(tokenOf(header), secret), 'ERR_JWT_HEADER', header)
    t.throws(() => readJwtHeader(tokenOf(header)), 'ERR_JWT_HEADER', header)
  }
  const kid = (length: number): string => tokenOf(`{"alg":"HS256","kid":"${'k'.repeat(length)}"}`)
  t.equal(readJwtHeader(kid(256)).kid?.length, 256)
  t.throws(() => readJwtHeader(kid(257)), 'ERR_JWT_HEADER')
  t.equal(readJwtHeader(tokenOf('{"alg":"HS256","kid":"../../etc/passwd\\u0000\' or 1=1"}')).kid, "../../etc/passwd\u0000' or 1=1", 'opaque')
})

test('jwt: names that come twice are refused, in header and claims', (t) => {
  for (const token of [tokenOf('{"alg":"none","alg":"HS256"}'), tokenOf('{"alg":"HS256","\\u0061lg":"HS256"}'), tokenOf(HS256, '{"sub":"a","sub":"b"}'), tokenOf(HS256, '{"a":{"b":1,"b":2}}')]) {
    t.throws(() => verifyJwt(token, secret), 'ERR_JWT_MALFORMED')
  }
})

test('jwt: what is not a compact JWS of JSON objects', (t) => {
  const good = tokenOf(HS256)
  for (const bad of ['', '.', '..', 'a.b', `${good}.`, `.${good}`, `${good}=`, ` ${good}`, `${good}\n`, good.replace('.', ' .'), good.replace(/\.[^.]*$/, ''), `{"payload":"","signatures":[]}`]) {
    t.throws(() => verifyJwt(bad, secret), 'ERR_JWT_MALFORMED', bad)
  }
  for (const token of [tokenOf('[]'), tokenOf('"HS256"'), tokenOf('null'), tokenOf('{'), tokenOf(HS256, '[]'), tokenOf(HS256, 'null'), tokenOf(HS256, 'foo'), tokenOf(HS256, '')]) {
    t.throws(() => verifyJwt(token, secret), 'ERR_JWT_MALFORMED')
  }
  const notText = `${text(HS256)}.${encodeBase64url(Uint8Array.of(0xff))}`
  t.throws(() => verifyJwt(`${notText}.${encodeBase64url(secret.sign(encodeUtf8(notText)))}`, secret), 'ERR_JWT_MALFORMED')
  for (let cut = 0; cut < good.length; cut++) {
    try {
      verifyJwt(good.slice(0, cut), secret)
      t.fail(`cut at ${cut}`)
    } catch (thrown) {
      t.ok(thrown instanceof JwtError, `cut at ${cut}`)
    }
  }
})

test('jwt: one signature has one spelling', (t) => {
  const good = tokenOf(HS256)
  // The last character of 43 has two unused bits.
  const last = good.charCodeAt(good.length - 1)
  t.throws(() => verifyJwt(good.slice(0, -1) + String.fromCharCode(last + 1), secret), 'ERR_JWT_MALFORMED')
})

test('jwt: claims are not parsed before the signature holds', (t) => {
  const bad = tokenOf(HS256, '{"a":1,"a":2}')
  t.throws(() => verifyJwt(`${bad.slice(0, -43)}${'A'.repeat(43)}`, secret), 'ERR_JWT_SIGNATURE')
})

test('jwt: size and depth at their bounds and one past them', (t) => {
  const sized = (bytes: number): string => {
    for (let padding = 0; padding < 4; padding++) {
      for (let filling = Math.floor((bytes * 3) / 4) - 80; filling < bytes; filling++) {
        const token = tokenOf(`{"alg":"HS256"${' '.repeat(padding)}}`, `{"a":"${'a'.repeat(filling)}"}`)
        if (token.length === bytes) return token
        if (token.length > bytes) break
      }
    }
    throw new Error(`no token of ${bytes} bytes`)
  }
  t.ok(verifyJwt(sized(8192), secret))
  t.throws(() => verifyJwt(sized(8193), secret), 'more than 8192')
  t.throws(() => readJwtHeader(sized(8193)), 'more than 8192')
  t.ok(verifyJwt(sized(8193), secret, { maxBytes: 8193 }))
  const deep = (depth: number): string => tokenOf(HS256, '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1))
  t.ok(verifyJwt(deep(16), secret))
  t.throws(() => verifyJwt(deep(17), secret), 'deeper than 16')
  t.throws(() => verifyJwt(deep(3), secret, { maxDepth: 2 }), 'deeper than 2')
  t.throws(() => readJwtHeader(tokenOf(`{"alg":"HS256","jwk":${'['.repeat(2000)}`)), 'deeper than 16')
})

test('jwt: errors never quote the token', (t) => {
  const token = tokenOf(HS256, '{"password":"hunter2"')
  for (const bad of [token, `${token}x`, token.slice(0, -2)]) {
    try {
      verifyJwt(bad, secret)
      t.fail('should throw')
    } catch (thrown) {
      t.ok(!/hunter2|eyJ/.test(`${String(thrown)} ${String((thrown as Error).cause)}`))
    }
  }
})
