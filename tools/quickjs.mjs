// Compiles the oldest engine that must run the bare bundles, QuickJS 2021-03-27 from the npm package qjsc, behind the
// smallest possible host (runtimes/quickjs/bare-host.c). `node tools/quickjs.mjs [TARGET]` prints where the program is.
import { execFile } from 'node:child_process'
import { existsSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { compile, engine, engineFlags, engineSources, isStale, targets } from './board.mjs'

const run = promisify(execFile)
const host = ['runtimes/quickjs/bare-host.c', 'runtimes/quickjs/host/rejections.c']

// Link-time optimisation off, which saves 40 s of building for little speed. Static, as on a board: a third of the start of a
// process was the dynamic linker's.
const flags = ['-O2', '-fno-pie', ...engineFlags, '-I', engine]

/**
 * Path of the program, compiled first when it is missing or older than its sources; takes some 20 s then.
 * @param target - a name in `targets`, whose compiler it needs; default this machine
 */
export async function ensureQuickjs(target) {
  const { cc, flags: own } = target === undefined ? { cc: 'gcc', flags: [] } : targets[target]
  if (!existsSync(engine)) throw new Error(`${engine} is missing: run npm ci`)
  const folder = resolve('build/quickjs', target ?? '')
  const program = join(folder, 'qjs')
  const objects = await compile(cc, [...host, ...engineSources], [...own, ...flags], join(folder, 'objects'), ['tools/quickjs.mjs', 'tools/board.mjs'])
  if (isStale(program, objects)) {
    await run(cc, ['-static', '-no-pie', '-o', `${program}.${process.pid}`, ...objects, '-lm', '-lpthread', '-ldl'])
    renameSync(`${program}.${process.pid}`, program)
  }
  return program
}

if (process.argv[1]?.endsWith('tools/quickjs.mjs')) console.log(await ensureQuickjs(process.argv[2]))
