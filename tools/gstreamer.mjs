// The reference engine on GStreamer (docs/engine-protocol.md): `node tools/gstreamer.mjs` makes dist/gstreamer/lenskey-engine.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const folder = 'runtimes/gstreamer'
const libraries = ['gstreamer-1.0', 'gstreamer-webrtc-1.0', 'gstreamer-sdp-1.0', 'gstreamer-app-1.0', 'gstreamer-video-1.0', 'json-glib-1.0', 'gio-2.0']
const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter']

const sourceFiles = () => readdirSync(folder).filter((name) => /\.[ch]$/.test(name)).map((name) => join(folder, name))

/** What its compiler is told. @param what - `--cflags`, or `--libs` */
export async function engineFlags(what) {
  const { stdout } = await run(process.env.PKG_CONFIG ?? 'pkg-config', [what, ...libraries])
  return [...(what === '--cflags' ? ['-D_GNU_SOURCE', ...warnings] : []), ...stdout.trim().split(/\s+/)]
}

/**
 * Compiles the engine, whatever is there. CC and PKG_CONFIG are those of a cross-compiler where set.
 * @param options.sanitize - AddressSanitizer and UndefinedBehaviorSanitizer, for tests
 */
export async function buildEngine({ outfile = 'dist/gstreamer/lenskey-engine', sanitize = false } = {}) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const extra = sanitize ? ['-fsanitize=address,undefined', '-fno-omit-frame-pointer', '-g', '-O1'] : ['-O2', '-s']
  // As make reads it: the compiler and what it is always told, such as --sysroot.
  const [compiler, ...always] = (process.env.CC ?? 'gcc').trim().split(/\s+/)
  mkdirSync(dirname(outfile), { recursive: true })
  const own = `${outfile}.${process.pid}`
  try {
    const sources = sourceFiles().filter((name) => name.endsWith('.c'))
    await run(compiler, [...always, `-DLENSKEY_VERSION="${version}"`, ...await engineFlags('--cflags'), ...extra, ...sources, '-o', own, ...await engineFlags('--libs')])
    renameSync(own, outfile)
  } finally {
    rmSync(own, { force: true })
  }
  return outfile
}

/** The same where it is missing or older than its sources. */
export async function ensureEngine(options) {
  const { outfile } = options
  if (existsSync(outfile) && sourceFiles().every((name) => statSync(name).mtimeMs < statSync(outfile).mtimeMs)) return outfile
  return buildEngine(options)
}

// Always anew: what is there may be for another processor.
if (process.argv[1]?.endsWith('gstreamer.mjs')) console.log(await buildEngine())
