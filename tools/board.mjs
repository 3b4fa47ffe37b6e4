// Compiles the host for boards (runtimes/quickjs/host) around a program: engine, TLS library and bytecode in one static file.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { ensureMbedtls } from './mbedtls.mjs'

const run = promisify(execFile)
// From the project's root, where all scripts run: this file also gets linked into tests.
export const engine = 'node_modules/qjsc/deps/quickjs_2021_03_27'
export const host = 'runtimes/quickjs/host'
const build = 'build/board'
const jobs = 2

/** Compilers by target. The 32-bit one is tuned for the Cortex-A7 class of camera chips. */
export const targets = {
  x86_64: { cc: 'gcc', strip: 'strip', flags: [], emulator: [] },
  armhf: { cc: 'arm-linux-gnueabihf-gcc', strip: 'arm-linux-gnueabihf-strip', flags: ['-mcpu=cortex-a7', '-mfpu=neon-vfpv4'], emulator: ['qemu-arm'] },
  aarch64: { cc: 'aarch64-linux-gnu-gcc', strip: 'aarch64-linux-gnu-strip', flags: [], emulator: ['qemu-aarch64'] },
}

export const engineSources = ['quickjs', 'libregexp', 'libunicode', 'cutils', 'libbf'].map((name) => join(engine, `${name}.c`))
const engineVersion = '2021-03-27'
/** With its optimiser, and BigInt on. */
export const engineFlags = ['-w', '-D_GNU_SOURCE', '-DCONFIG_BIGNUM', `-DCONFIG_VERSION="${engineVersion}"`]
export const hostFlags = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-Wno-format-truncation', '-D_GNU_SOURCE', `-DLENSKEY_ENGINE_VERSION="${engineVersion}"`, '-I', host, '-isystem', engine]
export const mbedtlsConfig = join(host, 'mbedtls-config.h')
const hostSources = ['crypto', 'files', 'heap', 'rejections', 'resolve', 'streams', 'system', 'timers'].map((name) => join(host, `${name}.c`))

/**
 * @param options.target - a name in {@link targets}
 * @param options.bytecode - what {@link compileBytecode} made
 * @param options.tls - `mbedtls`, or `openssl` where the target's libssl.a is installed
 * @param options.sanitize - AddressSanitizer and UndefinedBehaviorSanitizer, for tests; not static then
 * @param options.watched - for valgrind, which sees no allocation in a static program: the same objects, not static and not stripped
 */
export async function buildBoardProgram({ target, bytecode, outfile, tls = 'mbedtls', sanitize = false, watched = false }) {
  const { cc, strip, flags } = targets[target]
  const extra = sanitize ? ['-fsanitize=address,undefined', '-fno-omit-frame-pointer', '-g', '-O1'] : ['-O2', '-ffunction-sections', '-fdata-sections']
  const folder = join(build, `${target}${sanitize ? '-sanitized' : ''}`)
  const common = [...flags, ...extra, '-fno-strict-aliasing', '-fwrapv']
  const library = tls === 'mbedtls' ? mbedtlsParts() : { sources: [], flags: [], link: ['-lssl', '-lcrypto'] }
  // The engine and the library shift and cast as C of their age does; it is our own code that is to be clean.
  const foreign = sanitize ? [...common, '-fno-sanitize=undefined'] : common
  const objects = [
    ...await compile(cc, engineSources, [...foreign, ...engineFlags], join(folder, 'engine')),
    ...await compile(cc, library.sources, [...foreign, ...library.flags], join(folder, 'mbedtls'), [mbedtlsConfig]),
    ...await compile(cc, [...hostSources, join(host, `tls-${tls}.c`)], [...common, ...hostFlags, ...library.flags], join(folder, `host-${tls}`), headers()),
  ]
  mkdirSync(dirname(outfile), { recursive: true })
  const own = `${outfile}.${process.pid}`
  try {
    await run(cc, [
      ...common, ...hostFlags, ...library.flags, `-DLENSKEY_PROGRAM="${resolve(bytecode)}"`, join(host, 'main.c'), ...objects, '-o', own,
      ...(sanitize || watched ? [] : ['-static', '-Wl,--gc-sections']), ...library.link, '-lm', '-lpthread', '-ldl',
    ])
    if (!sanitize && !watched) await run(strip, [own])
    renameSync(own, outfile)
  } finally {
    rmSync(own, { force: true })
  }
}

/** Mbed TLS as the host takes it. */
export function mbedtlsParts() {
  const source = ensureMbedtls()
  const library = join(source, 'library')
  return {
    sources: readdirSync(library).filter((name) => name.endsWith('.c')).sort().map((name) => join(library, name)),
    flags: ['-I', join(source, 'include'), '-I', library, `-DMBEDTLS_CONFIG_FILE="${resolve(mbedtlsConfig)}"`],
    link: [],
  }
}

/** The engine's bytecode of one module, the same for all targets. */
export async function compileBytecode(module, outfile) {
  const program = join(build, 'compile')
  const objects = await compile('gcc', engineSources, ['-O2', '-fno-strict-aliasing', '-fwrapv', ...engineFlags], join(build, 'native', 'engine'))
  if (isStale(program, [join(host, 'compile.c'), ...objects])) {
    await run('gcc', ['-O2', '-isystem', engine, join(host, 'compile.c'), ...objects, '-o', `${program}.${process.pid}`, '-lm', '-lpthread', '-ldl'])
    renameSync(`${program}.${process.pid}`, program)
  }
  mkdirSync(dirname(outfile), { recursive: true })
  await run(program, [module, outfile])
}

const headers = () => readdirSync(host).filter((name) => name.endsWith('.h')).map((name) => join(host, name))

export const isStale = (made, sources) => !existsSync(made) || sources.some((source) => statSync(source).mtimeMs > statSync(made).mtimeMs)

/** Objects of sources, those that are not made yet or are older than their source or than `also`. */
export async function compile(cc, sources, flags, folder, also = []) {
  mkdirSync(folder, { recursive: true })
  const objects = sources.map((source) => ({ source, object: join(folder, `${basename(source, '.c')}.o`) }))
  const queue = objects.filter(({ source, object }) => isStale(object, [source, ...also]))
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      // Renamed when whole: two builds at once may compile the same twice, and both are right.
      await run(cc, [...flags, '-c', next.source, '-o', `${next.object}.${process.pid}`], { maxBuffer: 16 << 20 })
      renameSync(`${next.object}.${process.pid}`, next.object)
    }
  }))
  return objects.map(({ object }) => object)
}
