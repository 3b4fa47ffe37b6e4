// Points of P-256 beside OpenSSL's, noble's and, in build/test/small, our own. P256_SCALARS=1000000 makes it that many scalars.
import { createECDH } from 'node:crypto'
import tap from 'tap'
import { noRandom, type P256Point, p256With, readPoint, writePoint } from '../../lib/crypto/p256.ts'
import { isP256Scalar, numberOf } from '../../lib/crypto/p256-field.ts'
import { systemRandom } from './support/openssl.ts'

const SCALARS = Number(process.env.P256_SCALARS ?? 4000)
tap.setTimeout(60_000 + SCALARS * 40)

function scalar(): { number: bigint; bytes: Uint8Array } {
  for (;;) {
    const bytes = systemRandom.bytes(32)
    if (isP256Scalar(bytes)) return { number: numberOf(bytes), bytes }
  }
}

/** Scalars for which this point's multiples are not OpenSSL's. */
function differing(point: P256Point, count: number): string[] {
  const wrong: string[] = []
  for (let round = 0; round < count; round++) {
    const { number, bytes } = scalar()
    const openssl = createECDH('prime256v1')
    openssl.setPrivateKey(bytes)
    if (Buffer.compare(openssl.getPublicKey(), writePoint(point.multiply(number))) !== 0) wrong.push(number.toString(16))
  }
  return wrong
}

void tap.test(`${SCALARS} multiples of the base point, with a table, blinded`, (t) => {
  t.same(differing(p256With(systemRandom, 8).Point.BASE, SCALARS), [])
  t.end()
})

void tap.test(`${SCALARS / 4} multiples of the base point without a table, blinded and not`, (t) => {
  t.same(differing(p256With(systemRandom).Point.BASE, SCALARS / 8), [])
  t.same(differing(p256With(noRandom).Point.BASE, SCALARS / 8), [])
  t.end()
})

void tap.test(`${SCALARS / 4} multiples of other points, both sides`, (t) => {
  const wrong: string[] = []
  const { Point } = p256With(systemRandom)
  for (let round = 0; round < SCALARS / 4; round++) {
    const openssl = createECDH('prime256v1')
    const point = openssl.generateKeys()
    const { number, bytes } = scalar()
    const other = createECDH('prime256v1')
    other.setPrivateKey(bytes)
    const secret = Buffer.from(writePoint(readPoint(Point, point).multiply(number))).subarray(1, 33)
    if (!secret.equals(openssl.computeSecret(other.getPublicKey()))) wrong.push(number.toString(16))
  }
  t.same(wrong, [])
  t.end()
})
