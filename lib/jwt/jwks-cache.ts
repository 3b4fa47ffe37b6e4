import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts'
import { messageOf } from '../errors.ts'
import type { CancelTimer, Clock, Http, Log, NativeCrypto, Storage } from '../runtime/index.ts'
import { DEFAULT_KEY_SET_LIMITS, JwksError, type JwtKeySource, type KeySet, type KeySetLimits, parseKeySet } from './jwks.ts'
import type { JwtVerifyingKey } from './keys.ts'

export interface JwksCacheOptions extends KeySetLimits {
  /** For how long a set is good when the server does not say; default a quarter of an hour. */
  defaultLifetimeMs?: number
  /** What a server says is held to these; default one minute and one day. */
  minLifetimeMs?: number
  maxLifetimeMs?: number
  /** Age at which a set is no longer used though the server gives no newer one; default one day. */
  staleMs?: number
  /** Time between two requests that nobody but a stranger may want: for an unknown key, or of a server that failed. Default 10 s. */
  cooldownMs?: number
  /** Default 5 s: a person waits for it. */
  timeoutMs?: number
  /** Keeps the set over restarts, for a camera that starts while its key server cannot be reached. */
  saved?: { storage: Storage; name: string }
  /** Asks for a new set by itself when one comes to its end, so that there always is one; default false. */
  keepFresh?: boolean
}

export interface JwksCacheHost {
  clock: Clock
  http: Http
  log: Log
  nativeCrypto?: NativeCrypto
}

/** The keys of one server, no older than it allows. */
export interface JwksCache extends JwtKeySource {
  /** Ends the timer of `keepFresh`. */
  close(): void
}

interface Held {
  readonly keys: KeySet
  readonly ageMs: () => number
  readonly lifetimeMs: number
}

interface SavedSet {
  readonly url: string
  readonly fetchedAtMs: number
  readonly lifetimeMs: number
  readonly body: string
}

const DEFAULTS = {
  ...DEFAULT_KEY_SET_LIMITS, defaultLifetimeMs: 900_000, minLifetimeMs: 60_000, maxLifetimeMs: 86_400_000, staleMs: 86_400_000, cooldownMs: 10_000,
  timeoutMs: 5000, keepFresh: false,
}
/** From here on a set is replaced behind the back of whoever asks, who does not wait. */
const REFRESH_AT = 0.75

/**
 * Fetches a key set when a key is first wanted, before the set expires and when a token names a key that it does not have:
 * one request at a time, whoever asks. Its age counts by the clock that never goes back; only a set kept over a restart
 * needs the wall clock, which may learn the time after it was read; where that has gone back the set is asked for anew first.
 * @param url - `https:`, or `http:` to this machine: whoever can change the set on its way can be anybody
 * @throws {RangeError} another URL
 */
