import { createHmacDrbg } from '@noble/curves/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { encodeHex } from '../../../lib/bytes/index.ts'
import { noRandom, type P256Point, p256With, readPoint, writePoint } from '../../../lib/crypto/p256.ts'
import { bytesOf, inverse, modulo, numberOf, ORDER, P } from '../../../lib/crypto/p256-field.ts'
import { withNonce } from '../../../lib/crypto/rfc6979.ts'
import { test } from '../../suite.ts'
import { nobleP256 } from './noble-p256.ts'
import { seededRandom } from './seeded-random.ts'

const random = seededRandom(11)
const noble = nobleP256(random).Point
const { Point } = p256With(random)
const { BASE, ZERO } = Point
const edges = [1n, 2n, 3n, 15n, 16n, 31n, 32n, 33n, 1n << 128n, (1n << 255n) - 1n, 1n << 255n, ORDER >> 1n, (ORDER >> 1n) + 1n, ORDER - 2n, ORDER - 1n]
const drawn = (count: number): bigint[] => Array.from({ length: count }, () => modulo(numberOf(random.bytes(40)), ORDER - 1n) + 1n)

test('p256 points: multiples of the base point, with every table, blinded or not', (t) => {
  for (const window of [1, 2, 3, 5, 8]) {
    for (const source of [noRandom, random]) {
      const point = p256With(source, window).Point.BASE
      for (const scalar of [...edges, ...drawn(5)]) {
        t.same(writePoint(point.multiply(scalar)), noble.BASE.multiply(scalar).toBytes(false), `window ${window}, ${scalar}`)
      }
    }
  }
})

test('p256 points: multiples and sums of any points', (t) => {
  for (const [at, scalar] of [...edges, ...drawn(10)].entries()) {
    const theirs = noble.BASE.multiply(drawn(1)[0])
    const ours = readPoint(Point, theirs.toBytes(false))
    const same = (point: P256Point, wanted: typeof theirs, what: string): void => {
      t.same(writePoint(point), wanted.toBytes(false), `${what}, ${at}`)
    }
    same(ours.multiply(scalar), theirs.multiply(scalar), 'multiple')
    const [theirOther, ourOther] = [noble.BASE.multiply(scalar), BASE.multiply(scalar)]
    same(ours.add(ourOther), theirs.add(theirOther), 'sum')
    same(ours.subtract(ourOther), theirs.subtract(theirOther), 'difference')
    same(ourOther.add(ourOther), theirOther.double(), 'double')
  }
})

test('p256 points: the identity', (t) => {
  const point = BASE.multiply(77n)
  const zero = point.subtract(point)
  t.ok(zero.is0())
  t.ok(ZERO.is0())
  t.ok(!point.is0())
  t.ok(zero.add(zero).is0())
  t.ok(point.multiply(ORDER - 1n).add(point).is0())
  for (const nothing of [zero, ZERO]) {
    t.same(writePoint(nothing.add(point)), writePoint(point))
    t.same(writePoint(point.add(nothing)), writePoint(point))
    t.same(nothing.subtract(point).toAffine(), { x: point.toAffine().x, y: P - point.toAffine().y })
    t.same(nothing.toAffine(), { x: 0n, y: 0n })
    t.throws(() => writePoint(nothing), 'RangeError')
  }
})

test('p256 points: what is no scalar and no point', (t) => {
  for (const bad of [0n, -1n, ORDER, ORDER + 1n]) t.throws(() => BASE.multiply(bad), 'RangeError', String(bad))
  const bytes = writePoint(BASE)
  const off = bytes.slice()
  off[64] ^= 1
  for (const bad of [off, bytes.subarray(1), new Uint8Array(65), new Uint8Array(0), Uint8Array.of(6, ...bytes.subarray(1))]) {
    t.throws(() => readPoint(Point, bad), 'RangeError', `${bad.length} bytes`)
  }
})

test('p256 points: sums keep the random source, with or without a table', (t) => {
  const source = seededRandom(12)
  const point = p256With(source).Point.BASE.multiply(5n).precompute(4)
  const sum = point.add(point)
  for (const [from, factor] of [[point, 5n], [sum, 10n]] as const) {
    const before = source.drawn()
    t.same(writePoint(from.multiply(1234567n)), noble.BASE.multiply(factor * 1234567n).toBytes(false))
    t.ok(source.drawn() > before, 'blinded')
  }
})

test('p256 field: inverses, numbers and bytes', (t) => {
  for (const prime of [P, ORDER]) {
    t.equal(inverse(0n, prime), 0n)
    for (const number of [1n, 2n, prime - 1n, prime >> 1n, ...drawn(20)]) {
      t.equal((inverse(number, prime) * number) % prime, 1n)
      t.equal(modulo(inverse(-number, prime) * -number, prime), 1n)
    }
  }
  for (const number of [0n, 1n, ORDER - 1n, ORDER, (1n << 256n) - 1n]) t.equal(numberOf(bytesOf(number)), number)
})

test('rfc6979: one candidate after the other, as @noble/curves has them', (t) => {
  for (let wanted = 1; wanted <= 4; wanted++) {
    const seed = random.bytes(64)
    const take = (): ((candidate: Uint8Array) => string | undefined) => {
      const seen: string[] = []
      return (candidate) => (seen.push(encodeHex(candidate)) < wanted ? undefined : seen.join())
    }
    const theirs = createHmacDrbg<string>(32, 32, (key: Uint8Array, text: Uint8Array) => hmac(nobleSha256, key, text))
    t.equal(withNonce(seed, take()), theirs(seed, take()))
  }
  t.throws(() => withNonce(random.bytes(64), () => undefined), 'RangeError')
})
