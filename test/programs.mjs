// The test programs that build.mjs has made: one per file on Node, and all portable tests together on every other engine. Those
// that depend on the curve are there twice, with noble's and with that of the small bundles.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { engines, ensureEngines } from '../tools/engines.mjs'
import { skipWithout } from '../tools/requirements.mjs'

const portable = 'build/test/bare.js'
const bare = { 'test/lib on QuickJS 2021': portable, 'test/lib on QuickJS 2021, noble': 'build/test/bare-noble.js' }

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
  // quickjs-ng takes as long as all the others together: when it is asked for (`npm run engines`), not every time.
  const others = Object.entries(engines).filter(([engine]) => filter !== undefined || engine !== 'quickjs-ng').map(([engine, command]) => ({ name: `test/lib on ${engine}`, command: command(portable) })).filter(wanted)
  const skipped = []
  const skip = (name, requirement) => {
    const reason = skipWithout(requirement)
    if (reason) skipped.push({ name, reason })
    return Boolean(reason)
  }
  let missing
  try {
    if (others.length > 0) ensureEngines()
  } catch (error) {
    missing = `the engines could not be fetched: ${error.message}`
    skipped.push(...others.map(({ name }) => ({ name, reason: missing })))
  }
  const whole = missing === undefined ? others.filter(({ name }) => !name.endsWith('Chromium') || !skip(name, 'chromium')) : []
  const onQuickjs = bareNames.filter((name) => !skip(name, 'gcc'))
  if (onQuickjs.length > 0) {
    const { ensureQuickjs } = await import('../tools/quickjs.mjs')
    const engine = await ensureQuickjs()
    whole.unshift(...onQuickjs.map((name) => ({ name, command: [engine, bare[name]] })))
  }
  // The longest go first.
  return { programs: [...whole.sort((a, b) => Number(b.name.includes('uick')) - Number(a.name.includes('uick'))), ...programs], skipped }
}
