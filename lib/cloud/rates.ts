/** A bucket that fills at a steady rate and may be emptied at once. */
export class TokenBucket {
  private tokens: number
  private filledAtMs: number

  constructor(burst: number, nowMs: number) {
    this.tokens = burst
    this.filledAtMs = nowMs
  }

  /** Takes one token if there is one. */
  take(nowMs: number, perSecond: number, burst: number): boolean {
    this.tokens = Math.min(burst, this.tokens + ((nowMs - this.filledAtMs) * perSecond) / 1000)
    this.filledAtMs = nowMs
    if (this.tokens < 1) return false
    this.tokens -= 1
    return true
  }

  /** Since it was last asked. */
  quietMs(nowMs: number): number {
    return nowMs - this.filledAtMs
  }

  /** Until the next token, rounded up; 0 when there is one. */
  secondsToNext(perSecond: number): number {
    return Math.max(0, Math.ceil((1 - this.tokens) / perSecond))
  }
}

/** Rates of things that have names, such as addresses. */
export interface NamedRates {
  /** Undefined when it may go on, else the seconds to stay away. */
  take(name: string, nowMs: number): number | undefined
}

/**
 * A name that was quiet for a minute has its full rate again and is forgotten.
 * @param remembered - names kept at most; past it the longest quiet one is forgotten early
 */
export function createNamedRates(perMinute: number, remembered: number): NamedRates {
  const buckets = new Map<string, TokenBucket>()
  const perSecond = perMinute / 60

  /** A Map keeps the order of insertion: the first name is the one quiet for longest. */
  function forgetQuiet(nowMs: number): void {
    for (const [name, bucket] of buckets) {
      if (buckets.size <= remembered && bucket.quietMs(nowMs) < 60_000) return
      buckets.delete(name)
    }
  }

  return {
    take(name, nowMs) {
      const bucket = buckets.get(name) ?? new TokenBucket(perMinute, nowMs)
      buckets.delete(name)
      buckets.set(name, bucket)
      const taken = bucket.take(nowMs, perSecond, perMinute)
      forgetQuiet(nowMs)
      return taken ? undefined : Math.max(1, bucket.secondsToNext(perSecond))
    },
  }
}

/**
 * What counts as one caller: an IPv4 address, or the /64 of an IPv6 address, since one host commands all of a /64.
 * @param address - as sockets report it; an IPv4-mapped address counts as IPv4
 */
export function callerOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1]
  if (!address.includes(':')) return address
  const [before, after] = address.toLowerCase().split('%')[0].split('::').concat('').map((part) => (part === '' ? [] : part.split(':')))
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}
