import type { CancelTimer, Clock } from '../../lib/runtime/index.ts'

/** A clock that stands still until it is wound. */
export interface MemoryClock extends Clock {
  /** Lets `ms` pass: timers run in order of their time, and promises settle in between. */
  advance(ms: number): Promise<void>
  /** Advances in steps of 1 ms until `done` says so. @throws {Error} when it has not after `withinMs` */
  advanceUntil(done: () => boolean, withinMs?: number): Promise<void>
  /** Sets the wall clock, as an operator or NTP would; timers do not notice. */
  setWallClock(nowMs: number): void
  /** How many timers are waiting. */
  pendingTimers(): number
}

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** Settling a chain of promises takes a turn for each link; this is more than our longest chain. */
const TURNS = 40
/** Between two timers most chains are short, and one that is not goes on after the next timer. */
const TURNS_BETWEEN = 12

/** @param startMs - wall clock at the start, default 2026-01-01T00:00Z */
export function createMemoryClock(startMs = 1_767_225_600_000): MemoryClock {
  const timers = new Set<Timer>()
  let elapsedMs = 0
  let wallOffsetMs = startMs
  let order = 0

  async function settle(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  }

  function nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order))) next = timer
    }
    return next
  }

  async function advance(ms: number): Promise<void> {
    const untilMs = elapsedMs + ms
    await settle(TURNS)
    let timer = nextDue(untilMs)
    while (timer !== undefined) {
      timers.delete(timer)
      elapsedMs = Math.max(elapsedMs, timer.dueMs)
      timer.callback()
      await settle(TURNS_BETWEEN)
      timer = nextDue(untilMs)
      if (timer === undefined) {
        await settle(TURNS)
        timer = nextDue(untilMs)
      }
    }
    elapsedMs = untilMs
  }

  return {
    nowMs: () => wallOffsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, callback): CancelTimer {
      const timer: Timer = { dueMs: elapsedMs + Math.max(0, delayMs), order: order++, callback }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    advance,
    async advanceUntil(done, withinMs = 60_000): Promise<void> {
      await settle(TURNS)
      for (let passed = 0; !done(); passed++) {
        if (passed >= withinMs) throw new Error(`not done after ${withinMs} ms`)
        await advance(1)
      }
    },
    setWallClock(nowMs): void {
      wallOffsetMs = nowMs - elapsedMs
    },
    pendingTimers: () => timers.size,
  }
}
