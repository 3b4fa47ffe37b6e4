// How bundles for bare engines, and others whose size counts, are made.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { transformAsync } from '@babel/core'
import blockScoping from '@babel/plugin-transform-block-scoping'
import * as esbuild from 'esbuild'
import { minify } from 'terser'
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

/**
 * As they ship. The directive makes QuickJS keep no text, variable names and line numbers of functions; there is one line anyway.
 * Bytecode, and memory while the camera is loaded, are a sixth less.
 */
export const firmware = { ...bareEngine, plugins: [firmwareModules], banner: { js: '"use strip";' } }

/**
 * One module in one file, as small as it gets: esbuild bundles and minifies, and terser, which shortens names by how often
 * they stand where, takes off another 4 % of what gzip makes of it.
 * @param options - esbuild's, with one entry and an `outfile`
 * @param fast - for 1 to 2 % of the size: `let` and `const` become `var`, as QuickJS looks at each use of the former whether it is too
 * early; and no function goes into the only one that calls it, which would make it anew at each call. CBOR takes a fifth less, SHA-256
 * a sixth, a first token a twentieth
 * @returns esbuild's result, with a metafile
 */
export async function bundleSmall(options, { fast = false } = {}) {
  const result = await esbuild.build({ ...options, minify: true, metafile: true, write: false, logLevel: 'warning' })
  const bundled = result.outputFiles[0].text
  // As a directive terser would drop "use strip", which it does not know.
  const compress = { ecma: 2020, directives: false, ...(fast && { reduce_funcs: false, passes: 2 }) }
  const { code } = await minify(fast ? await withVars(bundled) : bundled, { module: true, ecma: 2020, compress, mangle: { module: true } })
  mkdirSync(dirname(options.outfile), { recursive: true })
  writeFileSync(options.outfile, code)
  return result
}

async function withVars(source) {
  const { code } = await transformAsync(source, { configFile: false, babelrc: false, compact: true, plugins: [blockScoping] })
  return code
}
