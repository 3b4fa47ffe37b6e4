// In the place of order-inverse.ts in bundles whose size is promised (build.mjs). On QuickJS Euclid's way is no faster.
import { inverse, ORDER } from './p256-field.ts'

/** The inverse modulo the order. */
export function inverseModuloOrder(number: bigint): bigint {
  return inverse(number, ORDER)
}
