import { concatBytes, decodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { DER, encodeDer } from '../../../lib/crypto/der.ts'
import {
  createCallbackSigner, createSigner, createVerifier, encodeSpki, generatePrivateKey, parsePrivateKey, parsePublicKey,
} from '../../../lib/crypto/index.ts'
import { decodePemBody, encodePem } from '../../../lib/crypto/pem.ts'
import { encodeAlgorithm } from '../../../lib/crypto/public-key.ts'
import { checkClaims, es256VerifyingKey, hs256Key, signJwt, verifyJwt } from '../../../lib/jwt/index.ts'
import vectors from '../../vectors/keys/own-p256.json' with { type: 'json' }
import { test } from '../../suite.ts'
import { seededRandom } from './seeded-random.ts'

const random = seededRandom(77)
const key = generatePrivateKey(random)
const other = generatePrivateKey(random)
const message = encodeUtf8('a message')

const CURVE = encodeDer(DER.oid, decodeHex('2a8648ce3d030107'))
const JUNK = Uint8Array.of(5, 0)
const bits = (point: Uint8Array): Uint8Array => encodeDer(DER.bitString, Uint8Array.of(0), point)

/** An ECPrivateKey, whose parts can be spoilt. */
function ecPrivateKey(parts: { version?: number[]; afterCurve?: Uint8Array; point?: Uint8Array; afterPoint?: Uint8Array } = {}): Uint8Array {
  const { version = [1], afterCurve = new Uint8Array(0), point = key.publicKey.point, afterPoint = new Uint8Array(0) } = parts
  return encodeDer(
    DER.sequence, encodeDer(DER.integer, Uint8Array.from(version)), encodeDer(DER.octetString, key.d),
    encodeDer(DER.context0, CURVE, afterCurve), encodeDer(DER.context1, bits(point), afterPoint),
  )
}

/** PrivateKeyInfo around it. */
function pkcs8(inner: Uint8Array, version: number[] = [0], outerPoint?: Uint8Array): string {
  const publicPart = outerPoint === undefined ? new Uint8Array(0) : encodeDer(DER.implicit1, outerPoint)
  return encodePem('PRIVATE KEY', encodeDer(
    DER.sequence, encodeDer(DER.integer, Uint8Array.from(version)), encodeAlgorithm(), encodeDer(DER.octetString, inner), publicPart,
  ))
}

const plain = (point: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(0), point)

test('keys: the forms that the refused ones below are made from are read', (t) => {
  const { point } = key.publicKey
  for (const pem of [encodePem('EC PRIVATE KEY', ecPrivateKey()), pkcs8(ecPrivateKey()), pkcs8(ecPrivateKey(), [1], plain(point))]) {
    t.same(parsePrivateKey(pem), key)
  }
})

test('keys: bytes behind the curve or the public key are refused', (t) => {
  for (const spoilt of [ecPrivateKey({ afterCurve: JUNK }), ecPrivateKey({ afterPoint: JUNK })]) {
    t.throws(() => parsePrivateKey(encodePem('EC PRIVATE KEY', spoilt)), 'ERR_KEY_FORMAT')
    t.throws(() => parsePrivateKey(pkcs8(spoilt)), 'ERR_KEY_FORMAT')
  }
  const parameters = encodePem('EC PARAMETERS', concatBytes(CURVE, JUNK))
  t.throws(() => parsePrivateKey(parameters + encodePem('EC PRIVATE KEY', ecPrivateKey())), 'ERR_KEY_FORMAT')
})

test('keys: a version is what its standard says, not something that begins so', (t) => {
  t.throws(() => parsePrivateKey(encodePem('EC PRIVATE KEY', ecPrivateKey({ version: [1, 5] }))), 'ERR_KEY_FORMAT')
  for (const version of [[2], [0x7f], [1, 0]]) t.throws(() => parsePrivateKey(pkcs8(ecPrivateKey(), version)), 'ERR_KEY_FORMAT', String(version))
})

test('keys: of two public keys in one file neither may be of another key', (t) => {
  const [mine, theirs] = [key.publicKey.point, other.publicKey.point]
  t.throws(() => parsePrivateKey(pkcs8(ecPrivateKey({ point: theirs }), [1], plain(mine))), 'ERR_KEY_MISMATCH')
  t.throws(() => parsePrivateKey(pkcs8(ecPrivateKey({ point: mine }), [1], plain(theirs))), 'ERR_KEY_MISMATCH')
  t.throws(() => parsePrivateKey(pkcs8(ecPrivateKey(), [1], concatBytes(Uint8Array.of(7), mine))), 'ERR_KEY_FORMAT', 'unused bits')
})

test('keys: a private JWK is no more a public key than a private PEM is', (t) => {
  for (const form of [vectors.jwk, JSON.stringify(vectors.jwk)]) t.throws(() => parsePublicKey(form), 'stays on the device')
})

test('keys: hostile forms of an SPKI', (t) => {
  const { point } = key.publicKey
  const spki = encodeSpki(key.publicKey)
  t.same(parsePublicKey(spki), key.publicKey)
  const algorithm = encodeAlgorithm()
  const forms = {
    'indefinite length': concatBytes(Uint8Array.of(0x30, 0x80), spki.subarray(2), Uint8Array.of(0, 0)),
    'length not in its shortest form': concatBytes(Uint8Array.of(0x30, 0x81), spki.subarray(1)),
    'length of four bytes': concatBytes(Uint8Array.of(0x30, 0x84, 0, 0, 0), spki.subarray(1)),
    'unused bits': encodeDer(DER.sequence, algorithm, encodeDer(DER.bitString, Uint8Array.of(1), point)),
    'no bits': encodeDer(DER.sequence, algorithm, encodeDer(DER.bitString)),
    'something behind the curve': encodeDer(
      DER.sequence, encodeDer(DER.sequence, encodeDer(DER.oid, decodeHex('2a8648ce3d0201')), CURVE, JUNK), bits(point),
    ),
    'something behind the point': encodeDer(DER.sequence, algorithm, bits(point), JUNK),
    'a curve whose name goes on': encodeDer(
      DER.sequence, encodeDer(DER.sequence, encodeDer(DER.oid, decodeHex('2a8648ce3d0201')), encodeDer(DER.oid, decodeHex('2a8648ce3d03010700'))), bits(point),
    ),
    'hybrid point': encodeDer(DER.sequence, algorithm, bits(concatBytes(Uint8Array.of(6 + (point[64] & 1)), point.subarray(1)))),
    'point at infinity': encodeDer(DER.sequence, algorithm, bits(Uint8Array.of(0))),
  }
  for (const [name, form] of Object.entries(forms)) t.throws(() => parsePublicKey(form), 'LenskeyError', name)
})

test('keys: a byte order mark in front of any form, and a NUL in none', (t) => {
  const forms = [vectors.accepted.pkcs8, vectors.accepted.sec1WithParameters, JSON.stringify(vectors.jwk), 'ab'.repeat(32)]
  for (const form of forms) {
    t.same(parsePrivateKey(`\ufeff${form}`), parsePrivateKey(form))
    t.throws(() => parsePrivateKey(`${form.slice(0, 50)}\0${form.slice(50)}`), 'ERR_KEY_FORMAT')
  }
})

test('keys: a search that costs no more for being hostile', (t) => {
  const label = `${'-----BEGIN '.slice(1).repeat(2000)} KEY`
  t.throws(() => parsePrivateKey(`-----BEGIN ${label}-----${'-----END '.repeat(3000)}`), 'ERR_KEY_FORMAT')
  t.throws(() => parsePrivateKey('-----BEGIN A----------END A-----'.repeat(2000)), 'ERR_KEY_FORMAT')
  t.throws(() => parsePrivateKey(`{"a":${'['.repeat(65_000)}`), 'ERR_KEY_FORMAT')
})

test('keys: the body of a block lies in memory of its own, which no other view shows', (t) => {
  t.equal(decodePemBody({ label: 'TEST', encrypted: false, body: 'AAAA' }).buffer.byteLength, 3)
})

test('random: a source that always gives the same makes no key', (t) => {
  t.throws(() => generatePrivateKey({ bytes: (length) => new Uint8Array(length).fill(7) }), 'ERR_RANDOM')
})

test('signer: wiping the key, or the secret, after it was handed over changes nothing', async (t) => {
  const d = key.d.slice()
  const signer = createSigner({ d, publicKey: key.publicKey }, { random })
  d.fill(0)
  t.ok(await createVerifier(key.publicKey).verify(message, await signer.sign(message)))
  const secret = encodeUtf8('secret').slice()
  const held = hs256Key(secret)
  secret.fill(0)
  t.throws(() => verifyJwt(signJwt({}, {}, hs256Key(new Uint8Array(6))), held), 'ERR_JWT_SIGNATURE')
})

test('signer: a platform that signs in another form is found out, not its tokens', async (t) => {
  const der = decodeHex(`3045022100${'ff'.repeat(32)}0220${'11'.repeat(32)}`)
  for (const answer of [der, new Uint8Array(64), Promise.resolve(der)]) {
    const signer = createSigner(key, { random, nativeCrypto: { p256Signer: () => ({ sign: () => answer }) } })
    await t.rejects(Promise.resolve().then(() => signer.sign(message)), 'ERR_SIGNATURE_FORMAT')
  }
  const webCrypto = createCallbackSigner(key.publicKey, () => new Uint8Array(64).buffer as unknown as Uint8Array)
  await t.rejects(Promise.resolve(webCrypto.sign(message)), 'a Uint8Array of 64 bytes')
})

test('jwt: only true verifies, not the -1 by which OpenSSL reports a failure', async (t) => {
  const answer = Promise.resolve(-1 as unknown as boolean)
  const keys = es256VerifyingKey(key.publicKey, { nativeCrypto: { p256Verifier: () => ({ verify: () => answer }) } })
  const token = await signJwt({}, {}, { algorithm: 'ES256', sign: () => new Uint8Array(64).fill(1) })
  await t.rejects(Promise.resolve(verifyJwt(token, keys)), 'ERR_JWT_SIGNATURE')
  await t.rejects(Promise.resolve(verifyJwt(token, [keys, keys])), 'ERR_JWT_SIGNATURE')
})

test('jwt: a clock that is no number refuses every time claim', (t) => {
  t.throws(() => checkClaims({ exp: 1 }, { nowSeconds: NaN }), 'ERR_JWT_EXPIRED')
  t.throws(() => checkClaims({ nbf: 9e9 }, { nowSeconds: NaN }), 'ERR_JWT_NOT_YET_VALID')
  t.throws(() => checkClaims({ exp: 1 }, { nowSeconds: 100, leewaySeconds: NaN }), 'ERR_JWT_EXPIRED')
  t.throws(() => checkClaims({ iat: 1, exp: 9e9 }, { nowSeconds: 1, maxLifetimeSeconds: NaN }), 'ERR_JWT_CLAIM')
})

test('jwt: members named like what objects inherit are members like any other', (t) => {
  const held = hs256Key(encodeUtf8('k'))
  const { claims } = verifyJwt(signJwt({}, JSON.parse('{"__proto__":{"exp":1},"constructor":2}') as Record<string, unknown>, held), held)
  t.equal(claims.exp, undefined)
  t.equal(claims.constructor, 2)
  t.ok(Object.prototype.hasOwnProperty.call(claims, '__proto__'))
})
