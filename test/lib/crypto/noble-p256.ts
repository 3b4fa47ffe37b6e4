// All of ECDSA by @noble/curves, which ours is held against on whatever curve it is built.
import { type ECDSA, ecdsa, weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { B, G, ORDER, P } from '../../../lib/crypto/p256-field.ts'
import type { Random } from '../../../lib/runtime/index.ts'

/** With the high S that ES256 allows, and a random source of the caller's: engines without `crypto` run this too. */
export function nobleP256(random: Random, tableWindow = 1): ECDSA {
  const randomBytes = (length = 32): Uint8Array<ArrayBuffer> => Uint8Array.from(random.bytes(length))
  const Point = weierstrass({
    p: P,
    n: ORDER,
    h: 1n,
    a: P - 3n,
    b: B,
    Gx: G.x,
    Gy: G.y,
  }, { randomBytes })
  Point.BASE.precompute(tableWindow)
  return ecdsa(Point, sha256, { randomBytes, lowS: false })
}

/** The point that a vector gives in compressed form, as 65 bytes. */
export function uncompressed(digits: string): Uint8Array {
  return nobleP256({ bytes: (length) => new Uint8Array(length) }).Point.fromHex(digits).toBytes(false)
}
