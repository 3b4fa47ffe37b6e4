import { weierstrass, type WeierstrassPointCons } from '@noble/curves/abstract/weierstrass.js'
import { concatBytes, decodeHex } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { Random } from '../runtime/index.ts'

const hex = (digits: string): bigint => BigInt(`0x${digits}`)

const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'

/** Domain parameters of secp256r1: SEC 2 v2 §2.4.2, FIPS 186-4 D.1.2.3. A function, so that nothing is computed while loading. */
export function p256Parameters(): { p: bigint; n: bigint; h: bigint; a: bigint; b: bigint; Gx: bigint; Gy: bigint } {
  const p = hex('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
  return {
    p,
    n: hex(ORDER),
    h: 1n,
    a: p - 3n,
    b: hex('5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b'),
    Gx: hex('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
    Gy: hex('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
  }
}

/** All that keys and signatures need of the curve: multiples of its base point, and the source that blinds them. */
export interface P256Base {
  /** k · G. @param k - secret, 1 to n - 1 */
  readonly multiply: (k: bigint) => { x: bigint; y: bigint }
  /** A copy each time, as the caller may work on it in place. */
  readonly randomBytes: (length?: number) => Uint8Array<ArrayBuffer>
}

/** The whole curve, by `@noble/curves`. */
export interface P256 extends P256Base {
  readonly Point: WeierstrassPointCons<bigint>
}

/**
 * Stands for a random source where there is no secret, or no repeated use of one. With it multiplication is still constant
 * in its sequence of operations, but not blinded.
 */
export const noRandom: Random = {
  bytes() {
    throw new LenskeyError('ERR_RANDOM', 'this operation was given no random source')
  },
}

/**
 * How many bits of the scalar one table look-up takes. 1 has no table: least memory and the earliest first signature,
 * which is what a camera that signs a few tokens a day wants. 6 signs three times faster after a first signature that
 * costs a few MB and, on a bare engine, some 90 ms.
 */
export const DEFAULT_TABLE_WINDOW = 1
const LARGEST_TABLE_WINDOW = 8

const built = /* @__PURE__ */ new WeakMap<Random, P256[]>()

/**
 * The curve over a random source; built at the first call, then kept with the source.
 * @param tableWindow - 1 to 8, see {@link DEFAULT_TABLE_WINDOW}
 * @throws {LenskeyError} `ERR_RANDOM` when the source does not work: signing without blinding is never a silent fallback
 */
export function p256With(random: Random, tableWindow = DEFAULT_TABLE_WINDOW): P256 {
  if (!Number.isInteger(tableWindow) || tableWindow < 1 || tableWindow > LARGEST_TABLE_WINDOW) {
    throw new RangeError(`tableWindow is a whole number from 1 to ${LARGEST_TABLE_WINDOW}`)
  }
  let curves = built.get(random)
  if (curves === undefined) built.set(random, (curves = []))
  return (curves[tableWindow] ??= build(random, tableWindow))
}

function build(random: Random, tableWindow: number): P256 {
  let failure: unknown
  const randomBytes = (length = 32): Uint8Array<ArrayBuffer> => {
    try {
      return drawBytes(random, length)
    } catch (thrown) {
      failure = thrown
      throw thrown
    }
  }
  const Point = weierstrass(p256Parameters(), { randomBytes })
  Point.BASE.precompute(tableWindow)
  // The curve tries its source while it is built, and would silently do without one that fails.
  if (failure !== undefined && random !== noRandom) {
    throw failure instanceof LenskeyError ? failure : new LenskeyError('ERR_RANDOM', 'the random source failed', { cause: failure })
  }
  return { Point, multiply: (k) => Point.BASE.multiply(k).toAffine(), randomBytes }
}

/** @throws {LenskeyError} `ERR_RANDOM` for the wrong number of bytes; else what the source throws */
export function drawBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(random.bytes(length))
  if (bytes.length !== length) throw new LenskeyError('ERR_RANDOM', 'the random source gave the wrong number of bytes')
  return bytes
}

/** Whether 65 bytes are an uncompressed point of the curve (SEC 1 §3.2.2.1); the cofactor is 1, so the subgroup needs no check. */
export function isOnP256(point: Uint8Array): boolean {
  if (point.length !== 65 || point[0] !== 4) return false
  const { p, a, b } = p256Parameters()
  const x = numberOf(point.subarray(1, 33))
  const y = numberOf(point.subarray(33))
  return x < p && y < p && (y * y - (x * x * x + a * x + b)) % p === 0n
}

/** The high byte first. @param bytes - a multiple of 8 of them; secret ones are not looked at one by one */
export function numberOf(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let number = 0n
  for (let at = 0; at < bytes.length; at += 8) number = (number << 64n) | view.getBigUint64(at)
  return number
}

/** 32 bytes. */
export function bytesOf(number: bigint): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(32))
  for (let at = 0; at < 32; at += 8) view.setBigUint64(24 - at, number >> BigInt(8 * at))
  return new Uint8Array(view.buffer)
}

/** 65 bytes, uncompressed. */
export const pointOf = ({ x, y }: { x: bigint; y: bigint }): Uint8Array => concatBytes(Uint8Array.of(4), bytesOf(x), bytesOf(y))

const ORDER_BYTES = /* @__PURE__ */ decodeHex(ORDER)

/** Whether the 32 bytes at `from` are a private scalar or half of a signature: 1 to n - 1. */
export function isP256Scalar(bytes: Uint8Array, from = 0): boolean {
  // Compared byte by byte without an early end, as `bytes` may be secret.
  let borrow = 0
  let any = 0
  for (let at = 31; at >= 0; at--) {
    borrow = (bytes[from + at] - ORDER_BYTES[at] - borrow) >>> 31
    any |= bytes[from + at]
  }
  return borrow === 1 && any !== 0
}

/** A source that gives no scalar in so many draws is broken: one draw in 2^32 is out of range. */
const MOST_DRAWS = 16

/**
 * A secret scalar, 32 bytes.
 * @throws {LenskeyError} `ERR_RANDOM` when the source gives what no random source does
 */
export function drawP256Scalar(random: Random): Uint8Array {
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const bytes = random.bytes(32)
    if (bytes.length === 32 && isP256Scalar(bytes)) return bytes
  }
  throw new LenskeyError('ERR_RANDOM', 'the random source does not give random bytes')
}
