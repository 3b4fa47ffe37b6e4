// Builds everything: `node build.mjs`; `--quick` makes only what `npm start` needs; `--tests` adds the test bundles.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import { bareEngine, bundleSmall, firmware } from './tools/bare-engine.mjs'
import { checkImports } from './tools/import-rules.mjs'
import { sized } from './tools/sized.mjs'
import { firmwareModules } from './tools/small-modules.mjs'

const quick = process.argv.includes('--quick')
const tests = process.argv.includes('--tests')

const nodeEntries = {
  node: 'runtimes/node/index.ts',
  service: 'runtimes/node/service/index.ts',
  cli: 'runtimes/node/cli/main.ts',
  memory: 'runtimes/memory/index.ts',
  bytes: 'lib/bytes/index.ts',
  errors: 'lib/errors.ts',
  runtime: 'lib/runtime/index.ts',
  crypto: 'lib/crypto/index.ts',
  jwt: 'lib/jwt/index.ts',
  cbor: 'lib/cbor/index.ts',
  coap: 'lib/coap/index.ts',
  iam: 'lib/iam/index.ts',
  access: 'lib/access/index.ts',
  signaling: 'lib/signaling/index.ts',
  webrtc: 'lib/webrtc/index.ts',
  edge: 'lib/edge/index.ts',
  device: 'lib/device/index.ts',
  client: 'lib/client/index.ts',
  cloud: 'lib/cloud/index.ts',
}

/** npm's packages stay outside, but for the curve: as files of its own it costs a fresh process 25 ms and 5 MB more. */
const { dependencies, optionalDependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const external = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }).filter((name) => !name.startsWith('@noble/'))

/** The bench for Node, which has to come alone onto a board as well. */
const nodeBench = {
  entryPoints: ['runtimes/bench/node.ts'], outfile: 'dist/lenskey-bench.node.mjs', bundle: true, format: 'esm', target: 'node20', platform: 'node', metafile: true, logLevel: 'warning',
}

const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)))

async function buildLibrary() {
  return esbuild.build({
    entryPoints: present(nodeEntries),
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    external,
    sourcemap: !quick,
    chunkNames: 'chunks/[name]-[hash]',
    metafile: true,
    logLevel: 'warning',
  })
}

async function buildBrowser() {
  const common = { bundle: true, format: 'esm', target: 'es2022', platform: 'browser', metafile: true, logLevel: 'warning' }
  const library = await esbuild.build({ ...common, entryPoints: ['runtimes/browser/index.ts'], outfile: 'dist/browser.js', packages: 'external' })
  const edgeClient = await esbuild.build({ ...common, entryPoints: ['runtimes/browser/edge-client.ts'], outfile: 'dist/edge-client.js', packages: 'external' })
  const viewer = await esbuild.build({
    ...common,
    entryPoints: { viewer: 'runtimes/browser/viewer/viewer.ts' },
    outdir: 'dist/viewer',
    splitting: true,
    chunkNames: '[name]-[hash]',
    minify: true,
    sourcemap: false,
  })
  for (const file of ['index.html', 'viewer.css', 'icon.svg']) copyFileSync(`runtimes/browser/viewer/${file}`, `dist/viewer/${file}`)
  return [library, edgeClient, viewer]
}

async function buildSized() {
  const results = []
  for (const target of sized.filter(({ entry }) => existsSync(entry))) {
    const outfile = `dist/${target.name}`
    const result = await bundleSmall({ ...target.options, entryPoints: [target.entry], outfile }, target)
    const leaked = Object.values(result.metafile.outputs)[0].imports
    if (leaked.length > 0) throw new Error(`${outfile} still imports ${leaked.map(({ path }) => path).join(', ')}`)
    const packaged = Object.keys(result.metafile.inputs).find((file) => file.includes('node_modules/'))
    if (packaged !== undefined) throw new Error(`${outfile} is to stand on our own small modules, and has ${packaged} in it`)
    const bytes = readFileSync(outfile)
    results.push({ result, row: sizeRow(target, bytes) })
  }
  return results
}

function sizeRow({ name, raw, gzip }, bytes) {
  const sizes = { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length }
  if (sizes.raw > raw || sizes.gzip > gzip) {
    throw new Error(`${name} is ${sizes.raw} bytes (${sizes.gzip} gzip), over its limit of ${raw} (${gzip} gzip)`)
  }
  return { target: name, ...sizes, 'raw limit': raw, 'gzip limit': gzip }
}

