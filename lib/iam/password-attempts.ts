import { encodeUtf8 } from '../bytes/index.ts'
import { hmacSha256 } from '../crypto/index.ts'
import type { CancelTimer, Clock, NativeCrypto, Random } from '../runtime/index.ts'

/** So many attempts at once, and one more every `refillMs`. */
export interface AttemptRate {
  readonly burst: number
  readonly refillMs: number
}

/** What guessing is held to. An attempt that succeeds counts for nothing. */
export interface PasswordLimits {
  /** Of one connection: past it the answer is 4.29 (protocol/iam.md §6.4). */
  readonly client: AttemptRate
  /** On one user name, whether there is such a user or not: past it attempts wait for their turn. */
  readonly user: AttemptRate
  /** On all names together: past it attempts wait for their turn. */
  readonly device: AttemptRate
  /** Names are told apart by a keyed hash of so many values, so that inventing names costs no memory. */
  readonly userSlots: number
  /** Connections that wait at a time, one attempt each: no fewer than there may be connections. One more is answered 4.29. */
  readonly maxWaiting: number
}

export const DEFAULT_PASSWORD_LIMITS: PasswordLimits = {
  client: { burst: 10, refillMs: 1000 },
  user: { burst: 5, refillMs: 2000 },
  device: { burst: 10, refillMs: 1000 },
  userSlots: 64,
  maxWaiting: 24,
}

/** A bucket of tokens, kept as the moment at which it will be full again. */
export class AttemptBucket {
  readonly #rate: AttemptRate
  #fullAtMs = -Infinity

  /** @throws {RangeError} a rate that never lets anything through */
  constructor(rate: AttemptRate) {
    if (!(rate.burst >= 1 && rate.refillMs > 0)) throw new RangeError('burst is at least 1 and refillMs above 0')
    this.#rate = rate
  }

  /** Time until there is a token; 0 when there is one. */
  waitMs(nowMs: number): number {
    const { burst, refillMs } = this.#rate
    return Math.max(0, this.#owedMs(nowMs) + refillMs - burst * refillMs)
  }

  take(nowMs: number): void {
    this.#fullAtMs = nowMs + this.#owedMs(nowMs) + this.#rate.refillMs
  }

  giveBack(): void {
    this.#fullAtMs -= this.#rate.refillMs
  }

  /** Tokens that are missing, rounded up. */
  spent(nowMs: number): number {
    return Math.ceil(this.#owedMs(nowMs) / this.#rate.refillMs)
  }

  #owedMs(nowMs: number): number {
    return Math.max(0, this.#fullAtMs - nowMs)
  }
}

/** An attempt that has had its turn; dropped, it stays spent. */
export interface PasswordAttempt {
  succeeded(): void
}

/** The attempts of one connection. */
export interface ClientAttempts {
  /** Whether this connection has to be quiet for a while. */
  exhausted(): boolean
  /** Spends one attempt when its turn comes; undefined when it does not: exhausted, waiting already, too many wait, or closed. */
  begin(username: string): Promise<PasswordAttempt | undefined>
  /** The connection is gone, and so is whatever waits for it. */
  close(): void
}

export interface PasswordAttempts {
  client(): ClientAttempts
  /** Attempts that wait for their turn. */
  waiting(): number
}

interface Waiter {
  readonly client: AttemptBucket
  readonly user: AttemptBucket
  readonly settle: (attempt: PasswordAttempt | undefined) => void
}

/**
 * Decides when a password may be tried. A device cannot tell its owner from a stranger before the password is proved, and a
 * stranger has as many connections as it likes. So a lack of tokens shared with others never refuses anybody: it makes
 * attempts wait for a turn, those of the connections that have failed least go first, and among equals the first come. An
 * owner on a new connection is served after at most as many turns as there are connections, however hard others try, and
 * guessing goes on at the refill rate and no faster.
 * @throws {RangeError} limits that never let anything through
 */
export function createPasswordAttempts(
  { clock, random, nativeCrypto }: { clock: Clock; random: Random; nativeCrypto?: NativeCrypto },
  limits: PasswordLimits = DEFAULT_PASSWORD_LIMITS,
): PasswordAttempts {
  if (!(Number.isInteger(limits.userSlots) && limits.userSlots >= 1)) throw new RangeError('userSlots is a whole number from 1')
  const device = new AttemptBucket(limits.device)
  const slots = Array.from({ length: limits.userSlots }, () => new AttemptBucket(limits.user))
  // Keyed, so that nobody can find names that share a slot with a user's.
  const slotKey = random.bytes(32)
  /** In the order of arrival. */
  const waiters: Waiter[] = []
  let cancelTimer: CancelTimer | undefined

  function slotOf(username: string): AttemptBucket {
    const [high, low] = hmacSha256(slotKey, encodeUtf8(username), nativeCrypto)
    return slots[((high << 8) | low) % slots.length]
  }

  /** Serves whoever can be, in order, and comes back when the next one can. */
  function serve(): void {
    cancelTimer?.()
    cancelTimer = undefined
    const nowMs = clock.monotonicMs()
    // The order of arrival stays among equals: sorting is stable.
    const order = [...waiters].sort((a, b) => a.client.spent(nowMs) - b.client.spent(nowMs))
    const left: Waiter[] = []
    let nextMs = Infinity
    for (const waiter of order) {
      const waitMs = Math.max(device.waitMs(nowMs), waiter.user.waitMs(nowMs))
      if (waitMs > 0) {
        nextMs = Math.min(nextMs, waitMs)
        left.push(waiter)
        continue
      }
      device.take(nowMs)
      waiter.user.take(nowMs)
      leave(waiter, attemptOf(waiter))
    }
    for (const waiter of left.slice(limits.maxWaiting)) refuse(waiter)
    if (waiters.length > 0) cancelTimer = clock.after(nextMs, serve)
  }

  function attemptOf({ client, user }: Waiter): PasswordAttempt {
    return {
      succeeded() {
        for (const bucket of [client, user, device]) bucket.giveBack()
        serve()
      },
    }
  }

  function refuse(waiter: Waiter): void {
    waiter.client.giveBack()
    leave(waiter, undefined)
  }

  function leave(waiter: Waiter, attempt: PasswordAttempt | undefined): void {
    waiters.splice(waiters.indexOf(waiter), 1)
    waiter.settle(attempt)
  }

  return {
    waiting: () => waiters.length,
    client() {
      const bucket = new AttemptBucket(limits.client)
      const own = (): Waiter | undefined => waiters.find(({ client }) => client === bucket)
      let closed = false
      const exhausted = (): boolean => bucket.waitMs(clock.monotonicMs()) > 0
      return {
        exhausted,
        begin(username) {
          if (closed || exhausted() || own() !== undefined) return Promise.resolve(undefined)
          bucket.take(clock.monotonicMs())
          return new Promise((settle) => {
            waiters.push({ client: bucket, user: slotOf(username), settle })
            serve()
          })
        },
        close() {
          closed = true
          const waiter = own()
          if (waiter !== undefined) refuse(waiter)
          if (waiters.length === 0) cancelTimer?.()
        },
      }
    },
  }
}
