/** A device tries for ever: 1, 2, 4 … 32, then 60 seconds at most (protocol/webrtc-signaling.md §6). */
export function deviceBackOffCapMs(attempt: number): number {
  return attempt < 6 ? 1000 * 2 ** attempt : 60_000
}

/** Attempts of a client to get its socket back before it gives up. */
export const CLIENT_ATTEMPTS = 8

/** 1, 2, 4 … 128 seconds at most. */
export function clientBackOffCapMs(attempt: number): number {
  return 1000 * 2 ** Math.min(attempt, CLIENT_ATTEMPTS - 1)
}

/** Full jitter: anything below the cap, so that devices cut off together do not come back together. */
export function jitteredWaitMs(capMs: number, fraction: number): number {
  return fraction * capMs
}

/** A wait asked for is kept in full; jitter of up to a tenth, at most a minute, comes on top. */
export function retryAfterWaitMs(retryAfterSeconds: number, fraction: number): number {
  const askedMs = retryAfterSeconds * 1000
  return askedMs + fraction * Math.min(60_000, askedMs / 10)
}

const RETRY_AFTER_DEFAULT_SECONDS = 300
/** Longest wait a service may ask for, so that a wrong date does not silence a camera for good. */
export const RETRY_AFTER_MAX_SECONDS = 86_400

/**
 * Seconds to stay away after status 429 (§2.2). No header and moments in the past mean 300 seconds; `0` and what can't be read
 * mean that nothing in particular was asked, for which the answer is undefined.
 * @param nowMs - the wall clock, for the form with a date
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return RETRY_AFTER_DEFAULT_SECONDS
  const text = header.trim()
  const seconds = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - nowMs) / 1000
  if (Number.isNaN(seconds) || seconds === 0) return undefined
  return seconds < 0 ? RETRY_AFTER_DEFAULT_SECONDS : Math.min(seconds, RETRY_AFTER_MAX_SECONDS)
}
