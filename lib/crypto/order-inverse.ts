import { invert } from '@noble/curves/abstract/modular.js'
import { ORDER } from './p256-field.ts'

/**
 * The inverse modulo the order, six times as fast as that of p256-field.ts where BigInt is compiled. Its time depends on the number, so
 * that a secret one has to be blinded. In bundles whose size is promised order-inverse-small.ts stands in its place.
 * @param number - 1 to n - 1
 */
export function inverseModuloOrder(number: bigint): bigint {
  return invert(number, ORDER)
}
