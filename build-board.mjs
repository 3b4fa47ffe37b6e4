// `npm run build:board`: the camera as one file for each kind of board, under dist/quickjs/. Names of targets build only those;
// `--probes` adds the programs that the tests run.
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { bundleSmall, firmware } from './tools/bare-engine.mjs'
import { buildBoardProgram, compileBytecode, targets } from './tools/board.mjs'
import { installLine, locate, requirements } from './tools/requirements.mjs'
import { boardSizes } from './tools/sized.mjs'

const folder = 'dist/quickjs'
const DAY_MS = 86_400_000
/** The oldest time that a camera believes. Of the day, so that one day's builds are the same; SOURCE_DATE_EPOCH makes all so. */
const builtMs = Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000 || Math.floor(Date.now() / DAY_MS) * DAY_MS

/** A program for the board's host in one file: bundle, and bytecode of it. @param entry - a module that uses the global `board` */
export async function bundleForBoard(entry, outfile) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const { metafile } = await bundleSmall({
    ...firmware, entryPoints: [entry], outfile,
    define: { LENSKEY_VERSION: JSON.stringify(version), LENSKEY_BUILT_MS: String(builtMs) },
  }, { fast: true })
  const left = Object.values(metafile.outputs)[0].imports
  if (left.length > 0) throw new Error(`${outfile} still imports ${left.map(({ path }) => path).join(', ')}`)
  await compileBytecode(outfile, outfile.replace(/\.js$/, '.bin'))
}

/** Programs that the tests run, under build/: the same host around other entries, with each TLS library, with sanitizers, and for valgrind. */
async function buildProbes() {
  const made = 'build/board/probes'
  mkdirSync(made, { recursive: true })
  for (const [name, entry] of [['probe', 'test/lib/runtimes/board-probe.ts'], ['wrong-clock', 'test/lib/runtimes/board-wrong-clock.ts'], ['day', 'test/lib/runtimes/board-day.ts']]) await bundleForBoard(entry, `${made}/${name}.js`)
  const common = { target: 'x86_64', bytecode: `${made}/probe.bin` }
  await buildBoardProgram({ ...common, outfile: `${made}/probe-mbedtls` })
  await buildBoardProgram({ ...common, outfile: `${made}/probe-sanitized`, sanitize: true })
  await buildBoardProgram({ ...common, outfile: `${made}/probe-watched`, watched: true })
  if (existsSync('/usr/include/openssl/ssl.h')) await buildBoardProgram({ ...common, outfile: `${made}/probe-openssl`, tls: 'openssl' })
  for (const name of ['wrong-clock', 'day']) await buildBoardProgram({ ...common, bytecode: `${made}/${name}.bin`, outfile: `${made}/${name}` })
}

async function main(wanted) {
  const unknown = wanted.filter((name) => !(name in targets))
  if (unknown.length > 0) throw new Error(`no such target: ${unknown.join(', ')}; there are ${Object.keys(targets).join(', ')}`)
  mkdirSync(folder, { recursive: true })
  await bundleForBoard('runtimes/quickjs/lenskey-camera.ts', `${folder}/lenskey-camera.js`)
  const bytecode = `${folder}/lenskey-camera.bin`
  const bundle = readFileSync(`${folder}/lenskey-camera.js`)
  const sizes = { raw: bundle.length, gzip: gzipSync(bundle, { level: 9 }).length, bytecode: statSync(bytecode).size }
  for (const [what, size] of Object.entries(sizes)) {
    if (size > boardSizes[what]) throw new Error(`the camera for boards has ${size} bytes (${what}), over its limit of ${boardSizes[what]}`)
  }
  const made = ['lenskey-camera.js', 'lenskey-camera.bin']
  for (const [target, { cc }] of Object.entries(targets)) {
    if (wanted.length > 0 && !wanted.includes(target)) continue
    if (locate(cc) === undefined) {
      console.log(`${target} is left out, ${cc} is missing: ${installLine(requirements.filter(({ tool }) => tool === cc))}`)
      if (wanted.includes(target)) process.exitCode = 1
      continue
    }
    await buildBoardProgram({ target, bytecode, outfile: `${folder}/lenskey-camera-${target}` })
    made.push(`lenskey-camera-${target}`)
  }
  console.table(Object.fromEntries(made.map((name) => {
    const bytes = readFileSync(`${folder}/${name}`)
    return [name, { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length }]
  })))
}

if (process.argv[1]?.endsWith('build-board.mjs')) {
  await main(process.argv.slice(2).filter((argument) => argument !== '--probes'))
  if (process.argv.includes('--probes')) await buildProbes()
}
