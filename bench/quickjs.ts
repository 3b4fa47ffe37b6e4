// On QuickJS (goals: "QuickJS"): from the start of a process to its first token (key in, kid, signature out), from source and from
// bytecode, beside a process and an engine that do nothing and the same token by @noble/curves; the same on an emulated ARM, where
// that can be had; signatures, checks of them and hashes after that; and the whole camera.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleSmall, firmware } from '../tools/bare-engine.mjs'
import { compileBytecode, targets } from '../tools/board.mjs'
import { countInstructions } from '../tools/instructions.mjs'
import { ensureQuickjs } from '../tools/quickjs.mjs'
import { locate } from '../tools/requirements.mjs'
import { run as runBoard } from './board.ts'
import { keyPem } from './first-token/key.ts'
import { median, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const ROUNDS = 21
/** Under the emulator, where noble's token takes a second. */
const ROUNDS_EMULATED = 7
const folder = 'build/bench/quickjs'

const names = ['empty', 'ours', 'bytecode', 'noble6', 'noble1'] as const
type Name = (typeof names)[number]
const called = {
  empty: 'empty engine', noble6: '@noble/curves, its own table window', noble1: '@noble/curves, table window 1',
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

const programs = {
  empty: "print('')", ours: program('comb.js', 1), noble6: program('noble.js', 6), noble1: program('noble.js', 1),
}

export async function run(): Promise<BenchRow[]> {
  const engine = await ensureQuickjs()
  mkdirSync(folder, { recursive: true })
  copyFileSync('dist/lenskey-token.quickjs.js', at('comb.js'))
  copyFileSync('build/bench/first-token/token-noble-bare.js', at('noble.js'))
  for (const [name, source] of Object.entries(programs)) writeFileSync(at(`${name}.js`), source)
  await bundleSmall({ ...firmware, entryPoints: [at('ours.js')], outfile: at('one-file.js') }, { fast: true })
  await compileBytecode(at('one-file.js'), at('bytecode.bin'))
  writeFileSync(at('nothing.c'), 'int main(void) { return 0; }')
  execFileSync('gcc', ['-O1', '-static', '-o', at('nothing'), at('nothing.c')])
  execFileSync('gcc', ['-O1', '-D_GNU_SOURCE', '-o', at('process-cost'), 'bench/process-cost.c'])
  return [...startRows(engine), ...await emulatedRows(), ...warmRows(engine), ...await runBoard()]
}

function startRows(engine: string): BenchRow[] {
  const { ms, megabytes } = costs([engine], ROUNDS)
  const nothing = medianOf(processes([at('nothing')], [''], ROUNDS)[0], 'micros') / 1000
  const idle = [{ name: 'a C program that does nothing', value: round(nothing) }]
  const start = (row: string, name: Name, most: number): BenchRow => ({
    row, value: round(ms(name)), unit: 'ms CPU', better: 'lower', peers: [...idle, ...peers(['empty', 'noble6', 'noble1'], ms)], ratio: round(ms(name) / ms('noble6')),
    goal: `≤ ${most} ms, ≤ 1/14 of @noble/curves`, met: ms(name) <= most && ms(name) <= ms('noble6') / 14,
  })
  // What an engine costs that does nothing differs more between machines than the rest does. The goals are from one where it cost 1.3 ms,
  // and noble's token 86.
  const goalMachine = { empty: 1.3, noble6: 86 }
  const over = (row: string, name: Name, most: number): BenchRow => {
    const [value, noble] = [ms(name) - ms('empty'), ms('noble6') - ms('empty')]
    const share = (goalMachine.noble6 - goalMachine.empty) / (most - goalMachine.empty)
    return {
      row, value: round(value), unit: 'ms CPU', better: 'lower', peers: [{ name: `${called.noble6}, over it too`, value: round(noble) }], ratio: round(value / noble),
      goal: `≤ 1/${round(share)} of @noble/curves`, met: value <= noble / share,
    }
  }
  const memory = (name: Name): number => megabytes(name) - megabytes('empty')
  return [
    start('process start to first token, QuickJS', 'ours', 6),
    over('first token over the empty engine, QuickJS', 'ours', 6),
    start('process start to first token, QuickJS, from bytecode', 'bytecode', 5),
    over('first token over the empty engine, QuickJS, from bytecode', 'bytecode', 5),
    {
      row: 'first token on QuickJS, memory over the empty engine', value: round(memory('ours')), unit: 'MB', better: 'lower',
      peers: peers(['noble6', 'noble1'], memory), ratio: round(memory('ours')), goal: '≤ 1 MB', met: memory('ours') <= 1,
    },
  ]
}

/**
 * The same on 32-bit ARM, where its compiler and its emulator are installed. The emulator's own start, and its translating each piece of
 * the engine before that first runs, are half of a token's time there and nothing of its instructions.
 */
async function emulatedRows(): Promise<BenchRow[]> {
  const { cc, emulator: [emulator] } = targets.armhf
  const path = locate(emulator)
  if (path === undefined || locate(cc) === undefined) return []
  const engine = await ensureQuickjs('armhf')
  const { ms } = costs([path, engine], ROUNDS_EMULATED)
  const millions = Object.fromEntries(names.map((name) => [name, countInstructions(path, engine, file(name)) / 1e6])) as Record<Name, number>
  const row = (what: string, name: Name, unit: string, of: (name: Name) => number): BenchRow => ({
    row: `${what}${name === 'bytecode' ? ', from bytecode' : ''}`, value: round(of(name)), unit, better: 'lower', peers: peers(['empty', 'noble6', 'noble1'], of),
    ratio: round(of(name) / of('noble6')), goal: '≤ 1/14 of @noble/curves', met: of(name) <= of('noble6') / 14,
  })
  return (['ours', 'bytecode'] as const).flatMap((name) => [
    row('first token on QuickJS for 32-bit ARM, instructions', name, 'million', (which) => millions[which]),
    row(`process start to first token, QuickJS, emulated by ${emulator}`, name, 'ms CPU', ms),
  ])
}

interface Process { micros: number; kilobytes: number }

/** Of a process of each program, CPU up to its token and memory. */
function costs(engine: string[], rounds: number): { ms: (name: Name) => number; megabytes: (name: Name) => number } {
  const runs = processes(engine, names.map(file), rounds)
  const of = (name: Name): Process[] => runs[names.indexOf(name)]
  return { ms: (name) => medianOf(of(name), 'micros') / 1000, megabytes: (name) => medianOf(of(name), 'kilobytes') / 1024 }
}

function processes(command: string[], modules: string[], rounds: number): Process[][] {
  const output = execFileSync(at('process-cost'), [String(rounds), ...command, '--', ...modules], { encoding: 'utf8' })
  const found = output.trim().split('\n').map((line) => line.split(' ').map(Number))
  return modules.map((_, of) => found.filter(([index]) => index === of).map(([, micros, kilobytes]) => ({ micros, kilobytes })))
}

const medianOf = (runs: Process[], what: keyof Process): number => median(runs.map((run) => run[what]))

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

const at = (name: string): string => join(folder, name)
const file = (name: Name): string => at(name === 'bytecode' ? 'bytecode.bin' : `${name}.js`)
const peers = <Of extends keyof typeof called>(which: Of[], of: (name: Of) => number): BenchRow['peers'] => which.map((name) => ({ name: called[name], value: round(of(name)) }))
