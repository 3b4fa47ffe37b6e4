import { concatBytes } from '../bytes/index.ts'
import { keyed } from './sha256-portable.ts'

/** One candidate in 2^32 is no scalar of P-256, so that this many are never needed. */
const MOST_CANDIDATES = 1000

/**
 * Candidates for the nonce of a signature, HMAC_DRBG with SHA-256 (RFC 6979 §3.2 d to h), for an order of 256 bits.
 * @param seed - the key and the reduced hash, 32 bytes each
 * @param use - gives undefined when a candidate will not do; what it gives else is the result
 */
export function withNonce<Result>(seed: Uint8Array, use: (candidate: Uint8Array) => Result | undefined): Result {
  let v: Uint8Array = new Uint8Array(32).fill(1)
  let mac = keyed(new Uint8Array(32))
  const update = (step: number, data: Uint8Array): void => {
    mac = keyed(mac(concatBytes(v, Uint8Array.of(step), data)))
    v = mac(v)
  }
  update(0, seed)
  update(1, seed)
  for (let count = 0; count < MOST_CANDIDATES; count++) {
    v = mac(v)
    const result = use(v)
    if (result !== undefined) return result
    update(0, new Uint8Array(0))
  }
  throw new RangeError('no nonce will do')
}
