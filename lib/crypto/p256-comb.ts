import { decodeBase64url } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { NativeCrypto, Random } from '../runtime/index.ts'
import { drawBytes, noRandom, type P256Base, triedOut } from './p256.ts'
import { COMB_TABLE } from './p256-comb-table.ts'
import { type Affine, inverse, isOnP256, modulo, numberOf, ORDER, P, pointOf } from './p256-field.ts'
import { signP256 } from './p256-sign.ts'

// Fixed-base comb (Lim and Lee, CRYPTO '94) with signed digits (Hedabou, Pinel and Bénéteau 2005): of a scalar of 320 bits,
// read as digits of +1 and -1, column c is the bits c, c + 80, c + 160, c + 240. Row r of the table is for the columns from 40 r
// and has 2^(40 r) · (2^240 ± 2^160 ± 2^80 ± 1) · G; the highest digit of a column is the sign of the whole. Twice the rows would
// be a seventh less to compute and 2 KB more to carry.
const TEETH = 4
const COLUMNS = 80
const ROWS = 2
const COLUMNS_PER_ROW = COLUMNS / ROWS
const ENTRIES = 8
const SCALAR_BITS = 320n
/** Of a point in the table, y and x. */
const WORDS = 16

/** So many multiplications fail in a row with a broken random source only; one fails for one scalar in 2^240. */
const MOST_TRIES = 16

/** Of a point in the table, in base64url. */
const CHARACTERS = 86

/** By row and entry; kept in integers, which the engine masks without looking at them. */
let table: readonly (readonly Int32Array[])[] | undefined

function prepared(): NonNullable<typeof table> {
  // The table has the high byte of x first; turned around, a point begins with the low byte of y.
  const entry = (at: number): Int32Array => new Int32Array(new Uint8Array(decodeBase64url(COMB_TABLE.slice(at * CHARACTERS, (at + 1) * CHARACTERS))).reverse().buffer)
  table ??= Array.from({ length: ROWS }, (_, row) => Array.from({ length: ENTRIES }, (__, at) => entry(row * ENTRIES + at)))
  return table
}

/**
 * k · G, where the multiplication by a comb is chosen: five times as fast as without a table, with nothing to compute before
 * the first. The sequence of operations is the same for every k; the scalar is blinded by a random multiple of the order,
 * the point by a random representative; table entries are picked by reading all of a row. What BigInt arithmetic takes on
 * the way is the engine's affair: hence the blinding.
 * @param random - `noRandom` leaves out both blindings, for scalars that are used once
 * @param guess - a point of the curve; where it is the result, that is seen without an inversion
 * @throws {LenskeyError} `ERR_RANDOM` when the source does not work
 */
export function multiplyByComb(k: bigint, random: Random, guess?: Affine): Affine {
  const blinded = random !== noRandom
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    const scalar = k + (blinded ? numberOf(drawBytes(random, 8)) : BigInt(2 * attempt)) * ORDER
    // Made odd, as a number of digits +1 and -1 has to be; the order is odd. Whether it was, is as random as the multiple.
    const odd = scalar + ((scalar & 1n) ^ 1n) * ORDER
    const [x, y, z] = combSum(digitsOf(odd), blinded ? numberOf(drawBytes(random, 32)) % P : 1n)
    // Adding a point to itself or to its opposite gives a z of 0, and from there every z is 0. As integers, the multiples
    // of G that meet in an addition always differ in parity, so that they meet modulo n for a scalar made for it alone, and
    // with another blinding do not.
    if (z === 0n) continue
    if (guess !== undefined && (guess.x * z * z - x) % P === 0n && (guess.y * z * z * z - y) % P === 0n) return guess
    const inverted = inverse(z, P)
    const square = (inverted * inverted) % P
    const found = { x: modulo(x * square, P), y: modulo(y * square * inverted, P) }
    // A table damaged in memory would give signatures that tell the key.
    if (!isOnP256(pointOf(found))) throw new Error('a multiplication left the curve: the program is damaged')
    return found
  }
  throw new LenskeyError('ERR_RANDOM', 'the random source does not give random bytes')
}

/** The signed digits of an odd scalar, the highest first and after a digit that keeps their number the same: 1 is +1, 0 is -1. */
function digitsOf(scalar: bigint): string {
  const half = (scalar + (1n << SCALAR_BITS) - 1n) >> 1n
  return (half + (1n << SCALAR_BITS)).toString(2)
}

/**
 * The point of those digits in Jacobian coordinates, between -p and p. Products of three and four are reduced once, as a
 * division costs the engine as much as four products, and hardly more for a longer number.
 * @param z - a random representative's, not 0
 */