function buildTypes() {
  for (const project of ['tsconfig.lib.json', 'tsconfig.json']) {
    execFileSync(process.execPath, [
      'node_modules/typescript/bin/tsc', '-p', project, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly',
      '--rootDir', '.', '--outDir', 'dist/types',
    ], { stdio: 'inherit' })
  }
  rmSync('dist/types/test', { recursive: true, force: true })
  rmSync('dist/types/bench', { recursive: true, force: true })
  rmSync('dist/types/examples', { recursive: true, force: true })
  // A consumer has no .ts files beside these declarations.
  for (const file of filesUnder('dist/types', '.d.ts')) {
    writeFileSync(file, readFileSync(file, 'utf8').replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'))
  }
}

export function filesUnder(folder, ending) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true }).map((file) => join(folder, String(file))).filter((file) => file.endsWith(ending)).sort()
}

/** What depends on the curve and the hash runs on noble's and on our own. */
const onBothCurves = (file) => /^test\/(lib\/(crypto|jwt|access)\/|lib\/iam\/password|node\/(p256|wycheproof))/.test(file)

/**
 * Each test/lib file becomes a tap program of its own, and all of them together one program for a bare engine. What depends
 * on the curve becomes one more of each: build/test/small on Node with the modules of the small bundles, and for a bare engine
 * bare-noble.js without them.
 */
async function buildTests() {
  rmSync('build/test', { recursive: true, force: true })
  const portable = filesUnder('test/lib', '.test.ts')
  const inFront = {
    name: 'runner-in-front',
    setup(build) {
      build.onResolve({ filter: /^portable:/ }, ({ path }) => ({ path: path.slice('portable:'.length), namespace: 'portable' }))
      build.onLoad({ filter: /.*/, namespace: 'portable' }, ({ path }) => ({
        contents: `import './test/suite-tap.ts'\nimport './${path}'`, resolveDir: '.', loader: 'ts',
      }))
    },
  }
  const common = { bundle: true, splitting: true, format: 'esm', target: 'node20', platform: 'node', packages: 'external', sourcemap: 'linked', logLevel: 'warning' }
  const named = (files, make) => Object.fromEntries(files.map((file) => [file.slice('test/'.length, -'.ts'.length), make(file)]))
  const programs = (wanted, outdir, plugins) => esbuild.build({
    ...common,
    entryPoints: {
      ...named(portable.filter(wanted), (file) => `portable:${file}`),
      ...named(filesUnder('test/node', '.ts').filter(wanted), (file) => `./${file}`),
    },
    outdir,
    plugins: [inFront, ...plugins],
  })
  await programs(() => true, 'build/test', [])
  await programs(onBothCurves, 'build/test/small', [firmwareModules])
  mkdirSync('build/test', { recursive: true })
  const bareProgram = (files, outfile, options, how) => {
    const lines = ["import './test/noble-shims.ts'", "import { runTests } from './test/run-bare.ts'", ...files.map((file) => `import './${file}'`), 'void runTests()']
    return bundleSmall({ ...options, stdin: { contents: lines.join('\n'), resolveDir: '.', loader: 'ts' }, outfile }, how)
  }
  await bareProgram(portable, 'build/test/bare.js', firmware, { fast: true })
  await bareProgram(portable.filter(onBothCurves), 'build/test/bare-noble.js', bareEngine)
  const benches = filesUnder('bench', '.ts')
  const bare = benches.filter((file) => file.endsWith('-bare.ts'))
  await esbuild.build({ ...common, splitting: false, packages: 'bundle', external, entryPoints: benches.filter((file) => !bare.includes(file)), outbase: '.', outdir: 'build' })
  for (const file of bare) {
    const outfile = join('build', file.replace(/\.ts$/, '.js'))
    await (file.includes('noble') ? bundleSmall({ ...bareEngine, entryPoints: [file], outfile }) : bundleSmall({ ...firmware, entryPoints: [file], outfile }, { fast: true }))
  }
}

rmSync('dist', { recursive: true, force: true })
const library = await buildLibrary()
const browser = existsSync('runtimes/browser/viewer/viewer.ts') ? await buildBrowser() : []
if (!quick) {
  const bundles = await buildSized()
  checkImports([library, ...browser, await esbuild.build(nodeBench), ...bundles.map(({ result }) => result)].map(({ metafile }) => metafile))
  console.table(Object.fromEntries(bundles.map(({ row: { target, ...sizes } }) => [target, sizes])))
  buildTypes()
}
if (tests) await buildTests()
console.log(`built ${relative('.', 'dist')}/`)
