import { LenskeyError } from '../errors.ts'
import type { Random } from '../runtime/index.ts'
import { type Affine, affineOf, isOnP256, isP256Scalar, pointOf } from './p256-field.ts'
import { p256Points } from './p256-points.ts'

/**
 * A point of the curve, as all that is above needs it: implemented by `@noble/curves` (p256-points.ts) and, in bundles whose
 * size is promised, by our own p256-points-small.ts, which build.mjs puts in its place.
 */
export interface P256Point {
  add(other: P256Point): P256Point
  subtract(other: P256Point): P256Point
  /** Whether it is the identity. */
  is0(): boolean
  /** The identity is (0, 0), which is not on the curve. */
  toAffine(): Affine
  /**
   * For secret scalars: the sequence of operations is the same for all of them, and a random multiple of the order hides the
   * scalar where there is a random source.
   * @param scalar - 1 to n - 1
   * @throws {RangeError} any other
   */
  multiply(scalar: bigint): P256Point
  /** Multiplications of this very point take this many bits per look-up from now on; with 1 there is no table. Gives itself. */
  precompute(window: number): P256Point
}

/** The points over one random source. */
export interface P256Points {
  readonly BASE: P256Point
  /** The identity. */
  readonly ZERO: P256Point
  /** @param point - on the curve; {@link readPoint} looks */
  fromAffine(point: Affine): P256Point
}

/** Gives so many random bytes; a copy each time, as the caller may work on it in place. */
export type RandomBytes = (length?: number) => Uint8Array<ArrayBuffer>

/** All that keys and signatures need of the curve: multiples of its base point, and the source that blinds them. */
export interface P256Base {
  /**
   * k · G.
   * @param k - secret, 1 to n - 1
   * @param guess - a point of the curve that it is believed to be, which may be sooner compared than computed
   */
  readonly multiply: (k: bigint, guess?: Affine) => Affine
  readonly randomBytes: RandomBytes
}

/** The whole curve. */
export interface P256 extends P256Base {
  readonly Point: P256Points
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
  const randomBytes = triedOut(random)
  const Point = drawing(() => p256Points(random === noRandom ? undefined : randomBytes))
  Point.BASE.precompute(tableWindow)
  return { Point, multiply: (k) => Point.BASE.multiply(k).toAffine(), randomBytes }
}

/**
 * A source as the curve uses it, after one draw, so that one that does not work is known before there is a secret.
 * @throws {LenskeyError} `ERR_RANDOM` when the source does not work
 */
export function triedOut(random: Random): RandomBytes {
  const randomBytes: RandomBytes = (length = 32) => drawBytes(random, length)
  if (random !== noRandom) drawing(() => randomBytes(1))
  return randomBytes
}

/** @throws {LenskeyError} `ERR_RANDOM` for whatever the source throws meanwhile */
function drawing<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (thrown) {
    throw thrown instanceof LenskeyError ? thrown : new LenskeyError('ERR_RANDOM', 'the random source failed', { cause: thrown })
  }
}

/** @throws {LenskeyError} `ERR_RANDOM` for the wrong number of bytes; else what the source throws */
export function drawBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(random.bytes(length))
  if (bytes.length !== length) throw new LenskeyError('ERR_RANDOM', 'the random source gave the wrong number of bytes')
  return bytes
}

/**
 * @param bytes - 65, uncompressed
 * @throws {RangeError} anything but a point of the curve
 */
export function readPoint(Point: P256Points, bytes: Uint8Array): P256Point {
  if (!isOnP256(bytes)) throw new RangeError('no point of P-256')
  return Point.fromAffine(affineOf(bytes))
}

/**
 * 65 bytes, uncompressed.
 * @throws {RangeError} the identity, which has no such form
 */
export function writePoint(point: P256Point): Uint8Array {
  const bytes = pointOf(point.toAffine())
  if (!isOnP256(bytes)) throw new RangeError('no point of P-256')
  return bytes
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
