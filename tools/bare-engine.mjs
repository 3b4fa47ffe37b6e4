// How bundles for bare engines are made.
import { resolve } from 'node:path'

/** Text coders of a host are dead weight where there is no host. */
const withoutHostCoders = {
  name: 'without-host-coders',
  setup(build) {
    build.onResolve({ filter: /\/host-coders\.ts$/ }, () => ({ path: resolve('lib/bytes/no-host-coders.ts') }))
  },
}

/** Keys and signatures by a comb: on a bare engine it starts ten times faster than the curve, and it is a third of its size. */
const withComb = {
  name: 'with-comb',
  setup(build) {
    build.onResolve({ filter: /\/p256-base\.ts$/ }, () => ({ path: resolve('lib/crypto/p256-comb.ts') }))
  },
}

/** Engines of 2021: their syntax, in one file. Private members stay private members, as WeakMaps they are ten times slower. */
export const bareEngine = {
  bundle: true,
  format: 'esm',
  target: 'es2020',
  supported: { 'class-private-field': true, 'class-private-method': true, 'class-field': true },
  platform: 'neutral',
  mainFields: ['module', 'main'],
  legalComments: 'none',
  plugins: [withoutHostCoders],
}

export const firmware = { ...bareEngine, plugins: [...bareEngine.plugins, withComb] }