function combSum(digits: string, z: bigint): [x: bigint, y: bigint, z: bigint] {
  const rows = prepared()
  const words = new Int32Array(WORDS)
  const picked = new DataView(words.buffer)
  let [X, Y, Z] = [0n, 0n, 0n]
  for (let column = COLUMNS_PER_ROW - 1; column >= 0; column--) {
    if (column < COLUMNS_PER_ROW - 1) {
      // Doubling for a = -3, "dbl-2001-b".
      const delta = Z * Z
      const twice = 2n * Y
      const gamma = twice * twice
      const beta = X * gamma
      const alpha = (3n * (X - delta) * (X + delta)) % P
      Z = (twice * Z) % P
      X = (alpha * alpha - 2n * beta) % P
      Y = (alpha * (beta - X) - ((gamma * gamma) >> 1n)) % P
    }
    for (let row = 0; row < ROWS; row++) {
      const at = digits.length - 1 - column - row * COLUMNS_PER_ROW
      const top = digits.charCodeAt(at - (TEETH - 1) * COLUMNS) & 1
      // With a top digit of -1 the entry is that of the opposite digits.
      const flip = top - 1
      const low = (digits.charCodeAt(at) & 1) | ((digits.charCodeAt(at - COLUMNS) & 1) << 1) | ((digits.charCodeAt(at - 2 * COLUMNS) & 1) << 2)
      const index = (low ^ flip) & (ENTRIES - 1)
      pick(rows[row], index, words)
      const x2 = coordinate(picked, 32)
      const y2 = coordinate(picked, 0) * BigInt(2 * top - 1)
      if (row === 0 && column === COLUMNS_PER_ROW - 1) {
        const square = (z * z) % P
        X = (x2 * square) % P
        Y = (y2 * square * z) % P
        Z = z
        continue
      }
      // Mixed addition, "madd-2004-hmv".
      const square = Z * Z
      const h = (x2 * square - X) % P
      const r = (y2 * Z * square - Y) % P
      const hh = h * h
      const v = X * hh
      const hhh = h * hh
      X = (r * r - hhh - 2n * v) % P
      Y = (r * (v - X) - Y * hhh) % P
      Z = (Z * h) % P
    }
  }
  return [X, Y, Z]
}

/** Copies one entry of a row by reading all of them: neither branch nor address depends on the index. */
function pick(row: readonly Int32Array[], index: number, into: Int32Array): void {
  const { 0: t0, 1: t1, 2: t2, 3: t3, 4: t4, 5: t5, 6: t6, 7: t7 } = row
  // All ones where the index is that of the entry, else 0. Written out, as calls would be half of the time.
  const m0 = (index - 1) >> 31
  const m1 = ((index ^ 1) - 1) >> 31
  const m2 = ((index ^ 2) - 1) >> 31
  const m3 = ((index ^ 3) - 1) >> 31
  const m4 = ((index ^ 4) - 1) >> 31
  const m5 = ((index ^ 5) - 1) >> 31
  const m6 = ((index ^ 6) - 1) >> 31
  const m7 = ((index ^ 7) - 1) >> 31
  for (let at = 0; at < WORDS; at++) {
    into[at] = (t0[at] & m0) | (t1[at] & m1) | (t2[at] & m2) | (t3[at] & m3) | (t4[at] & m4) | (t5[at] & m5) | (t6[at] & m6) | (t7[at] & m7)
  }
}

function coordinate(view: DataView, at: number): bigint {
  const low = (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true)
  return (((view.getBigUint64(at + 24, true) << 64n) | view.getBigUint64(at + 16, true)) << 128n) | low
}

/**
 * The base point multiplied by the comb.
 * @throws {LenskeyError} `ERR_RANDOM` when the source does not work
 */
export function p256Base(random: Random): P256Base {
  return { multiply: (k, guess) => multiplyByComb(k, random, guess), randomBytes: triedOut(random) }
}

/**
 * Keys and signatures by the comb, for a program that wants it in place of `@noble/curves`: goes where a host's
 * `nativeCrypto` goes. Bundles for bare engines have it built in.
 */
export function createP256Comb(random: Random): Required<Pick<NativeCrypto, 'p256PublicPoint' | 'p256Signer'>> {
  const base = p256Base(random)
  return {
    p256PublicPoint: (d) => pointOf(base.multiply(numberOf(d))),
    p256Signer(d) {
      // A copy, so that the caller may wipe its own.
      const secret = new Uint8Array(d)
      return { sign: (message) => signP256(base, message, secret) }
    },
  }
}
