import { decodeHex, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createSigner, createVerifier, generatePrivateKey, parsePrivateKey } from '../../../lib/crypto/index.ts'
import { noRandom, p256With } from '../../../lib/crypto/p256.ts'
import { isOnP256, isP256Scalar } from '../../../lib/crypto/p256-field.ts'
import { signP256 } from '../../../lib/crypto/p256-sign.ts'
import { test } from '../../suite.ts'
import { nobleP256 } from './noble-p256.ts'
import { seededRandom } from './seeded-random.ts'

const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
const ONE = '00'.repeat(31) + '01'
const LAST = ORDER.slice(0, -2) + '50'

// RFC 6979 A.2.5; both keys and signatures of P-256 with SHA-256.
const rfc6979 = {
  d: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
  point: '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  signatures: {
    sample: 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    test: 'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  },
}

test('p256: RFC 6979 A.2.5, with every table window', (t) => {
  const key = parsePrivateKey(rfc6979.d)
  t.equal(encodeHex(key.publicKey.point), rfc6979.point)
  for (const tableWindow of [1, 2, 4, 6]) {
    const curve = p256With(seededRandom(tableWindow), tableWindow)
    for (const [message, signature] of Object.entries(rfc6979.signatures)) {
      t.equal(encodeHex(signP256(curve, encodeUtf8(message), key.d)), signature, `${message}, window ${tableWindow}`)
    }
  }
})

test('p256: signing gives the very bytes that ECDSA of @noble/curves gives', (t) => {
  const random = seededRandom(6)
  const curve = p256With(random, 4)
  const whole = nobleP256(random)
  for (let round = 0; round < 25; round++) {
    const { d } = generatePrivateKey(random)
    const message = random.bytes(round * 5)
    t.same(signP256(curve, message, d), Uint8Array.from(whole.sign(message, d)))
  }
})

test('p256: verifying takes the high S of RFC 6979 and the low one of the same signature', async (t) => {
  const verifier = createVerifier(parsePrivateKey(rfc6979.d).publicKey)
  const high = decodeHex(rfc6979.signatures.sample)
  const s = BigInt(`0x${encodeHex(high.subarray(32))}`)
  const low = decodeHex(encodeHex(high.subarray(0, 32)) + (BigInt(`0x${ORDER}`) - s).toString(16).padStart(64, '0'))
  t.ok(s > BigInt(`0x${ORDER}`) / 2n, 'the vector has a high S')
  t.ok(await verifier.verify(encodeUtf8('sample'), high))
  t.ok(await verifier.verify(encodeUtf8('sample'), low))
  t.ok(!(await verifier.verify(encodeUtf8('sampl3'), high)))
})

test('p256: scalar and nonce inversion are blinded at every signature', (t) => {
  const random = seededRandom(1)
  const curve = p256With(random)
  const d = decodeHex(rfc6979.d)
  signP256(curve, encodeUtf8('first'), d)
  const before = random.drawn()
  signP256(curve, encodeUtf8('second'), d)
  // 16 bytes for the scalar, 48 (two draws of the test source) for the inversion.
  t.equal(random.drawn() - before, 3)
})

test('p256: a random source that fails is an error, never a signature without blinding', (t) => {
  const key = parsePrivateKey(rfc6979.d)
  t.throws(() => createSigner(key, { random: noRandom }).sign(encodeUtf8('x')), 'ERR_RANDOM')
  const broken = { bytes: (): Uint8Array => { throw new Error('no entropy yet') } }
  t.throws(() => createSigner(key, { random: broken }), 'ERR_RANDOM')
  t.throws(() => createSigner(key, { random: { bytes: () => new Uint8Array(3) } }), 'ERR_RANDOM')
  let healthy = true
  const dying = { bytes: (length: number): Uint8Array => { if (!healthy) throw new Error('gone'); return seededRandom(2).bytes(length) } }
  const signer = createSigner(key, { random: dying })
  t.ok(signer.sign(encodeUtf8('x')))
  healthy = false
  t.throws(() => signer.sign(encodeUtf8('x')), 'gone')
})

test('p256: the table window has its range', (t) => {
  const random = seededRandom(3)
  for (const bad of [0, 9, 1.5, NaN]) t.throws(() => p256With(random, bad), 'RangeError', String(bad))
  t.equal(p256With(random, 2), p256With(random, 2), 'built once per source')
})

test('p256: scalars are 1 to n - 1', (t) => {
  for (const good of [ONE, LAST, rfc6979.d]) t.ok(isP256Scalar(decodeHex(good)), good)
  for (const bad of ['00'.repeat(32), ORDER, 'ff'.repeat(32), ORDER.slice(0, -2) + '52']) t.ok(!isP256Scalar(decodeHex(bad)), bad)
  t.ok(isP256Scalar(decodeHex(ORDER + ONE), 32))
  t.ok(!isP256Scalar(decodeHex(ORDER + ONE), 0))
})

test('p256: the first and the last scalar sign', async (t) => {
  for (const d of [ONE, LAST]) {
    const key = parsePrivateKey(d)
    const signer = createSigner(key, { random: seededRandom(4) })
    t.ok(await createVerifier(key.publicKey).verify(encodeUtf8('edge'), await signer.sign(encodeUtf8('edge'))), d)
  }
})

test('p256: points off the curve', (t) => {
  const point = decodeHex(rfc6979.point)
  t.ok(isOnP256(point))
  for (const at of [0, 1, 32, 33, 64]) {
    const other = point.slice()
    other[at] ^= 1
    t.ok(!isOnP256(other), `byte ${at} changed`)
  }
  t.ok(!isOnP256(point.subarray(0, 64)))
  t.ok(!isOnP256(new Uint8Array(65)))
  t.ok(!isOnP256(Uint8Array.of(4, ...new Uint8Array(64))), 'origin')
  t.ok(!isOnP256(Uint8Array.of(4, ...new Uint8Array(64).fill(255))), 'coordinates past the field')
})

test('p256: new keys are drawn again when the draw is no scalar', (t) => {
  const draws = [new Uint8Array(32), new Uint8Array(32).fill(255)]
  const later = seededRandom(5)
  const random = { bytes: (length: number) => (length === 32 ? draws.shift() : undefined) ?? later.bytes(length) }
  t.same(generatePrivateKey(random).d, seededRandom(5).bytes(32))
  t.equal(draws.length, 0)
  t.throws(() => generatePrivateKey({ bytes: (length) => new Uint8Array(length) }), 'ERR_RANDOM')
})
