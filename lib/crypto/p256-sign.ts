import { invert } from '@noble/curves/abstract/modular.js'
import { createHmacDrbg } from '@noble/curves/utils.js'
import { concatBytes } from '../bytes/index.ts'
import { bytesOf, isP256Scalar, numberOf, type P256Base, p256Parameters } from './p256.ts'
import { hmacSha256, sha256 } from './sha256.ts'

/** Random bytes that give a blinding factor with no bias that matters: half as many again as the order has (FIPS 186-5 A.2.1). */
const BLINDING_BYTES = 48

/**
 * ECDSA with SHA-256 and a nonce by RFC 6979: R‖S, 64 bytes, S as it falls. Signing alone, so that a camera that never
 * verifies carries nothing for it; p256-verify.ts has the whole of ECDSA.
 * @param d - 32 bytes, 1 to n - 1
 */
export function signP256({ multiply, randomBytes }: P256Base, message: Uint8Array, d: Uint8Array): Uint8Array {
  if (d.length !== 32 || !isP256Scalar(d)) throw new RangeError('d is 32 bytes, 1 to n - 1')
  const { n } = p256Parameters()
  // Hash and order both have 256 bits, so that bits2int of RFC 6979 §2.3.2 is the number itself.
  const h = numberOf(sha256(message)) % n
  const secret = numberOf(d)
  const nonces = createHmacDrbg<Uint8Array>(32, 32, (key: Uint8Array, text: Uint8Array) => hmacSha256(key, text))
  return nonces(concatBytes(d, bytesOf(h)), (candidate) => {
    if (!isP256Scalar(candidate)) return undefined
    const k = numberOf(candidate)
    const r = multiply(k).x % n
    // s = (bk)^-1 · (bh + bdr). The running time of an inversion depends on its input, so it only ever sees b·k.
    const b = (numberOf(randomBytes(BLINDING_BYTES)) % (n - 1n)) + 1n
    const s = (invert((b * k) % n, n) * ((b * h + ((b * secret) % n) * r) % n)) % n
    return r === 0n || s === 0n ? undefined : concatBytes(bytesOf(r), bytesOf(s))
  })
}
