// Points of P-256 in a tenth of the bytes of @noble/curves, for bundles whose size is promised: build.mjs puts this file in the
// place of p256-points.ts there. The way of multiplying is that of @noble/curves 2.4 (`abstract/curve.js`; MIT License,
// © 2022 Paul Miller), for this one curve and without tables that are kept.
import type { P256Point, P256Points, RandomBytes } from './p256.ts'
import { type Affine, B, G, inverse, modulo, numberOf, ORDER, P } from './p256-field.ts'

const SCALAR_BITS = 256
const BLIND_BYTES = 16
/** Bits per look-up. */
const WINDOW = 5

/** A point in projective coordinates (x = X/Z, y = Y/Z), each of them between -p and p. Nothing checks that it is on the curve. */
class SmallPoint implements P256Point {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
  /** Blinds multiplications; its sums have the same. */
  readonly random: RandomBytes | undefined

  constructor(X: bigint, Y: bigint, Z: bigint, random: RandomBytes | undefined) {
    this.X = X
    this.Y = Y
    this.Z = Z
    this.random = random
  }

  /** Algorithm 4 of Renes, Costello and Batina, https://eprint.iacr.org/2015/1060: right for every two points, equal or identity. */
  add({ X: X2, Y: Y2, Z: Z2 }: SmallPoint): SmallPoint {
    const { X, Y, Z } = this
    const xx = (X * X2) % P
    const yy = (Y * Y2) % P
    const zz = (Z * Z2) % P
    const xy = (X * Y2 + X2 * Y) % P
    const xz = (X * Z2 + X2 * Z) % P
    const yz = (Y * Z2 + Y2 * Z) % P
    const t = 3n * (xz - ((B * zz) % P))
    const u = 3n * (((B * xz) % P) - 3n * zz - xx)
    const v = 3n * (xx - zz)
    const plus = yy + t
    const minus = yy - t
    return new SmallPoint((xy * plus - yz * u) % P, (plus * minus + v * u) % P, (yz * minus + xy * v) % P, this.random)
  }

  subtract({ X, Y, Z, random }: SmallPoint): SmallPoint {
    return this.add(new SmallPoint(X, -Y, Z, random))
  }

  is0(): boolean {
    return this.Z === 0n
  }

  toAffine(): Affine {
    const z = inverse(this.Z, P)
    return { x: modulo(this.X * z, P), y: modulo(this.Y * z, P) }
  }

  /** Where size is promised there are no tables. */
  precompute(): this {
    return this
  }

  multiply(scalar: bigint): SmallPoint {
    if (scalar <= 0n || scalar >= ORDER) throw new RangeError('a scalar is 1 to n - 1')
    if (this.random === undefined) return walk(this, scalar, SCALAR_BITS)
    const blind = this.random(BLIND_BYTES)
    // Always of the same size.
    blind[0] = (blind[0] & 0x3f) | 0x80
    return walk(this, scalar + numberOf(blind) * ORDER, SCALAR_BITS + 8 * BLIND_BYTES)
  }
}

/** Per window five doublings and one addition, also of the identity; every entry is read. */
function walk(point: SmallPoint, scalar: bigint, bits: number): SmallPoint {
  const multiples = [new SmallPoint(0n, 1n, 0n, point.random)]
  for (let at = 1; at < 1 << WINDOW; at++) multiples.push(multiples[at - 1].add(point))
  let sum = multiples[0]
  for (let at = Math.ceil(bits / WINDOW) - 1; at >= 0; at--) {
    for (let doubling = 0; doubling < WINDOW; doubling++) sum = sum.add(sum)
    const digit = Number((scalar >> BigInt(at * WINDOW)) & BigInt((1 << WINDOW) - 1))
    let entry = multiples[0]
    for (let index = 1; index < multiples.length; index++) entry = index === digit ? multiples[index] : entry
    sum = sum.add(entry)
  }
  return sum
}

/** @param random - blinds multiplications; undefined leaves that out */
export function p256Points(random: RandomBytes | undefined): P256Points {
  const fromAffine = ({ x, y }: Affine): P256Point => new SmallPoint(x, y, 1n, random)
  return { BASE: fromAffine(G), ZERO: new SmallPoint(0n, 1n, 0n, random), fromAffine }
}
