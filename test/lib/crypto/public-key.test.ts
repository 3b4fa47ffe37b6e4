import { concatBytes, decodeHex, encodeHex } from '../../../lib/bytes/index.ts'
import { encodeSpki, parsePublicKey, publicKeyToJwk, publicKeyToPem } from '../../../lib/crypto/index.ts'
import vectors from '../../vectors/keys/own-p256.json' with { type: 'json' }
import { test } from '../../suite.ts'

const { x, y } = vectors.jwk
const jwk = { kty: 'EC', crv: 'P-256', x, y }
const spki = decodeHex(vectors.spkiHex)
const point = spki.slice(-65)

test('public key: every form is the same key', (t) => {
  const forms = {
    PEM: vectors.accepted.spki,
    'PEM, flattened': vectors.accepted.spki.replace(/\n/g, ' '),
    DER: spki,
    point,
    'point in hexadecimal': encodeHex(point).toUpperCase(),
    'JWK object': jwk,
    'JWK text': JSON.stringify(jwk),
    'JWK marked for verifying': { ...jwk, use: 'sig', alg: 'ES256', key_ops: ['verify'] },
  }
  for (const [name, form] of Object.entries(forms)) t.same(parsePublicKey(form), { point }, name)
})

test('public key: written in every form', (t) => {
  const key = parsePublicKey(point)
  t.same(encodeSpki(key), spki)
  t.equal(publicKeyToPem(key), vectors.accepted.spki)
  t.same(publicKeyToJwk(key), jwk)
})

test('public key: the bytes are a copy', (t) => {
  const given = point.slice()
  const key = parsePublicKey(given)
  given.fill(0)
  t.same(key.point, point)
})

test('public key: points off the curve are refused in every form', (t) => {
  const off = point.slice()
  off[64] ^= 1
  const forms = [off, encodeHex(off), concatBytes(spki.subarray(0, 26), off), { ...jwk, y: `${y.slice(0, 42)}Y` }, { ...jwk, x: y, y: x }]
  for (const form of forms) t.throws(() => parsePublicKey(form), 'ERR_KEY_POINT')
})

test('public key: what is refused says what to do', (t) => {
  const { refused, accepted } = vectors
  t.throws(() => parsePublicKey(refused.compressedSpki), '-conv_form uncompressed')
  t.throws(() => parsePublicKey(refused.p384Public), 'P-384')
  t.throws(() => parsePublicKey(refused.ed25519Public), 'Ed25519')
  t.throws(() => parsePublicKey(accepted.sec1), 'stays on the device')
  t.throws(() => parsePublicKey('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), 'openssl x509')
  for (const bad of ['', 'x', encodeHex(point).slice(2), point.subarray(1), new Uint8Array(0)]) t.throws(() => parsePublicKey(bad), 'ERR_KEY_FORMAT')
  for (const change of [{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'HS256' }]) t.throws(() => parsePublicKey({ ...jwk, ...change }), 'ERR_KEY_USE')
  t.throws(() => parsePublicKey({ keys: [jwk] }), 'one key of its "keys"')
})

test('public key: SPKI cut at every byte, and one byte too many', (t) => {
  for (let cut = 0; cut < spki.length; cut++) t.throws(() => parsePublicKey(spki.slice(0, cut)), 'ERR_KEY_FORMAT', `cut at ${cut}`)
  t.throws(() => parsePublicKey(concatBytes(spki, Uint8Array.of(0))), 'ERR_KEY_FORMAT')
})
