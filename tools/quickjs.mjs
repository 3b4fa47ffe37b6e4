// Compiles the oldest engine that must run the bare bundles, QuickJS 2021-03-27 from the npm package qjsc, behind the
// smallest possible host (runtimes/quickjs/bare-host.c). `node tools/quickjs.mjs` prints where the program is.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
// From the project's root, where all scripts run: this file also gets linked into tests.
const engine = 'node_modules/qjsc/deps/quickjs_2021_03_27'
const host = ['runtimes/quickjs/bare-host.c', 'runtimes/quickjs/host/rejections.c']
const folder = resolve('build/quickjs')
const program = join(folder, 'qjs')
const jobs = 2

// Its optimiser and BigInt on; link-time optimisation off, which saves 40 s of building for little speed. Static, as on a board:
// a third of the start of a process was the dynamic linker's.
const flags = ['-O2', '-fno-pie', '-w', '-D_GNU_SOURCE', '-DCONFIG_BIGNUM', `-DCONFIG_VERSION="2021-03-27"`, '-I', engine]

/** Path of the program, compiled first when it is missing or older than its sources; takes some 20 s then. Needs gcc. */
export async function ensureQuickjs() {
  const sources = [...host, ...['quickjs', 'libregexp', 'libunicode', 'cutils', 'libbf'].map((name) => join(engine, `${name}.c`))]
  if (existsSync(program) && [...host, 'tools/quickjs.mjs'].every((source) => statSync(program).mtimeMs > statSync(source).mtimeMs)) return program
  if (!existsSync(engine)) throw new Error(`${engine} is missing: run npm ci`)
  mkdirSync(folder, { recursive: true })
  // Objects of this process only, and a rename at the end: two builds at once end in one whole program.
  const own = (name) => join(folder, `${name}.${process.pid}`)
  const objects = sources.map((source, index) => ({ source, object: `${own(`part-${index}`)}.o` }))
  try {
    const queue = [...objects].reverse()
    const compile = async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) await run('gcc', [...flags, '-c', next.source, '-o', next.object])
    }
    await Promise.all(Array.from({ length: jobs }, compile))
    await run('gcc', ['-static', '-no-pie', '-o', own('qjs'), ...objects.map(({ object }) => object), '-lm', '-lpthread', '-ldl'])
    renameSync(own('qjs'), program)
  } finally {
    for (const { object } of objects) rmSync(object, { force: true })
    rmSync(own('qjs'), { force: true })
  }
  return program
}

if (process.argv[1]?.endsWith('tools/quickjs.mjs')) console.log(await ensureQuickjs())
