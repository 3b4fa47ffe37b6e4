/** Tickets that open one socket. What is remembered is bounded by how many are given out while one lives. */
export interface UsedTickets {
  /** False when it was used before. */
  use(name: string, expiresAtMs: number, nowMs: number): boolean
}

export function createUsedTickets(): UsedTickets {
  const expiries = new Map<string, number>()
  let sweepAtMs = 0
  return {
    use(name, expiresAtMs, nowMs) {
      if (nowMs >= sweepAtMs) {
        for (const [old, expiry] of expiries) if (expiry <= nowMs) expiries.delete(old)
        sweepAtMs = nowMs + SWEEP_INTERVAL_MS
      }
      if (expiries.has(name)) return false
      expiries.set(name, expiresAtMs)
      return true
    },
  }
}

const SWEEP_INTERVAL_MS = 10_000
