import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts'
import { LenskeyError, messageOf } from '../errors.ts'
import type { Clock, Http, Log, Storage } from '../runtime/index.ts'

export interface LearnedClockOptions {
  /** Whose answers tell the time: the service's address. */
  url: string
  /** No time is before this one: when the program was built, milliseconds since 1970. */
  notBeforeMs: number
  /** Remembers across restarts that a time has been. Without one every start begins at `notBeforeMs`. */
  storage?: Storage
  /** Default `clock.json`. */
  storageName?: string
}

export interface LearnedClockHost {
  /** The board's own: its wall clock may be anything, its monotonic one runs. */
  clock: Clock
  /**
   * Verifies who answers, without a look at the clock, and answers only when the `Date` of the answer lies within the times
   * of the server's certificates. Anything less would let others set this clock.
   */
  http: Http
  log: Log
}

/** A clock that learns what time it is (docs/time.md). */
export interface LearnedClock extends Clock {
  /**
   * To be awaited before something is dated or signed: resolves once the time is known, asking the service when it is not.
   * @throws {LenskeyError} `ERR_CLOCK_UNKNOWN` no plausible time so far, and none to be had now; what `http` throws
   */
  ready(): Promise<void>
  /** Somebody found the time to be wrong: the next {@link ready} asks the service, at most once a minute. */
  doubt(): void
}

const DAY_MS = 86_400_000
/** A clock that is further ahead of what has been is taken for broken; certificates and devices live shorter. */
const MAX_AHEAD_MS = 15 * 365 * DAY_MS
/** How far a service's clock may be corrected backwards without its answers being refused. */
const SLACK_MS = DAY_MS
/** An answer that took longer says too little about now. */
const MAX_EXCHANGE_MS = 10_000
/** A difference that tokens do not notice (services tolerate 60 s) is left as it is. */
const TOLERANCE_MS = 5_000
const MIN_INTERVAL_MS = 60_000

export function createLearnedClock(options: LearnedClockOptions, { clock, http, log }: LearnedClockHost): LearnedClock {
  const { url, notBeforeMs, storage, storageName = 'clock.json' } = options
  let floorMs = notBeforeMs
  let storedMs: number | undefined
  let learned: { atMs: number; monotonicMs: number } | undefined
  let doubted = false
  let askedAtMs = -Infinity
  let asking: Promise<void> | undefined

  const nowMs = (): number => (learned === undefined ? clock.nowMs() : learned.atMs + clock.monotonicMs() - learned.monotonicMs)
  const isPlausible = (ms: number): boolean => ms >= floorMs && ms <= floorMs + MAX_AHEAD_MS

  async function ready(): Promise<void> {
    if (storedMs === undefined) await recall()
    const plausible = isPlausible(nowMs())
    if (plausible && (!doubted || clock.monotonicMs() - askedAtMs < MIN_INTERVAL_MS)) return
    if (asking === undefined) {
      if (!plausible) log('warn', 'clock.unknown', { wallClock: isoOf(nowMs()) })
      asking = ask().finally(() => {
        asking = undefined
      })
    }
    try {
      await asking
    } catch (thrown) {
      if (!plausible) throw thrown
      // What was good enough so far is not given up because nobody answers.
      log('warn', 'clock.unconfirmed', { reason: messageOf(thrown) })
    }
  }

  async function ask(): Promise<void> {
    askedAtMs = clock.monotonicMs()
    const response = await http.request({ method: 'HEAD', url, timeoutMs: MAX_EXCHANGE_MS, maxBodyBytes: 65_536 })
    const tookMs = clock.monotonicMs() - askedAtMs
    const dateMs = parseHttpDate(response.header('date'))
    if (dateMs === undefined || tookMs > MAX_EXCHANGE_MS) throw unknown('the answer of the service does not tell it')
    // The header is cut to whole seconds, and was written on the way.
    const middleMs = dateMs + 500 + tookMs / 2
    if (!isPlausible(middleMs)) {
      log('error', 'clock.answer.refused', { answer: isoOf(middleMs), floor: isoOf(floorMs) })
      throw unknown('the service tells a time that cannot be')
    }
    const offByMs = middleMs - nowMs()
    doubted = false
    if (Math.abs(offByMs) <= TOLERANCE_MS + tookMs && isPlausible(nowMs())) log('info', 'clock.confirmed', { offByMs: Math.round(offByMs) })
    else {
      learned = { atMs: middleMs, monotonicMs: clock.monotonicMs() }
      log('warn', 'clock.learned', { now: isoOf(middleMs), offBySeconds: Math.round(offByMs / 1000) })
    }
    await remember(middleMs - SLACK_MS)
  }

  async function recall(): Promise<void> {
    storedMs = 0
    try {
      const bytes = await storage?.read(storageName)
      if (bytes === undefined) return
      const { floorMs: found } = JSON.parse(decodeUtf8(bytes)) as { floorMs?: unknown }
      if (typeof found !== 'number' || !(found <= notBeforeMs + MAX_AHEAD_MS)) throw new Error('it holds no time')
      storedMs = found
      floorMs = Math.max(floorMs, found)
    } catch (thrown) {
      log('warn', 'clock.memory.unreadable', { reason: messageOf(thrown) })
    }
  }

  /** At most once a day: flash wears out. */
  async function remember(ms: number): Promise<void> {
    floorMs = Math.max(floorMs, ms)
    if (storage === undefined || floorMs < (storedMs ?? 0) + DAY_MS) return
    try {
      await storage.write(storageName, encodeUtf8(JSON.stringify({ floorMs: Math.floor(floorMs) })))
      storedMs = floorMs
    } catch (thrown) {
      log('warn', 'clock.memory.unwritable', { reason: messageOf(thrown) })
    }
  }

  return {
    nowMs,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    ready,
    doubt() {
      doubted = true
    },
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The one form of HTTP dates that is sent (IMF-fixdate, RFC 9110 §5.6.7), in ms since 1970; undefined for anything else. */
export function parseHttpDate(text: string | undefined): number | undefined {
  const parts = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/.exec(text ?? '')
  if (parts === null) return undefined
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((at) => Number(parts[at]))
  const month = MONTHS.indexOf(parts[2])
  const ms = Date.UTC(year, month, day, hour, minute, Math.min(second, 59))
  const date = new Date(ms)
  return month >= 0 && second <= 60 && date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute ? ms : undefined
}

function unknown(why: string): LenskeyError {
  return new LenskeyError('ERR_CLOCK_UNKNOWN', `this device does not know the time: ${why}`)
}

/** For the log; a clock may be beyond what dates can say. */
function isoOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms)
}
