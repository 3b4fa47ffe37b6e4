import { concatBytes, decodeHex, encodeHex } from '../../../lib/bytes/index.ts'
import { deviceKeyId, encodeSpki, fingerprintOf, generatePrivateKey, parsePrivateKey, privateKeyToPem, productKeyId, publicKeyToJwk, sha256 } from '../../../lib/crypto/index.ts'
import { DER, encodeDer } from '../../../lib/crypto/der.ts'
import { decodePemBody, encodePem, findPemBlocks } from '../../../lib/crypto/pem.ts'
import vectors from '../../vectors/keys/own-p256.json' with { type: 'json' }
import { test } from '../../suite.ts'
import { seededRandom } from './seeded-random.ts'

const { d, ...publicJwk } = vectors.jwk
const { spki, ...accepted } = vectors.accepted
const dHex = encodeHex(parsePrivateKey(vectors.jwk).d)

test('private key: every form of protocol/webrtc-signaling.md §1.3 is the same key', (t) => {
  const forms: Record<string, string | Record<string, unknown>> = {
    ...accepted,
    'JWK object': vectors.jwk,
    'JWK text': JSON.stringify(vectors.jwk, null, 2),
    'JWK without its public half': { kty: 'EC', crv: 'P-256', d },
    'JWK marked for signing': { ...vectors.jwk, use: 'sig', alg: 'ES256', key_ops: ['sign'] },
    'raw hexadecimal': dHex,
    'raw hexadecimal, upper case, line end': `${dHex.toUpperCase()}\n`,
    CRLF: accepted.sec1WithParameters.replace(/\n/g, '\r\n'),
    'flattened line ends': accepted.sec1WithParameters.replace(/\n/g, ' '),
    'leading text': `Bag Attributes: <No Attributes>\n${accepted.pkcs8}`,
    'public key first': spki + accepted.sec1,
  }
  for (const [name, form] of Object.entries(forms)) {
    const key = parsePrivateKey(form)
    t.equal(encodeHex(key.d), dHex, name)
    t.equal(deviceKeyId(key.publicKey), vectors.kid, name)
  }
})

test('fingerprint: both vectors of protocol/webrtc-signaling.md §1.2', (t) => {
  const { publicKey } = parsePrivateKey(vectors.jwk)
  t.equal(encodeHex(encodeSpki(publicKey)), vectors.spkiHex)
  t.equal(fingerprintOf(publicKey), vectors.kid.slice('device:'.length))
  t.equal(productKeyId(publicKey), vectors.kid.replace('device', 'product'))
  t.same(publicKeyToJwk(publicKey), publicJwk)
  const point = decodeHex('04dcddd3007cd3e4e9d99638ba1874e2f0b2e0ba390e31d6f3b3ce4e22bfed0662cbab4e826467b16884304f8aea7e14d2d6c9a8949d781d59acbfbcb8c7d8fd64')
  t.equal(deviceKeyId({ point }), 'device:d253a3df618f08d76696ddc66fdc35de5d75ed12e1908503b1575e005e79a516')
})

test('private key: what is refused says what to do', (t) => {
  const { refused } = vectors
  const curves = [refused.p384, refused.p384Pkcs8, refused.p384WithParameters, refused.secp256k1, refused.secp256k1Pkcs8, refused.ed25519, refused.rsa, refused.rsaTraditional]
  for (const key of curves) {
    t.throws(() => parsePrivateKey(key), 'ERR_KEY_CURVE')
    t.throws(() => parsePrivateKey(key), 'openssl genpkey')
  }
  t.throws(() => parsePrivateKey(refused.p384), 'P-384')
  t.throws(() => parsePrivateKey(refused.secp256k1), 'secp256k1')
  t.throws(() => parsePrivateKey(refused.rsa), 'RSA')
  for (const key of [refused.encryptedPkcs8, refused.encryptedSec1, refused.encryptedSec1.replace(/\n/g, ' ')]) {
    t.throws(() => parsePrivateKey(key), 'ERR_KEY_ENCRYPTED')
    t.throws(() => parsePrivateKey(key), 'openssl pkey -in')
  }
  t.throws(() => parsePrivateKey(refused.explicitCurve), '-param_enc named_curve')
  t.throws(() => parsePrivateKey(spki), 'public half')
  t.throws(() => parsePrivateKey(encodePem('OPENSSH PRIVATE KEY', Uint8Array.of(1))), 'ssh-keygen')
  t.throws(() => parsePrivateKey(encodePem('WIREGUARD PRIVATE KEY', Uint8Array.of(1))), 'ERR_KEY_CURVE')
  for (const nothing of ['', 'hello', '{', '{"kty":', '[]', dHex.slice(1), `${dHex}0`]) t.throws(() => parsePrivateKey(nothing), 'ERR_KEY_FORMAT', nothing)
  t.throws(() => parsePrivateKey(`{"a":"${'a'.repeat(65_536)}"}`), 'ERR_KEY_TOO_LARGE')
})

test('private key: JWKs that are refused', (t) => {
  const jwk = vectors.jwk
  for (const change of [{ d: undefined }, { d: jwk.d.slice(1) }, { d: `${jwk.d}A` }, { d: 7 }, { d: `${jwk.d.slice(0, 42)}=` }, { y: undefined }, { keys: [] }]) {
    t.throws(() => parsePrivateKey({ ...jwk, ...change }), 'ERR_KEY_FORMAT', JSON.stringify(Object.keys(change)))
  }
  for (const change of [{ kty: 'RSA' }, { kty: 'oct' }, { crv: 'P-384' }, { crv: 'secp256k1' }, { crv: undefined }]) t.throws(() => parsePrivateKey({ ...jwk, ...change }), 'ERR_KEY_CURVE')
  for (const change of [{ use: 'enc' }, { alg: 'ES384' }, { alg: 'ECDH-ES' }, { key_ops: ['verify'] }, { key_ops: 'sign' }]) t.throws(() => parsePrivateKey({ ...jwk, ...change }), 'ERR_KEY_USE')
})

