import type { Random } from '../runtime/index.ts'
import { type P256Base, p256With } from './p256.ts'

/**
 * The base point as keys and signers use it: here by `@noble/curves`. In bundles for bare engines p256-comb.ts, which has
 * the same function, stands in the place of this file (build.mjs).
 * @throws {LenskeyError} `ERR_RANDOM` when the source does not work: signing without blinding is never a silent fallback
 */
export function p256Base(random: Random, tableWindow?: number): P256Base {
  return p256With(random, tableWindow)
}
