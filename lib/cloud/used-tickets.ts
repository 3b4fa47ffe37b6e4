/** Tickets that open one socket. What is remembered is bounded by how many are given out while one lives. */
export interface UsedTickets {
  /** False when it was used before. */
  use(name: string, expiresAtMs: number, nowMs: number): boolean
}

export function createUsedTickets(): UsedTickets {
  const expiries = new Map<string, number>()
  let sweptMs = -Infinity
  return {
    use(name, expiresAtMs, nowMs) {
      // A clock that was set back must not put it off.
      if (Math.abs(nowMs - sweptMs) >= SWEEP_INTERVAL_MS) {
        for (const [old, expiry] of expiries) if (expiry <= nowMs) expiries.delete(old)
        sweptMs = nowMs
      }
      if (expiries.has(name)) return false
      expiries.set(name, expiresAtMs)
      return true
    },
  }
}

const SWEEP_INTERVAL_MS = 10_000
