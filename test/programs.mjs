// The test programs that build.mjs has made: one per file on Node, and all portable tests together on a bare engine.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { skipWithout } from '../tools/requirements.mjs'

const bareName = 'test/lib on QuickJS'

function builtFiles(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true }).map(String).filter((file) => file.endsWith('.test.js')).sort().map((file) => join(folder, file))
}

/** @param filter - part of a file's name, such as `bytes` or `test/node/demo`; all when undefined */
export async function findPrograms(filter) {
  const wanted = ({ name }) => filter === undefined || name.includes(filter)
  const programs = [...builtFiles('build/test/node'), ...builtFiles('build/test/lib')].map((file) => ({
    name: file.replace(/^build\//, '').replace(/\.js$/, '.ts'),
    command: [process.execPath, '--enable-source-maps', file],
  })).filter(wanted)
  if (!wanted({ name: bareName })) return { programs, skipped: [] }
  const skip = skipWithout('gcc')
  if (skip) return { programs, skipped: [{ name: bareName, reason: skip }] }
  const { ensureQuickjs } = await import('../tools/quickjs.mjs')
  return { programs: [{ name: bareName, command: [await ensureQuickjs(), 'build/test/bare.js'] }, ...programs], skipped: [] }
}
