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
 * @param vars - whether `let` and `const` become `var`, which costs 1 % of the size. QuickJS looks at each use of the former
 * whether it is too early: SHA-256 takes a sixth less without, a first token a twentieth
 * @returns esbuild's result, with a metafile
 */
export async function bundleSmall(options, { vars = false } = {}) {
  const result = await esbuild.build({ ...options, minify: true, metafile: true, write: false, logLevel: 'warning' })
  const bundled = result.outputFiles[0].text
  // As a directive terser would drop "use strip", which it does not know.
  const { code } = await minify(vars ? await withVars(bundled) : bundled, { module: true, ecma: 2020, compress: { ecma: 2020, directives: false }, mangle: { module: true } })
  mkdirSync(dirname(options.outfile), { recursive: true })
  writeFileSync(options.outfile, code)
  return result
}

async function withVars(source) {
  const { code } = await transformAsync(source, { configFile: false, babelrc: false, compact: true, plugins: [blockScoping] })
  return code
}
