// The test programs that build.mjs has made: one per file on Node, and all portable tests together on a bare engine. Those that
// depend on the curve are there twice, with noble's and with that of the small bundles.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { skipWithout } from '../tools/requirements.mjs'

const bare = { 'test/lib on QuickJS': 'build/test/bare.js', 'test/lib on QuickJS, noble': 'build/test/bare-noble.js' }

function builtFiles(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true }).map(String).filter((file) => file.endsWith('.test.js')).sort().map((file) => join(folder, file))
}

/** @param filter - part of a file's name, such as `bytes` or `test/node/demo`; all when undefined */
export async function findPrograms(filter) {
  const wanted = ({ name }) => filter === undefined || name.includes(filter)
  const programs = ['node', 'lib', 'small'].flatMap((folder) => builtFiles(join('build/test', folder))).map((file) => ({
    name: file.replace(/^build\//, '').replace(/\.js$/, '.ts'),
    command: [process.execPath, '--enable-source-maps', file],
  })).filter(wanted)
  const bareNames = Object.keys(bare).filter((name) => wanted({ name }))
  if (bareNames.length === 0) return { programs, skipped: [] }
  const reason = skipWithout('gcc')
  if (reason) return { programs, skipped: bareNames.map((name) => ({ name, reason })) }
  const { ensureQuickjs } = await import('../tools/quickjs.mjs')
  const engine = await ensureQuickjs()
  return { programs: [...bareNames.map((name) => ({ name, command: [engine, bare[name]] })), ...programs], skipped: [] }
}
