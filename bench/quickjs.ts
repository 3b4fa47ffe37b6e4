// On QuickJS (goals: "QuickJS"): from the start of a process to its first token (key in, kid, signature out), beside an engine
// that does nothing and the same token by @noble/curves; signatures, checks of them and hashes after that; and the whole camera.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureQuickjs } from '../tools/quickjs.mjs'
import { run as runBoard } from './board.ts'
import { keyPem } from './first-token/key.ts'
import { median, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const ROUNDS = 21
const folder = 'build/bench/quickjs'

const names = ['empty', 'ours', 'noble6', 'noble1'] as const
type Name = (typeof names)[number]
const called: Record<Name, string> = {
  empty: 'empty engine', ours: 'ours', noble6: '@noble/curves, its own table window', noble1: '@noble/curves, table window 1',
}

/** What firmware adds to the token file: a key, a clock and a source of random bytes. */
const program = (library: string, tableWindow: number): string => `
import { createSigner, DeviceTokenGenerator, parsePrivateKey } from './${library}'
let state = 1
const random = { bytes: (length) => Uint8Array.from({ length }, () => (state = (state * 1103515245 + 12345) >>> 0) >>> 24) }
const host = { clock: { nowMs: () => Date.now() }, random, tableWindow: ${tableWindow} }
const signer = createSigner(parsePrivateKey(${JSON.stringify(keyPem)}, host), host)
new DeviceTokenGenerator('wp-product', 'wd-device', signer, host).generateToken().then((token) => print(token))
`

const programs: Record<Name, string> = {
  empty: '', ours: program('comb.js', 1), noble6: program('noble.js', 6), noble1: program('noble.js', 1),
}

export async function run(): Promise<BenchRow[]> {
  const engine = await ensureQuickjs()
  mkdirSync(folder, { recursive: true })
  copyFileSync('dist/lenskey-token.quickjs.js', join(folder, 'comb.js'))
  copyFileSync('build/bench/first-token/token-noble-bare.js', join(folder, 'noble.js'))
  for (const name of names) writeFileSync(join(folder, `${name}.js`), programs[name])
  execFileSync('gcc', ['-O1', '-o', join(folder, 'process-cost'), 'bench/process-cost.c'])
  return [...startRows(engine), ...warmRows(engine), ...await runBoard()]
}

function startRows(engine: string): BenchRow[] {
  const files = names.map((name) => join(folder, `${name}.js`))
  const output = execFileSync(join(folder, 'process-cost'), [String(ROUNDS), engine, ...files], { encoding: 'utf8' })
  const runs = output.trim().split('\n').map((line) => line.split(' ').map(Number))
  const of = (name: Name, column: 1 | 2): number => median(runs.filter(([index]) => names[index] === name).map((found) => found[column]))
  const ms = (name: Name): number => of(name, 1) / 1000
  const megabytes = (name: Name): number => (of(name, 2) - of('empty', 2)) / 1024
  const ratio = ms('ours') / ms('noble6')
  const memory = megabytes('ours')
  return [
    {
      row: 'process start to first token, QuickJS', value: round(ms('ours')), unit: 'ms CPU', better: 'lower',
      peers: peers(['empty', 'noble6', 'noble1'], ms), ratio: round(ratio),
      goal: '≤ 6 ms, ≤ 1/14 of @noble/curves', met: ms('ours') <= 6 && ratio <= 1 / 14,
    },
    {
      row: 'first token on QuickJS, memory over the empty engine', value: round(memory), unit: 'MB', better: 'lower',
      peers: peers(['noble6', 'noble1'], megabytes), ratio: round(memory), goal: '≤ 1 MB', met: memory <= 1,
    },
  ]
}

function warmRows(engine: string): BenchRow[] {
  const ms = JSON.parse(execFileSync(engine, ['build/bench/crypto-bare.js'], { encoding: 'utf8' })) as Record<string, number>
  const rate = (perTurn: number): number => ms.hashedBytes / 1000 / perTurn
  const [hash, nobleHash] = [rate(ms.hash), rate(ms.nobleHash)]
  return [
    {
      row: 'signature, QuickJS', value: round(ms.comb), unit: 'ms', better: 'lower',
      peers: [{ name: called.noble6, value: round(ms.noble6) }, { name: called.noble1, value: round(ms.noble1) }],
      ratio: round(ms.comb / 3), goal: '≤ 3 ms', met: ms.comb <= 3,
    },
    {
      row: 'check of a signature, QuickJS', value: round(ms.verify), unit: 'ms', better: 'lower', peers: [{ name: '@noble/curves', value: round(ms.nobleVerify) }],
      ratio: round(ms.verify / ms.nobleVerify), goal: '≤ @noble/curves', met: ms.verify <= ms.nobleVerify,
    },
    {
      row: 'SHA-256, QuickJS', value: round(hash), unit: 'MB/s', better: 'higher', peers: [{ name: '@noble/hashes', value: round(nobleHash) }],
      ratio: round(hash / nobleHash), goal: '≥ @noble/hashes', met: hash >= nobleHash,
    },
  ]
}

const peers = (which: Name[], of: (name: Name) => number): BenchRow['peers'] => which.map((name) => ({ name: called[name], value: round(of(name)) }))