test('private key: a public half of another key is refused', (t) => {
  const other = publicKeyToJwk(generatePrivateKey(seededRandom(9)).publicKey)
  t.throws(() => parsePrivateKey({ ...vectors.jwk, x: other.x, y: other.y }), 'ERR_KEY_MISMATCH')
  t.throws(() => parsePrivateKey({ ...vectors.jwk, x: other.x }), 'ERR_KEY_MISMATCH')
  for (const form of [accepted.pkcs8, accepted.sec1, accepted.sec1Compressed]) {
    const blocks = findPemBlocks(form)
    const der = decodePemBody(blocks[blocks.length - 1])
    // The last byte is the end of the public key, the first one after its tags tells the parity.
    const at = form === accepted.sec1Compressed ? der.length - 33 : der.length - 1
    const changed = der.slice()
    changed[at] ^= 1
    t.throws(() => parsePrivateKey(encodePem(blocks[blocks.length - 1].label, changed)), 'ERR_KEY_MISMATCH')
  }
})

/** SEC1 around any scalar, without a public key. */
function sec1(scalar: Uint8Array, version = 1): string {
  const curve = encodeDer(DER.context0, encodeDer(DER.oid, decodeHex('2a8648ce3d030107')))
  return encodePem('EC PRIVATE KEY', encodeDer(DER.sequence, encodeDer(DER.integer, Uint8Array.of(version)), encodeDer(DER.octetString, scalar), curve))
}

test('private key: the scalar is 1 to n - 1, in every form', (t) => {
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
  for (const bad of ['00'.repeat(32), order, 'ff'.repeat(32)]) {
    t.throws(() => parsePrivateKey(bad), 'ERR_KEY_RANGE')
    t.throws(() => parsePrivateKey(sec1(decodeHex(bad))), 'ERR_KEY_RANGE')
  }
  t.equal(parsePrivateKey(`${order.slice(0, -1)}0`).publicKey.point.length, 65)
  t.equal(encodeHex(parsePrivateKey(sec1(Uint8Array.of(7))).d), `${'00'.repeat(31)}07`, 'dropped leading zeros are put back')
  for (const bad of [new Uint8Array(0), new Uint8Array(33)]) t.throws(() => parsePrivateKey(sec1(bad)), 'ERR_KEY_FORMAT')
  t.throws(() => parsePrivateKey(sec1(decodeHex(dHex), 2)), 'ERR_KEY_FORMAT')
})

test('private key: SEC1 that names no curve needs its EC PARAMETERS block', (t) => {
  const bare = encodePem('EC PRIVATE KEY', encodeDer(DER.sequence, encodeDer(DER.integer, Uint8Array.of(1)), encodeDer(DER.octetString, decodeHex(dHex))))
  t.throws(() => parsePrivateKey(bare), 'does not name its curve')
  const [parameters] = findPemBlocks(accepted.sec1WithParameters)
  t.equal(encodeHex(parsePrivateKey(encodePem('EC PARAMETERS', decodePemBody(parameters)) + bare).d), dHex)
})

test('private key: cut at every byte, one byte too many, one bit wrong: coded errors only', (t) => {
  for (const form of [accepted.pkcs8, accepted.sec1]) {
    const [block] = findPemBlocks(form)
    const der = decodePemBody(block)
    for (let cut = 0; cut < der.length; cut++) t.throws(() => parsePrivateKey(encodePem(block.label, der.slice(0, cut))), 'ERR_KEY_FORMAT', `cut at ${cut}`)
    t.throws(() => parsePrivateKey(encodePem(block.label, concatBytes(der, Uint8Array.of(0)))), 'ERR_KEY_FORMAT')
    for (let at = 0; at < 36; at++) {
      const changed = der.slice()
      changed[at] ^= 0x10
      try {
        parsePrivateKey(encodePem(block.label, changed))
      } catch (thrown) {
        t.ok((thrown as { code: string }).code.startsWith('ERR_KEY_'), `byte ${at}: ${(thrown as Error).message}`)
      }
    }
  }
})

test('private key: written as PKCS#8 and read back', (t) => {
  const key = generatePrivateKey(seededRandom(10))
  const pem = privateKeyToPem(key)
  t.ok(pem.startsWith('-----BEGIN PRIVATE KEY-----\n'))
  t.same(parsePrivateKey(pem), key)
  t.equal(privateKeyToPem(parsePrivateKey(accepted.sec1)), accepted.pkcs8, 'byte for byte what openssl writes')
})

test('private key: no error quotes the key', (t) => {
  for (const bad of [dHex.slice(1), JSON.stringify({ ...vectors.jwk, crv: 'P-384' }), JSON.stringify(vectors.jwk).slice(0, -1), accepted.sec1.replace('BEGIN', 'BEGAN')]) {
    try {
      parsePrivateKey(bad)
      t.fail('should throw')
    } catch (thrown) {
      const { message, cause } = thrown as Error
      t.ok(!message.includes(d) && !message.includes(dHex.slice(8, 24)) && !String(cause).includes(d.slice(0, 8)), message)
    }
  }
})

test('sha256: a platform hash is used where there is one', (t) => {
  const native = { sha256: () => Uint8Array.of(1) }
  t.same(sha256(Uint8Array.of(), native), Uint8Array.of(1))
  t.equal(encodeHex(sha256(Uint8Array.of())), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})
