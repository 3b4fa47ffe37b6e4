// `npm test`: types and lint, what the tests need, the build, every test. `npm test -- NAME` builds and runs what matches NAME.
// `npm run engines` runs the portable tests on every engine and writes the table in the README.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { endAll, runTapFile } from './tap-file.mjs'
import { libFuzzer, skipWithout } from '../tools/requirements.mjs'
import { findPrograms } from './programs.mjs'

const [filter, table] = process.argv.slice(2)
const fileTimeoutMs = 180_000
/** Of all portable tests together, on an engine that may be a hundred times slower than Node. */
const suiteTimeoutMs = 600_000
const jobs = 2

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endAll()
    process.exit(1)
  })
}

const results = []
/** Engine to what came out on it. */
const rows = new Map()

/** One of our own tools; its failure counts as a failed test, and is no reason to keep silent about the rest. */
function step(name, ...args) {
  try {
    execFileSync(process.execPath, args, { stdio: 'inherit' })
    return true
  } catch {
    results.push({ program: `node ${args[0]}`, name, state: 'failed' })
    return false
  }
}

if (filter === undefined) step('types and lint', 'tools/check.mjs')
step('what the tests need', 'tools/setup-debian.mjs')
if (step('the build', 'build.mjs', '--tests')) await runPrograms()
report()
if (table === '--table') writeTable()

async function runPrograms() {
  const { programs, skipped } = await findPrograms(filter)
  results.push(...skipped.map(({ name, reason }) => ({ program: name, name, state: 'skipped', reason })))
  // Not in a test's own time: engine and TLS library take minutes to compile when they have never been.
  if (programs.some(({ name }) => name.includes('board-')) && !skipWithout('gcc')) step('the programs for boards', 'build-board.mjs', '--probes')
  if (programs.some(({ name }) => name.includes('fuzz-c.')) && !skipWithout('clang') && !skipWithout(libFuzzer) && !skipWithout('gst-inspect-1.0')) step('the fuzzers', 'tools/fuzz.mjs', '--build')
  const queue = [...programs]
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let program = queue.shift(); program !== undefined; program = queue.shift()) await run(program)
  }))
}

async function run({ name, command }) {
  const timeoutMs = name.startsWith('test/lib on') ? suiteTimeoutMs : fileTimeoutMs
  const outcome = await runTapFile(command, { timeoutMs, env: { TAP_TIMEOUT: String(timeoutMs / 1000) } })
  const count = (state) => outcome.results.filter((result) => result.state === state).length
  const failed = count('failed')
  const parts = [`${count('passed')} passed`, failed > 0 && `${failed} failed`, count('skipped') > 0 && `${count('skipped')} skipped`]
  console.log(`${failed > 0 ? 'FAILED' : 'ok    '} ${name}: ${parts.filter(Boolean).join(', ')} (${outcome.seconds.toFixed(1)} s)`)
  if (name.startsWith('test/lib on')) rows.set(name.slice('test/lib on '.length), [count('passed'), failed, outcome.seconds])
  for (const result of outcome.results) {
    if (result.state === 'failed') explain(result)
    results.push({ ...result, program: name })
  }
}

function explain({ name, detail, failed = [] }) {
  console.log(`\n  ✗ ${name}`)
  for (const { name: assertion, detail: diagnostics } of failed) print(`${assertion.split(' › ').at(-1)}`, diagnostics)
  if (detail !== undefined) print('', detail)
  console.log('')
}

function print(title, detail) {
  if (title !== '') console.log(`    ${title}`)
  const { diff, found, wanted, thrown, stack, at, ...rest } = typeof detail === 'object' && detail !== null ? detail : { text: detail }
  const { source: _, compare: __, ...others } = rest
  const lines = [
    ...Object.entries({ found, wanted, thrown, ...others }).filter(([, value]) => value !== undefined)
      .map(([key, value]) => (key === 'text' ? String(value) : `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)),
    diff, stack ?? (at && `${at.fileName}:${at.lineNumber}`),
  ].filter(Boolean)
  console.log(lines.join('\n').trimEnd().replace(/^/gm, '      '))
}

function report() {
  const of = (state) => results.filter((result) => result.state === state)
  if (of('skipped').length > 0) {
    console.log('\nskipped:')
    for (const { program, name, reason } of of('skipped')) console.log(`  ${program}: ${name}: ${reason === true ? 'no reason given' : reason}`)
    if (process.env.CI === 'true') console.log('  (under CI=true a skip is a failure)')
  }
  const failures = of('failed')
  if (failures.length > 0) {
    console.log('\nfailed:')
    for (const { program, name } of failures) console.log(`  ${program}: ${name}`)
  }
  if (results.length === 0) console.log(`no test file matches ${relative('.', filter ?? '')}`)
  const bad = failures.length > 0 || results.length === 0 || (process.env.CI === 'true' && of('skipped').length > 0)
  process.exitCode = bad ? 1 : 0
  console.log(`\n${of('passed').length} passed, ${failures.length} failed, ${of('skipped').length} skipped`)
}

function writeTable() {
  const lines = [...rows].sort().map(([engine, [passed, failed, seconds]]) => `| ${engine} | ${passed} | ${failed} | ${seconds.toFixed(0)} s |`)
  const text = ['| engine | passed | failed | time |', '|---|---|---|---|', ...lines].join('\n')
  const readme = readFileSync('README.md', 'utf8')
  writeFileSync('README.md', readme.replace(/(?<=<!-- engines -->\n)[\s\S]*?(?=\n<!-- -->)/, text))
  console.log(text)
}
