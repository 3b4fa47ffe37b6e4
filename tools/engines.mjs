// Engines that the portable tests run on beside this Node and QuickJS 2021: fetched into build/engines when they are missing, so that
// nobody who only builds has to.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = resolve('build/engines')
const node = process.execPath

/** Versions are pinned, like those of every package. */
const packages = {
  deno: '2.9.6',
  node24: 'npm:node@24.21.0',
  node26: 'npm:node@26.10.0',
  'quickjs-emscripten-core': '0.32.0',
  '@jitl/quickjs-ng-wasmfile-release-sync': '0.32.0',
}

const installed = (name) => join(folder, 'node_modules', name)
const denoProgram = installed('.bin/deno')
const nodeOf = (name) => join(installed(name), 'bin/node')

/** By name, how each runs a bare bundle and prints TAP. */
export const engines = {
  'this Node': (bundle) => [node, 'test/engines/print.mjs', bundle],
  'Node 24': (bundle) => [nodeOf('node24'), 'test/engines/print.mjs', bundle],
  'Node 26': (bundle) => [nodeOf('node26'), 'test/engines/print.mjs', bundle],
  Deno: (bundle) => [denoProgram, 'run', '--allow-read=test,build', 'test/engines/print.mjs', bundle],
  'quickjs-ng': (bundle) => [node, 'test/engines/quickjs-ng.mjs', folder, bundle],
  Chromium: (bundle) => [node, 'test/engines/chromium.mjs', bundle],
}

/** Path of Deno; fetched first when it is missing. */
export function ensureDeno() {
  ensureEngines()
  return denoProgram
}

export function ensureEngines() {
  const wanted = JSON.stringify({ private: true, dependencies: packages }, undefined, 2)
  const manifest = join(folder, 'package.json')
  if (existsSync(manifest) && readFileSync(manifest, 'utf8') === wanted && Object.keys(packages).every((name) => existsSync(installed(name)))) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(manifest, wanted)
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}
