import { concatBytes } from '../bytes/index.ts'

// Domain parameters of secp256r1, y² = x³ - 3x + b: SEC 2 v2 §2.4.2, FIPS 186-4 D.1.2.3.

/** The prime of the field of coordinates. */
export const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
/** How many points there are; a prime as well. */
export const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
export const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/** A point by its coordinates, 0 to p - 1. */
export interface Affine {
  x: bigint
  y: bigint
}

/** The base point. */
export const G: Readonly<Affine> = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
}

/** The high byte first. @param bytes - a multiple of 8 of them; secret ones are not looked at one by one */
export function numberOf(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let number = 0n
  for (let at = 0; at < bytes.length; at += 8) number = (number << 64n) | view.getBigUint64(at)
  return number
}

/** @param number - 0 to 2^256 - 1; 32 bytes, the high one first */
export function bytesOf(number: bigint): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(32))
  for (let at = 0; at < 32; at += 8) view.setBigUint64(24 - at, number >> BigInt(8 * at))
  return new Uint8Array(view.buffer)
}

/** What is left of any number, 0 to `modulus` - 1. */
export function modulo(number: bigint, modulus: bigint): bigint {
  const rest = number % modulus
  return rest < 0n ? rest + modulus : rest
}

/** Fermat's inversion modulo a prime: the sequence of operations is the same for every number. Of 0 it is 0. */
export function inverse(number: bigint, prime: bigint): bigint {
  const square = (number * number) % prime
  const powers = [1n, number, square, (square * number) % prime]
  let result = 1n
  // Two bits of the exponent at once, for a division costs as much as four products.
  for (const digit of (prime - 2n).toString(4)) {
    const squared = result * result
    result = (squared * squared * powers[Number(digit)]) % prime
  }
  return result
}

/** 65 bytes, uncompressed: 4, x, y (SEC 1 §2.3.3). */
export function pointOf({ x, y }: Affine): Uint8Array {
  return concatBytes(Uint8Array.of(4), bytesOf(x), bytesOf(y))
}

/** @param point - 65 bytes, uncompressed */
export function affineOf(point: Uint8Array): Affine {
  return { x: numberOf(point.subarray(1, 33)), y: numberOf(point.subarray(33)) }
}

/** Whether 65 bytes are an uncompressed point of the curve (SEC 1 §3.2.2.1); the cofactor is 1, so the subgroup needs no check. */
export function isOnP256(point: Uint8Array): boolean {
  if (point.length !== 65 || point[0] !== 4) return false
  const { x, y } = affineOf(point)
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n
}

const ORDER_BYTES = /* @__PURE__ */ bytesOf(ORDER)

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
