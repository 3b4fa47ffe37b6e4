/** Ends a timer early; harmless afterwards. */
export type CancelTimer = () => void

/** Time as the host knows it. A camera may boot with a wall clock that is years off, but its timers still run. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  nowMs(): number
  /** Milliseconds since some fixed moment; never goes back, not even when the wall clock is set. */
  monotonicMs(): number
  /** Calls back once, `delayMs` from now, never before this call has returned. */
  after(delayMs: number, callback: () => void): CancelTimer
}

/** Resolves after `delayMs`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}
