// `node bench/instructions.mjs armhf [OUT.json]`: what each row of the bench costs in instructions of that target, under qemu-user, where
// times say nothing. A row is run so many and then more times in fresh processes; the difference is what the turns took.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { countInstructions } from '../tools/instructions.mjs'

const emulators = { armhf: 'qemu-arm', aarch64: 'qemu-aarch64', x86_64: 'qemu-x86_64' }
const [target = 'armhf', out] = process.argv.slice(2)
if (!(target in emulators)) throw new Error(`no such target: ${target}; there are ${Object.keys(emulators).join(', ')}`)
const program = `dist/quickjs/lenskey-camera-${target}`
const instructionsOf = (args) => countInstructions(emulators[target], program, ...args)

/** By how many turns: rows that cost little need more of them to stand out. */
const rows = {
  'sign': 4, 'verify': 4, 'SHA-256': 20, 'sign (host)': 20, 'verify (host)': 20, 'SHA-256 (host)': 200, 'CBOR encode': 400, 'CBOR decode': 400,
  'CoAP encode': 400, 'CoAP decode': 400, 'signed messages': 40, 'reconnect': 20,
}
const KILO_BYTES = 4.096

/** The multiplications of a signature are as many for every scalar, but what is random differs a little: hence medians. */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]
const counted = []
const add = (row, value, unit) => {
  counted.push({ row, value, unit })
  console.log(`  ${row.padEnd(26)}${value.toLocaleString('en').padStart(14)} ${unit}`)
}
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
console.log(`lenskey-bench ${version} · ${program} under ${emulators[target]}: instructions`)
add('start to --version', instructionsOf(['--version']), 'instructions')
add('first token after start', instructionsOf(['--bench-repeat', 'first token after start=1']), 'instructions')
for (const [row, turns] of Object.entries(rows)) {
  const each = Array.from({ length: 3 }, () => (instructionsOf(['--bench-repeat', `${row}=${turns + 2}`]) - instructionsOf(['--bench-repeat', `${row}=2`])) / turns)
  if (row.startsWith('SHA-256')) add(row, Math.round(median(each) / KILO_BYTES), 'instructions per kB')
  else add(row, Math.round(median(each)), 'instructions')
}
const [first, second] = execFileSync(emulators[target], ['--version'], { encoding: 'utf8' }).split('\n')[0].split(' version ')
const report = { bench: 'lenskey', version, engine: 'QuickJS 2021-03-27', crypto: 'Mbed TLS', cpu: `${first} ${second}`, machine: target, emulated: true, label: `instructions of ${target}`, rows: counted }
if (out !== undefined) writeFileSync(out, `${JSON.stringify(report)}\n`)
