// Which small files stand in the place of larger ones, in bundles whose size is promised (docs/design.md, "Fixed points").
import { resolve } from 'node:path'

/** @param files - by the name of the file that each replaces; both have the same functions */
const instead = (files) => ({
  name: 'instead',
  setup(build) {
    for (const [name, file] of Object.entries(files)) {
      build.onResolve({ filter: new RegExp(`/${name.replaceAll('.', '\\.')}$`) }, () => ({ path: resolve(file) }))
    }
  },
})

const coders = { 'host-coders.ts': 'lib/bytes/no-host-coders.ts' }
const curveAndHash = { 'p256-points.ts': 'lib/crypto/p256-points-small.ts', 'sha256-portable.ts': 'lib/crypto/sha256-small.ts', 'order-inverse.ts': 'lib/crypto/order-inverse-small.ts' }

/** A bare engine has no text coders. */
export const withoutHostCoders = instead(coders)

/** Our own curve and hash in the place of noble's; and the texts of a client are short, so that it can do without a host's coders. */
export const smallModules = instead({ ...coders, ...curveAndHash })

/** Keys and signatures by a comb as well, with which the first token comes ten times sooner. */
export const firmwareModules = instead({ ...coders, ...curveAndHash, 'p256-base.ts': 'lib/crypto/p256-comb.ts' })
