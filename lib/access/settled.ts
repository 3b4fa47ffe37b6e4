import type { Clock } from '../runtime/index.ts'

/** What a negotiation takes that is going on at the moment; longer, and something else is wrong. */
export const SETTLE_MS = 2_000
const STEP_MS = 50

/**
 * Asks again while a session is being negotiated anew, and its descriptions tell nothing.
 * @param read - undefined as long as it cannot be told
 * @returns undefined after `SETTLE_MS`
 */
export async function whenSettled<Found>(read: () => Found | undefined, clock: Clock): Promise<Found | undefined> {
  const endMs = clock.monotonicMs() + SETTLE_MS
  for (;;) {
    const found = read()
    if (found !== undefined || clock.monotonicMs() >= endMs) return found
    await new Promise<void>((resolve) => { clock.after(STEP_MS, resolve) })
  }
}
