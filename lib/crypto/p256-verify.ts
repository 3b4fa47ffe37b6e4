import { inverseModuloOrder } from './order-inverse.ts'
import { noRandom, type P256Point, p256With, readPoint } from './p256.ts'
import { isOnP256, isP256Scalar, numberOf, ORDER } from './p256-field.ts'
import { sha256 } from './sha256.ts'

/**
 * ECDSA with SHA-256 (FIPS 186-5 §6.4.2). A high S is as good as a low one: RFC 7518 §3.4 has no low-S rule, and half of
 * all valid ES256 signatures have one.
 * @param signature - R‖S, 64 bytes
 * @param point - 65 bytes, uncompressed; anything but a point of the curve verifies nothing
 */
export function verifyP256(message: Uint8Array, signature: Uint8Array, point: Uint8Array): boolean {
  if (!isOnP256(point) || signature.length !== 64 || !isP256Scalar(signature) || !isP256Scalar(signature, 32)) return false
  const { Point } = p256With(noRandom)
  const r = numberOf(signature.subarray(0, 32))
  const w = inverseModuloOrder(numberOf(signature.subarray(32)))
  // Hash and order both have 256 bits.
  const h = numberOf(sha256(message))
  const sum = combine(Point.ZERO, [Point.BASE, readPoint(Point, point)], [(h * w) % ORDER, (r * w) % ORDER])
  return !sum.is0() && sum.toAffine().x % ORDER === r
}

/** Each digit but 0 is odd and has a sign, and three zeros follow it. */
const DIGIT_BITS = 4

/** Sum of points times scalars on one chain of doublings. All of it is public, so that it may take the time it takes. */
function combine(zero: P256Point, points: P256Point[], scalars: bigint[]): P256Point {
  const multiples = points.map((point) => {
    const twice = point.add(point)
    const odd = [point]
    while (odd.length < 1 << (DIGIT_BITS - 2)) odd.push(odd[odd.length - 1].add(twice))
    return odd
  })
  const digits = scalars.map(signedDigits)
  let sum = zero
  for (let bit = Math.max(...digits.map(({ length }) => length)) - 1; bit >= 0; bit--) {
    sum = sum.add(sum)
    for (const [which, { [bit]: digit = 0 }] of digits.entries()) {
      const entry = multiples[which][Math.abs(digit) >> 1]
      if (digit > 0) sum = sum.add(entry)
      if (digit < 0) sum = sum.subtract(entry)
    }
  }
  return sum
}

/** The low one first. */
function signedDigits(scalar: bigint): number[] {
  const digits: number[] = []
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    const digit = rest & 1n ? Number(BigInt.asIntN(DIGIT_BITS, rest)) : 0
    rest -= BigInt(digit)
    digits.push(digit)
  }
  return digits
}
