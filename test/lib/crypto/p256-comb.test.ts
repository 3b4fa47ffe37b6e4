import { decodeHex, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createP256Comb, createSigner, createVerifier, generatePrivateKey, parsePrivateKey, privateKeyToPem } from '../../../lib/crypto/index.ts'
import { noRandom } from '../../../lib/crypto/p256.ts'
import { multiplyByComb, p256Base } from '../../../lib/crypto/p256-comb.ts'
import { bytesOf, G, numberOf, ORDER, P, pointOf } from '../../../lib/crypto/p256-field.ts'
import { signP256 } from '../../../lib/crypto/p256-sign.ts'
import { test } from '../../suite.ts'
import { combEdgeScalars, combMeetingScalars } from './comb-scalars.ts'
import { nobleP256 } from './noble-p256.ts'
import { seededRandom } from './seeded-random.ts'

// RFC 6979 A.2.5.
const d = decodeHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721')
const point = '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'
const signatures = {
  sample: 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  test: 'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
}

const noble = nobleP256(seededRandom(40), 4)
const hexOf = (k: bigint, random = noRandom): string => encodeHex(pointOf(multiplyByComb(k, random)))
const nobleHexOf = (k: bigint): string => noble.Point.BASE.multiply(k).toHex(false)

test('comb: RFC 6979 A.2.5', (t) => {
  t.equal(hexOf(numberOf(d)), point)
  for (const [message, signature] of Object.entries(signatures)) {
    t.equal(encodeHex(signP256(p256Base(seededRandom(41)), encodeUtf8(message), d)), signature, message)
  }
})

test('comb: edge scalars, blinded and not, as @noble/curves', (t) => {
  const random = seededRandom(42)
  for (const k of combEdgeScalars()) {
    const wanted = nobleHexOf(k)
    t.equal(hexOf(k), wanted, k.toString(16))
    t.equal(hexOf(k, random), wanted, `${k.toString(16)}, blinded`)
  }
})

test('comb: random scalars, as @noble/curves', (t) => {
  const random = seededRandom(43)
  for (let round = 0; round < 50; round++) {
    const k = numberOf(generatePrivateKey(random).d)
    t.equal(hexOf(k, random), nobleHexOf(k), k.toString(16))
  }
})

test('comb: a guess is taken when it is right, and nothing else changes', (t) => {
  const random = seededRandom(45)
  for (const k of combEdgeScalars().slice(0, 12)) {
    const right = multiplyByComb(k, noRandom)
    const guesses = { right, opposite: { x: right.x, y: P - right.y }, other: multiplyByComb(k === 1n ? 2n : k - 1n, noRandom), base: G }
    for (const source of [noRandom, random]) {
      for (const [name, guess] of Object.entries(guesses)) t.same(multiplyByComb(k, source, guess), right, `${k.toString(16)}, ${name}`)
    }
  }
  t.equal(multiplyByComb(1n, random, G), G, 'itself')
})

test('comb: scalars made so that a point meets itself or its opposite are multiplied again', (t) => {
  const random = seededRandom(44)
  let again = 0
  for (const k of combMeetingScalars()) {
    const wanted = nobleHexOf(k)
    t.equal(hexOf(k), wanted, k.toString(16))
    for (let round = 0; round < 4; round++) {
      const before = random.drawn()
      t.equal(hexOf(k, random), wanted, `${k.toString(16)}, blinded`)
      if (random.drawn() - before > 2) again++
    }
  }
  t.ok(again > 0, `${again} were`)
})

test('comb: signs the very bytes that @noble/curves signs, whatever the blinding', (t) => {
  const random = seededRandom(45)
  for (let round = 0; round < 10; round++) {
    const key = generatePrivateKey(random)
    const message = random.bytes(round * 37)
    t.same(signP256(p256Base(random), message, key.d), Uint8Array.from(noble.sign(message, key.d)))
  }
  const constant = { bytes: (length: number) => new Uint8Array(length).fill(255) }
  t.equal(encodeHex(signP256(p256Base(constant), encodeUtf8('test'), d)), signatures.test)
})

test('comb: scalar, point and inversion are blinded at every signature', (t) => {
  const asked: number[] = []
  const random = { bytes: (length: number) => { asked.push(length); return seededRandom(asked.length).bytes(length) } }
  const base = p256Base(random)
  asked.length = 0
  for (let round = 0; round < 2; round++) signP256(base, encodeUtf8('x'), d)
  t.same(asked, [8, 32, 48, 8, 32, 48])
})

test('comb: a random source that fails is an error, never a signature without blinding', (t) => {
  t.throws(() => signP256(p256Base(noRandom), encodeUtf8('x'), d), 'ERR_RANDOM')
  t.throws(() => p256Base({ bytes: () => { throw new Error('no entropy yet') } }), 'ERR_RANDOM')
  t.throws(() => p256Base({ bytes: () => new Uint8Array(3) }), 'ERR_RANDOM')
  t.throws(() => signP256(p256Base({ bytes: (length) => new Uint8Array(length) }), encodeUtf8('x'), d), 'ERR_RANDOM', 'zeros')
  for (let healthyDraws = 1; healthyDraws <= 3; healthyDraws++) {
    let left = healthyDraws
    const good = seededRandom(46)
    const base = p256Base({ bytes: (length) => good.bytes(left-- > 0 ? length : length - 1) })
    t.throws(() => signP256(base, encodeUtf8('x'), d), 'ERR_RANDOM', `${healthyDraws} good draws`)
  }
})

test('comb: goes where a platform goes, for keys and for signers', async (t) => {
  const random = seededRandom(47)
  const nativeCrypto = createP256Comb(random)
  const key = generatePrivateKey(random, nativeCrypto)
  t.same(parsePrivateKey(privateKeyToPem(key), { nativeCrypto }), parsePrivateKey(privateKeyToPem(key)))
  const other = generatePrivateKey(random).publicKey
  t.throws(() => parsePrivateKey(privateKeyToPem({ d: key.d, publicKey: other }), { nativeCrypto }), 'ERR_KEY_MISMATCH')
  const wiped = { ...key, d: key.d.slice() }
  const signer = createSigner(wiped, { random, nativeCrypto })
  wiped.d.fill(0)
  const signature = await signer.sign(encodeUtf8('a message'))
  t.ok(await createVerifier(key.publicKey).verify(encodeUtf8('a message'), signature))
  t.same(signature, Uint8Array.from(noble.sign(encodeUtf8('a message'), key.d)))
})

test('comb: bytes and numbers', (t) => {
  t.equal(encodeHex(bytesOf(1n)), `${'00'.repeat(31)}01`)
  t.equal(numberOf(bytesOf(ORDER)), ORDER)
})
