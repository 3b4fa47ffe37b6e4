// CPU from the text of one received frame to the application: parse, check, sequence, acknowledge, deliver.
import { execFileSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { ensureQuickjs } from '../tools/quickjs.mjs'
import { byHand, byLibrary, type TakeFrames, textsOnly } from './frame-work.ts'
import { median, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const FRAMES = 20_000
const ROUNDS = 15

export async function run(): Promise<BenchRow[]> {
  return [row('one received frame, Node', await onNode()), row('one received frame, QuickJS', await onQuickjs())]
}

interface Cost {
  library: number
  byHand: number
}

async function onNode(): Promise<Cost> {
  const works = { library: await byLibrary(), byHand: byHand(), texts: textsOnly() }
  const found: Record<keyof typeof works, number[]> = { library: [], byHand: [], texts: [] }
  for (let turn = -3; turn < ROUNDS; turn++) {
    for (const name of ['library', 'byHand', 'texts'] as const) {
      const cost = await microsecondsPerFrame(works[name])
      if (turn >= 0) found[name].push(cost)
    }
  }
  const texts = median(found.texts)
  return { library: median(found.library) - texts, byHand: median(found.byHand) - texts }
}

async function microsecondsPerFrame(take: TakeFrames): Promise<number> {
  const startMs = performance.now()
  await take(FRAMES)
  return ((performance.now() - startMs) * 1000) / FRAMES
}

async function onQuickjs(): Promise<Cost> {
  return JSON.parse(execFileSync(await ensureQuickjs(), ['build/bench/frame-bare.js'], { encoding: 'utf8' })) as Cost
}

function row(name: string, { library, byHand: hand }: Cost): BenchRow {
  const ratio = library / hand
  return {
    row: name, value: round(library), unit: 'µs CPU', better: 'lower', peers: [{ name: 'parsed and checked by hand', value: round(hand) }],
    ratio: round(ratio), goal: '≤ 2 × by hand', met: ratio <= 2,
  }
}
