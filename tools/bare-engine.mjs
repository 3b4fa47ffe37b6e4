// How bundles for bare engines are made.
import { resolve } from 'node:path'

/** Text coders of a host are dead weight where there is no host. */
const withoutHostCoders = {
  name: 'without-host-coders',
  setup(build) {
    build.onResolve({ filter: /\/host-coders\.ts$/ }, () => ({ path: resolve('lib/bytes/no-host-coders.ts') }))
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
