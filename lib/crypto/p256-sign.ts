import { mapHashToField } from '@noble/curves/abstract/modular.js'
import { bytesToNumberBE, createHmacDrbg } from '@noble/curves/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '../bytes/index.ts'
import type { P256 } from './p256.ts'

/** Random bytes that give a blinding factor with no bias that matters: half as many again as the order has (FIPS 186-5 A.2.1). */
const BLINDING_BYTES = 48

/**
 * ECDSA with SHA-256 and a nonce by RFC 6979: R‖S, 64 bytes, S as it falls. Signing alone, so that a camera that never
 * verifies carries nothing for it; p256-verify.ts has the whole of ECDSA.
 * @param d - 32 bytes, 1 to n - 1
 */
export function signP256({ Point, randomBytes }: P256, message: Uint8Array, d: Uint8Array): Uint8Array {
  const { Fn } = Point
  // Hash and order both have 256 bits, so that bits2int of RFC 6979 §2.3.2 is the number itself.
  const h = Fn.create(bytesToNumberBE(sha256(message)))
  const secret = Fn.fromBytes(d)
  if (secret === 0n) throw new RangeError('d is 0')
  const nonces = createHmacDrbg<Uint8Array>(32, 32, (key: Uint8Array, text: Uint8Array) => hmac(sha256, key, text))
  return nonces(concatBytes(Fn.toBytes(secret), Fn.toBytes(h)), (candidate) => {
    const k = bytesToNumberBE(candidate)
    if (!Fn.isValidNot0(k)) return undefined
    const r = Fn.create(Point.BASE.multiply(k).toAffine().x)
    // s = (bk)^-1 · (bh + bdr). The running time of an inversion depends on its input, so it only ever sees b·k.
    const b = bytesToNumberBE(mapHashToField(randomBytes(BLINDING_BYTES), Fn.ORDER))
    const s = Fn.mul(Fn.inv(Fn.mul(b, k)), Fn.add(Fn.mul(b, h), Fn.mul(Fn.mul(b, secret), r)))
    return r === 0n || s === 0n ? undefined : concatBytes(Fn.toBytes(r), Fn.toBytes(s))
  })
}
