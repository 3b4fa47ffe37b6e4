// One login by password, both ends, beside the bare point multiplications of @noble/curves that are in it.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { ensureQuickjs } from '../tools/quickjs.mjs'
import { ratesOf, round } from './measure.ts'
import type { BenchRow } from './row.ts'
import { logins, multiplications } from './spake2-work.ts'

const random = { bytes: (length: number) => randomBytes(length) }
const PEER = '8 multiplications, @noble/curves'

export async function run(): Promise<BenchRow[]> {
  return [
    row('password login, both ends, Node', await onNode(1)),
    row('password login, both ends, Node, tables of window 6', await onNode(6)),
    row('password login, both ends, QuickJS', await onQuickjs()),
  ]
}

/** Milliseconds. */
interface Cost {
  ours: number
  peer: number
  ratio: number
}

async function onNode(tableWindow: number): Promise<Cost> {
  const rates = await ratesOf({ ours: logins(random, tableWindow), peer: multiplications(random, tableWindow) })
  return { ours: 1000 / rates.of('ours'), peer: 1000 / rates.of('peer'), ratio: rates.ratio('peer', 'ours') }
}

async function onQuickjs(): Promise<Cost> {
  const cost = JSON.parse(execFileSync(await ensureQuickjs(), ['build/bench/spake2-bare.js'], { encoding: 'utf8' })) as Omit<Cost, 'ratio'>
  return { ...cost, ratio: cost.ours / cost.peer }
}

function row(name: string, { ours, peer, ratio }: Cost): BenchRow {
  return {
    row: name, value: round(ours), unit: 'ms', better: 'lower', peers: [{ name: PEER, value: round(peer) }],
    ratio: round(ratio), goal: '≤ 1.1 × the multiplications', met: ratio <= 1.1,
  }
}
