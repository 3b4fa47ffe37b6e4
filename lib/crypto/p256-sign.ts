import { concatBytes } from '../bytes/index.ts'
import { inverseModuloOrder } from './order-inverse.ts'
import type { P256Base } from './p256.ts'
import { bytesOf, isP256Scalar, numberOf, ORDER } from './p256-field.ts'
import { withNonce } from './rfc6979.ts'
import { sha256 } from './sha256.ts'

/** Random bytes that give a blinding factor with no bias that matters: half as many again as the order has (FIPS 186-5 A.2.1). */
const BLINDING_BYTES = 48

/**
 * ECDSA with SHA-256 and a nonce by RFC 6979: R‖S, 64 bytes, S as it falls. Signing alone, so that a camera that never
 * verifies carries nothing for it.
 * @param d - 32 bytes, 1 to n - 1
 */
export function signP256({ multiply, randomBytes }: P256Base, message: Uint8Array, d: Uint8Array): Uint8Array {
  if (d.length !== 32 || !isP256Scalar(d)) throw new RangeError('d is 32 bytes, 1 to n - 1')
  // Hash and order both have 256 bits, so that bits2int of RFC 6979 §2.3.2 is the number itself.
  const h = numberOf(sha256(message)) % ORDER
  const secret = numberOf(d)
  return withNonce(concatBytes(d, bytesOf(h)), (candidate) => {
    if (!isP256Scalar(candidate)) return undefined
    const k = numberOf(candidate)
    const r = multiply(k).x % ORDER
    // s = (bk)^-1 · (bh + bdr). The time of an operation on big numbers depends on them, so the inversion only ever sees b·k.
    const b = (numberOf(randomBytes(BLINDING_BYTES)) % (ORDER - 1n)) + 1n
    const s = (inverseModuloOrder((b * k) % ORDER) * ((b * h + ((b * secret) % ORDER) * r) % ORDER)) % ORDER
    return r === 0n || s === 0n ? undefined : concatBytes(bytesOf(r), bytesOf(s))
  })
}
