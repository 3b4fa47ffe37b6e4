// `npm run bench -- token relay` builds, measures what is named (all when nothing is) and prints a table; with `--json` an
// array of rows (bench/row.ts) and nothing else. With `--strict` a missed goal is exit code 1.
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const benches = ['token', 'verify', 'jwks', 'relay', 'frame', 'spake2', 'iam', 'cbor', 'coap', 'session', 'stream', 'quickjs', 'size']

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const json = process.argv.includes('--json')
const unknown = names.filter((name) => !benches.includes(name))
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')}; there are ${benches.join(', ')}`)
  process.exit(2)
}

execFileSync(process.execPath, ['build.mjs', '--tests'], { stdio: ['ignore', json ? 'ignore' : 'inherit', 'inherit'] })

const rows = []
for (const name of names.length > 0 ? names : benches) {
  const { run } = await import(pathToFileURL(resolve('build/bench', `${name}.js`)).href)
  rows.push(...await run())
}

if (json) console.log(JSON.stringify(rows, null, 2))
else print(rows)
if (process.argv.includes('--strict') && rows.some(({ met }) => !met)) process.exitCode = 1

function print(all) {
  const amount = (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 })
  for (const { row, value, unit, peers, ratio, goal, met } of all) {
    console.log(`${met ? '✓' : '✗'} ${row}: ${amount(value)} ${unit} (goal: ${goal}; ratio ${ratio})`)
    for (const peer of peers) console.log(`      ${peer.name}: ${amount(peer.value)}`)
  }
}
