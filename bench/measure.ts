import { spawnSync } from 'node:child_process'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export type Work = () => unknown

export interface Rates<Name extends string> {
  /** Operations per second: the median of the slices. */
  of(name: Name): number
  /** Median of the ratios of slices that lie side by side, which the machine's other work disturbs least. */
  ratio(name: Name, peer: Name): number
}

/** Rates of works that take turns in short slices, so that whatever else the machine does hits all alike. */
export async function ratesOf<Name extends string>(works: Record<Name, Work>, { rounds = 21, sliceMs = 100 } = {}): Promise<Rates<Name>> {
  const names = Object.keys(works) as Name[]
  const measured: Record<Name, number>[] = []
  for (let round = -2; round < rounds; round++) {
    const rates = {} as Record<Name, number>
    // Each round starts with another one, since the one after a slow one finds caches cold.
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length]
      rates[name] = await slice(works[name], sliceMs)
    }
    if (round >= 0) measured.push(rates)
  }
  return {
    of: (name) => median(measured.map((rates) => rates[name])),
    ratio: (name, peer) => median(measured.map((rates) => rates[name] / rates[peer])),
  }
}

async function slice(work: Work, sliceMs: number): Promise<number> {
  let count = 0
  const started = performance.now()
  let elapsed = 0
  while (elapsed < sliceMs) {
    for (let inner = 0; inner < 8; inner++) {
      const result = work()
      if (result instanceof Promise) await result
    }
    count += 8
    elapsed = performance.now() - started
  }
  return (count / elapsed) * 1000
}

export interface ProcessCost {
  /** From start to exit. */
  ms: number
  /** Largest resident set. */
  megabytes: number
}

/**
 * What Node programs cost over a base program, each in fresh processes that take turns: the median of the differences
 * within a turn. A program prints `process.resourceUsage().maxRSS`.
 */
export function costsOver<Name extends string>(base: string[], programs: Record<Name, string[]>, { rounds = 21 } = {}): Record<Name, ProcessCost> {
  const entries = Object.entries<string[]>(programs) as [Name, string[]][]
  const over = new Map<Name, ProcessCost[]>(entries.map(([name]) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, args] of entries) {
      const [nothing, cost] = round % 2 === 0 ? [costOf(base), costOf(args)] : [costOf(args), costOf(base)].reverse()
      if (round >= 0) over.get(name)?.push({ ms: cost.ms - nothing.ms, megabytes: cost.megabytes - nothing.megabytes })
    }
  }
  return Object.fromEntries([...over].map(([name, found]) => [
    name, { ms: median(found.map(({ ms }) => ms)), megabytes: median(found.map(({ megabytes }) => megabytes)) },
  ])) as Record<Name, ProcessCost>
}

function costOf(args: string[]): ProcessCost {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const ms = performance.now() - started
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${String(status)}: ${stderr}`)
  return { ms, megabytes: Number(stdout) / 1024 }
}

/** Rounded to what such a measurement tells. */
export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits))