export function createJwksCache(url: string, host: JwksCacheHost, options: JwksCacheOptions = {}): JwksCache {
  if (!isTrustedUrl(url)) throw new RangeError('a key set is fetched by https, or by http from this machine alone')
  const { clock, http, log, nativeCrypto } = host
  const settings = { ...DEFAULTS, ...options }
  const { saved } = options
  let held: Held | undefined
  let loading: Promise<void> | undefined
  let fetching: Promise<void> | undefined
  let triedAtMs = -Infinity
  let cancelTimer: CancelTimer | undefined
  let closed = false

  const ageMs = (): number => held?.ageMs() ?? Infinity
  const isOlderThan = (part: number): boolean => held === undefined || ageMs() >= held.lifetimeMs * part
  const mayTry = (): boolean => clock.monotonicMs() - triedAtMs >= settings.cooldownMs

  /** Never rejects: what fails is logged, and leaves what is held as it is. */
  function refresh(): Promise<void> {
    return (fetching ??= fetchSet().catch((thrown: unknown) => {
      log('warn', 'jwks.fetch.failed', { reason: messageOf(thrown) })
    }).finally(() => {
      fetching = undefined
      plan()
    }))
  }

  async function fetchSet(): Promise<void> {
    const startedMs = (triedAtMs = clock.monotonicMs())
    const response = await http.request({
      method: 'GET', url, headers: { accept: 'application/jwk-set+json, application/json' },
      timeoutMs: settings.timeoutMs, maxBodyBytes: settings.maxBytes,
    })
    if (response.status !== 200) throw new JwksError('ERR_JWKS_UNAVAILABLE', `the key server answered with status ${response.status}`)
    const keys = parseKeySet(response.body, { nativeCrypto }, settings)
    // A server that has lost its keys is as good as one that is down.
    if (keys.size === 0) throw new JwksError('ERR_JWKS_MALFORMED', 'the key set has no key that can be used')
    const lifetimeMs = lifetimeOf(response.header('cache-control'), settings)
    held = { keys, ageMs: () => clock.monotonicMs() - startedMs, lifetimeMs }
    await save({ url, fetchedAtMs: clock.nowMs(), lifetimeMs, body: decodeUtf8(response.body) })
  }

  async function save(set: SavedSet): Promise<void> {
    try {
      await saved?.storage.write(saved.name, encodeUtf8(JSON.stringify(set)))
    } catch (thrown) {
      log('warn', 'jwks.save.failed', { reason: messageOf(thrown) })
    }
  }

  async function load(): Promise<void> {
    try {
      const bytes = await saved?.storage.read(saved.name)
      if (bytes === undefined) return
      const set: unknown = JSON.parse(decodeUtf8(bytes))
      if (!isSavedSet(set) || set.url !== url) return
      const keys = parseKeySet(encodeUtf8(set.body), { nativeCrypto }, settings)
      const lifetimeMs = Math.min(set.lifetimeMs, settings.maxLifetimeMs)
      const loadedMs = clock.monotonicMs()
      held = {
        keys, lifetimeMs,
        ageMs() {
          const savedAgeMs = clock.nowMs() - set.fetchedAtMs
          // From the future: nobody knows how old it is, so it had just expired.
          return savedAgeMs < 0 ? lifetimeMs + clock.monotonicMs() - loadedMs : savedAgeMs
        },
      }
    } catch (thrown) {
      log('warn', 'jwks.load.failed', { reason: messageOf(thrown) })
    }
  }

  function plan(): void {
    cancelTimer?.()
    cancelTimer = undefined
    if (closed || !settings.keepFresh) return
    const dueMs = held === undefined ? 0 : held.lifetimeMs * REFRESH_AT - ageMs()
    cancelTimer = clock.after(Math.max(dueMs, settings.cooldownMs), () => void refresh())
  }

  /** Undefined when the set, as far as it is to be used, has no such key. */
  const usable = (kid: string): JwtVerifyingKey | undefined => (ageMs() < settings.staleMs ? held?.keys.get(kid) : undefined)

  async function keyFor(kid: string): Promise<JwtVerifyingKey> {
    await (loading ??= load())
    if (isOlderThan(1)) {
      if (fetching !== undefined || mayTry()) await refresh()
    } else if (isOlderThan(REFRESH_AT) && mayTry()) {
      void refresh()
    }
    let key = usable(kid)
    if (key === undefined && (fetching !== undefined || mayTry())) {
      await refresh()
      key = usable(kid)
    }
    if (key !== undefined) return key
    if (ageMs() < settings.staleMs) throw new JwksError('ERR_JWKS_KEY_UNKNOWN', 'the key that this token names is not in the set of its issuer')
    throw new JwksError('ERR_JWKS_UNAVAILABLE', 'the keys of the issuer cannot be had')
  }

  if (settings.keepFresh) {
    loading = load()
    void loading.then(() => (closed || !isOlderThan(REFRESH_AT) ? plan() : void refresh()))
  }

  return {
    keyFor,
    close() {
      closed = true
      cancelTimer?.()
    },
  }
}

/** `max-age` of Cache-Control (RFC 9111 §5.2.2); a set that is not to be kept is kept for the shortest time. */
function lifetimeOf(header: string | undefined, { defaultLifetimeMs, minLifetimeMs, maxLifetimeMs }: typeof DEFAULTS): number {
  const directives = (header ?? '').toLowerCase().split(',').map((directive) => directive.trim())
  if (directives.includes('no-store') || directives.includes('no-cache')) return minLifetimeMs
  const seconds = directives.map((directive) => /^max-age="?(\d+)"?$/.exec(directive)?.[1]).find((found) => found !== undefined)
  const saidMs = seconds === undefined ? defaultLifetimeMs : Number(seconds) * 1000
  return Math.min(maxLifetimeMs, Math.max(minLifetimeMs, saidMs))
}

function isSavedSet(value: unknown): value is SavedSet {
  if (typeof value !== 'object' || value === null) return false
  const { url, fetchedAtMs, lifetimeMs, body } = value as Record<string, unknown>
  return typeof url === 'string' && Number.isFinite(fetchedAtMs) && Number.isFinite(lifetimeMs) && typeof body === 'string'
}

/** No user info, and no plain HTTP but to this machine. */
export function isTrustedUrl(url: string): boolean {
  return /^https:\/\/[^/?#@\\\s]+(\/|$)/i.test(url) || /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i.test(url)
}
