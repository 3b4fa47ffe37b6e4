// `npm run fuzz -- [SECONDS [NAME...]]`: libFuzzer over the C functions that see bytes of the network, with sanitizers; a minute each
// when nothing is said. New inputs stay under build/fuzz/corpus/, what breaks something under build/fuzz/broken/.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { compile, host, hostFlags, isStale, mbedtlsConfig, mbedtlsParts } from './board.mjs'
import { engineFlags, folder as engine } from './gstreamer.mjs'

const source = 'test/fuzz'
const build = 'build/fuzz'
const sanitizers = ['-g', '-O1', '-fno-omit-frame-pointer', '-fsanitize=fuzzer-no-link,address,undefined', '-fno-sanitize-recover=undefined']

/** By its name, which is that of its file in test/fuzz and of its corpus if no other is given: what it is linked with, how long its
 * inputs get, its dictionary, how many inputs a short run takes, and whether what it keeps is no leak. */
export const targets = {
  description: { parts: 'engine', length: 16_384, dictionary: 'sdp', runs: 10_000 },
  // Names of fields stay for good in GLib, whose table of them leaves its former self behind when it grows.
  sections: { parts: 'engine', length: 16_384, dictionary: 'sdp', runs: 3_000, keeps: true },
  candidate: { parts: 'engine', length: 1100, dictionary: 'sdp', runs: 20_000 },
  server: { parts: 'engine', length: 600, dictionary: 'sdp', runs: 20_000 },
  line: { parts: 'engine', length: 4096, dictionary: 'json', runs: 10_000 },
  message: { parts: 'engine', length: 4096, runs: 5_000 },
  'tls-client': { parts: 'mbedtls', length: 6000, runs: 300 },
  'tls-client-openssl': { file: 'tls-client', parts: 'openssl', length: 6000, runs: 300 },
  verify: { parts: 'mbedtls', length: 400, runs: 300 },
  'verify-openssl': { file: 'verify', parts: 'openssl', length: 400, runs: 3_000 },
}

/** The engine's objects but main.c, which opens sockets. */
async function engineParts() {
  const flags = [...sanitizers, '-I', engine, '-I', source, ...await engineFlags('--cflags')]
  const sources = readdirSync(engine).filter((name) => name.endsWith('.c') && name !== 'main.c').map((name) => join(engine, name))
  const headers = [join(engine, 'engine.h')]
  const camera = await compile('clang', [join(source, 'camera.c')], flags, join(build, 'camera'), headers)
  return { flags, objects: [...camera, ...await compile('clang', sources, flags, join(build, 'engine'), headers)], link: await engineFlags('--libs') }
}

/** The host's TLS client and P-256; Mbed TLS with them, whose own shifts and casts are those of C of its age. OpenSSL is the system's. */
async function hostParts(tls) {
  const library = tls === 'mbedtls' ? mbedtlsParts() : { sources: [], flags: [], link: ['-lssl', '-lcrypto'] }
  const flags = [...sanitizers, '-I', source, '-Wno-unknown-warning-option', ...hostFlags, ...library.flags]
  const foreign = ['-w', ...sanitizers, '-fno-sanitize=undefined', ...library.flags]
  const own = await compile('clang', ['resolve', `tls-${tls}`].map((name) => join(host, `${name}.c`)), flags, join(build, `host-${tls}`), [mbedtlsConfig])
  return { flags, objects: [...own, ...await compile('clang', library.sources, foreign, join(build, 'mbedtls'), [mbedtlsConfig])], link: library.link }
}

const fileOf = (name) => targets[name].file ?? name
/** The folder of a target's seeds. */
export const seedsOf = (name) => join(source, 'corpus', fileOf(name))

/** Builds the fuzzers of these names where they are missing or old. Needs clang, and what the engine is built with. */
export async function ensureFuzzers(names = Object.keys(targets)) {
  const made = {}
  for (const name of names) {
    const { parts } = targets[name]
    const { flags, objects, link } = made[parts] ??= await (parts === 'engine' ? engineParts() : hostParts(parts))
    const file = join(source, `${fileOf(name)}.c`)
    // A file of the engine that is taken in whole, for what is static in it, is not linked once more.
    const within = [...readFileSync(file, 'utf8').matchAll(/#include "([\w-]+)\.c"/g)].map(([, part]) => part)
    const others = objects.filter((object) => !within.some((part) => object.endsWith(`/${part}.o`)))
    const sources = [file, join(source, 'check.h'), ...within.map((part) => join(engine, `${part}.c`)), ...others]
    if (isStale(join(build, name), sources)) await run('clang', [...flags, '-Wno-unused-function', '-fsanitize=fuzzer', file, ...others, '-o', join(build, name), ...link])
  }
}

function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'], ...options })
    let errors = ''
    child.stderr.on('data', (bytes) => { errors = (errors + bytes).slice(-20_000) })
    child.on('error', reject)
    child.on('close', (code, signal) => (code === 0 ? resolve(errors) : reject(new Error(`${command} ended with ${code ?? signal}:\n${errors.replace(/^#\d+\s+(NEW|REDUCE|RELOAD|pulse).*\n/gm, '')}`))))
  })
}

/**
 * Runs one fuzzer over its corpus and what it makes of it.
 * @param limit - `{ seconds }` or `{ runs }`
 * @returns inputs tried, edges of the code reached, inputs that reach them
 * @throws Error over the first input that breaks something; it is kept
 */
export async function runFuzzer(name, { seconds = 0, runs = targets[name].runs } = {}) {
  const { length, dictionary, keeps = false } = targets[name]
  // A short run is the same each time: it starts from the seeds alone. libFuzzer adds what it finds to the first folder that it is given.
  const found = join(build, seconds > 0 ? 'corpus' : 'short', name)
  if (seconds === 0) rmSync(found, { recursive: true, force: true })
  const broken = join(build, 'broken')
  mkdirSync(found, { recursive: true })
  mkdirSync(broken, { recursive: true })
  const seeds = seedsOf(name)
  const errors = await run(join(build, name), [
    ...(seconds > 0 ? [`-max_total_time=${seconds}`] : [`-runs=${runs + readdirSync(seeds).length}`, '-seed=1']), found, seeds,
    `-max_len=${length}`, '-timeout=25', '-rss_limit_mb=1024', '-print_final_stats=1', `-artifact_prefix=${broken}/${name}-`,
    ...(dictionary === undefined ? [] : [`-dict=${join(source, `${dictionary}.dict`)}`]),
  ], { env: { ...process.env, ASAN_OPTIONS: `detect_leaks=${keeps ? 0 : 1}`, UBSAN_OPTIONS: 'print_stacktrace=1', GST_REGISTRY_FORK: 'no', G_DEBUG: 'fatal-criticals' } })
  const [, inputs] = /^#(\d+)\s+DONE/m.exec(errors) ?? []
  const [, edges, corpus] = /DONE\s+cov: (\d+).*corp: (\d+)/.exec(errors) ?? []
  return { inputs: Number(inputs), edges: Number(edges), corpus: Number(corpus) }
}

async function main([seconds = '60', ...names]) {
  const chosen = names.length > 0 ? names : Object.keys(targets)
  await ensureFuzzers(chosen)
  const rows = {}
  for (const name of chosen) {
    rows[name] = await runFuzzer(name, { seconds: Number(seconds) })
    console.log(`${name}: ${JSON.stringify(rows[name])}`)
  }
  console.table(rows)
}

if (process.argv[1]?.endsWith('tools/fuzz.mjs')) await (process.argv[2] === '--build' ? ensureFuzzers() : main(process.argv.slice(2)))
