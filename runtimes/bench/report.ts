import type { Work } from './works.ts'

/** What a bench prints as JSON, on one line that begins with `{"bench"`; bench/compare.mjs reads it. */
export interface BenchReport {
  bench: 'lenskey'
  version: string
  /** Such as `QuickJS 2021-03-27`. */
  engine: string
  /** Library behind the rows that end in `(host)`. */
  crypto: string | null
  cpu: string
  machine: string
  /** Times of an emulated processor say nothing; docs/bench.md. */
  emulated: boolean
  label: string | null
  rows: BenchRow[]
}

export interface BenchRow {
  row: string
  value: number
  unit: 'per second' | 'MB/s' | 'ms' | 'MB'
  /** Slowest and fastest slice, of a row that has slices. */
  range?: [number, number]
}

/** Where it runs. */
export interface BenchPlace extends Omit<BenchReport, 'bench' | 'rows'> {
  monotonicMs: () => number
  print: (line: string) => void
  memory: () => { rssBytes?: number; heapBytes?: number; peakHeapBytes?: number }
}

export const FIRST_TOKEN = 'first token after start'
const SLICES = 7
const SLICE_MS = 150

/** Turns per second: median, slowest, fastest of the slices, each long enough for a clock that counts milliseconds. */
async function rateOf(work: Work, monotonicMs: () => number): Promise<[median: number, least: number, most: number]> {
  const rates: number[] = []
  let batch = 1
  // The first warms up, and finds out how often the clock has to be asked.
  for (let slice = -1; slice < SLICES; slice++) {
    const startMs = monotonicMs()
    let elapsedMs = 0
    let turns = 0
    while (elapsedMs < SLICE_MS) {
      for (let at = 0; at < batch; at++) await work.turn()
      turns += batch
      elapsedMs = monotonicMs() - startMs
    }
    if (slice < 0) batch = Math.max(1, Math.floor(turns / 10))
    else rates.push((turns / elapsedMs) * 1000)
  }
  rates.sort((a, b) => a - b)
  return [rates[SLICES >> 1], rates[0], rates[SLICES - 1]]
}

const digits = (value: number): number => Number(value.toPrecision(3))

/** Measures all works, and prints a table for people and one line of JSON. @param tokenMs - process start to first token */
export async function reportBench(works: readonly Work[], tokenMs: number, { monotonicMs, print, memory, ...about }: BenchPlace): Promise<void> {
  const rows: BenchRow[] = []
  const add = (row: BenchRow): void => {
    rows.push(row)
    print(`  ${row.row.padEnd(26)}${String(row.value).padStart(10)} ${row.unit}${row.range === undefined ? '' : ` (${row.range.join(' to ')})`}`)
  }
  const megabytes = (name: string, bytes: number | undefined): void => {
    if (bytes !== undefined) add({ row: name, value: digits(bytes / 1_048_576), unit: 'MB' })
  }
  print(`lenskey-bench ${about.version} · ${about.engine} · ${about.crypto ?? 'no native crypto'} · ${about.cpu} (${about.machine})${about.emulated ? ' · EMULATED: the times say nothing' : ''}`)
  add({ row: FIRST_TOKEN, value: digits(tokenMs), unit: 'ms' })
  for (const work of works) {
    const scale = work.bytes === undefined ? 1 : work.bytes / 1_000_000
    const [value, least, most] = (await rateOf(work, monotonicMs)).map((rate) => digits(rate * scale))
    add({ row: work.row, value, unit: work.bytes === undefined ? 'per second' : 'MB/s', range: [least, most] })
  }
  const { rssBytes, heapBytes, peakHeapBytes } = memory()
  megabytes('resident', rssBytes)
  megabytes('JavaScript heap', heapBytes)
  megabytes('JavaScript heap, largest', peakHeapBytes)
  const report: BenchReport = { bench: 'lenskey', ...about, rows }
  print(JSON.stringify(report))
}

/** One work so many times, and nothing measured: for whoever counts instructions from outside. @throws {RangeError} */
export async function repeatWork(works: readonly Work[], row: string, times: number): Promise<void> {
  const work = works.find((candidate) => candidate.row === row)
  if (work === undefined) throw new RangeError(`there is no row ${row}; there are ${works.map((candidate) => candidate.row).join(', ')}`)
  for (let turn = 0; turn < times; turn++) await work.turn()
}
