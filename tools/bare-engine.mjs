// How bundles for bare engines are made.
import { firmwareModules, withoutHostCoders } from './small-modules.mjs'

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

/** As they ship. */
export const firmware = { ...bareEngine, plugins: [firmwareModules] }
