import { weierstrass } from '@noble/curves/abstract/weierstrass.js'
import type { P256Points, RandomBytes } from './p256.ts'
import { B, G, ORDER, P } from './p256-field.ts'

/**
 * The points of the curve, by `@noble/curves`. In bundles whose size is promised p256-points-small.ts, which has the same
 * function, stands in the place of this file (build.mjs).
 * @param random - blinds multiplications; undefined leaves that out
 * @throws what the source throws while the points are built
 */
export function p256Points(random: RandomBytes | undefined): P256Points {
  let failure: { thrown: unknown } | undefined
  // Always given, or noble would look for a global source.
  const randomBytes: RandomBytes = (length) => {
    if (random === undefined) throw new Error('no blinding')
    try {
      return random(length)
    } catch (thrown) {
      failure = { thrown }
      throw thrown
    }
  }
  const Point = weierstrass({ p: P, n: ORDER, h: 1n, a: P - 3n, b: B, Gx: G.x, Gy: G.y }, { randomBytes })
  // It tries its source while it is built, and would silently do without one that fails.
  if (failure !== undefined) throw failure.thrown
  return Point
}
