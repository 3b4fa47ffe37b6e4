import { createMemoryClock } from '../../../runtimes/memory/clock.ts'
import {
  AttemptBucket, type ClientAttempts, createPasswordAttempts, DEFAULT_PASSWORD_LIMITS, type PasswordAttempt, type PasswordLimits,
} from '../../../lib/iam/password-attempts.ts'
import { test } from '../../suite.ts'
import { seededRandom } from '../crypto/seeded-random.ts'

const wide: PasswordLimits = {
  client: { burst: 100, refillMs: 1000 }, user: { burst: 100, refillMs: 1000 }, device: { burst: 100, refillMs: 1000 }, userSlots: 64, maxWaiting: 24,
}

function attemptsWith(limits?: PasswordLimits): ReturnType<typeof createPasswordAttempts> & { clock: ReturnType<typeof createMemoryClock> } {
  const clock = createMemoryClock()
  return { ...createPasswordAttempts({ clock, random: seededRandom(1) }, limits), clock }
}

/** An attempt, and what has become of it so far. */
function begin(client: ClientAttempts, username: string): { state: 'waiting' | 'begun' | 'refused'; attempt?: PasswordAttempt } {
  const seen: ReturnType<typeof begin> = { state: 'waiting' }
  void client.begin(username).then((attempt) => {
    seen.state = attempt === undefined ? 'refused' : 'begun'
    seen.attempt = attempt
  })
  return seen
}

test('password attempts: a bucket at its burst, one past it, and its refill to the millisecond', (t) => {
  const bucket = new AttemptBucket({ burst: 3, refillMs: 1000 })
  for (let taken = 0; taken < 3; taken++) {
    t.equal(bucket.waitMs(5000), 0)
    bucket.take(5000)
  }
  t.equal(bucket.spent(5000), 3)
  t.equal(bucket.waitMs(5000), 1000)
  t.equal(bucket.waitMs(5999), 1)
  t.equal(bucket.waitMs(6000), 0)
  bucket.take(6000)
  t.equal(bucket.waitMs(6000), 1000)
  bucket.giveBack()
  t.equal(bucket.waitMs(6000), 0)
  t.equal(bucket.spent(60_000), 0)
  for (let back = 0; back < 9; back++) bucket.giveBack()
  for (let taken = 0; taken < 3; taken++) bucket.take(60_000)
  t.equal(bucket.waitMs(60_000), 1000, 'never more than the burst')
})

test('password attempts: limits that never let anything through are refused', (t) => {
  for (const rate of [{ burst: 0, refillMs: 1 }, { burst: 1, refillMs: 0 }, { burst: NaN, refillMs: 1 }, { burst: 1, refillMs: NaN }]) {
    t.throws(() => new AttemptBucket(rate), 'RangeError')
  }
  for (const userSlots of [0, 0.5, NaN]) t.throws(() => attemptsWith({ ...wide, userSlots }), 'RangeError')
})

test('password attempts: ten of one connection are served, the eleventh is refused, and a second later one more is served', async (t) => {
  const attempts = attemptsWith({ ...wide, client: DEFAULT_PASSWORD_LIMITS.client })
  const client = attempts.client()
  for (let count = 0; count < 10; count++) {
    t.ok(!client.exhausted())
    t.ok(await client.begin('owner'), `attempt ${count + 1}`)
  }
  t.ok(client.exhausted())
  t.equal(await client.begin('owner'), undefined)
  await attempts.clock.advance(999)
  t.ok(client.exhausted())
  await attempts.clock.advance(1)
  t.ok(!client.exhausted())
  t.ok(await client.begin('owner'))
  t.equal(await client.begin('owner'), undefined)
  t.ok(await attempts.client().begin('owner'), 'another connection is not concerned')
  await attempts.clock.advance(10_000)
  for (let count = 0; count < 10; count++) t.ok(await client.begin('owner'), 'full again after ten quiet seconds')
  t.equal(await client.begin('owner'), undefined)
})

test('password attempts: attempts that succeed cost nothing', async (t) => {
  const attempts = attemptsWith()
  const client = attempts.client()
  for (let count = 0; count < 40; count++) {
    const attempt = await client.begin('owner')
    t.ok(attempt)
    attempt?.succeeded()
  }
  t.equal(attempts.waiting(), 0)
})

test('password attempts: past the limit of a user its attempts wait, those on other names do not', async (t) => {
  const attempts = attemptsWith({ ...wide, user: DEFAULT_PASSWORD_LIMITS.user })
  for (let count = 0; count < 5; count++) t.ok(await attempts.client().begin('owner'))
  const sixth = begin(attempts.client(), 'owner')
  await attempts.clock.advance(0)
  t.equal(sixth.state, 'waiting')
  t.ok(await attempts.client().begin('other'))
  await attempts.clock.advance(1999)
  t.equal(sixth.state, 'waiting')
  await attempts.clock.advance(1)
  t.equal(sixth.state, 'begun')
  t.equal(attempts.clock.pendingTimers(), 0)
})

test('password attempts: past the limit of the device all wait, whatever the name', async (t) => {
  const attempts = attemptsWith({ ...wide, device: DEFAULT_PASSWORD_LIMITS.device })
  for (let count = 0; count < 10; count++) t.ok(await attempts.client().begin(`name ${count}`))
  const [eleventh, twelfth] = [begin(attempts.client(), 'name 11'), begin(attempts.client(), 'name 12')]
  await attempts.clock.advance(999)
  t.equal(eleventh.state, 'waiting')
  await attempts.clock.advance(1)
  t.same([eleventh.state, twelfth.state], ['begun', 'waiting'], 'first come, first served')
  eleventh.attempt?.succeeded()
  await attempts.clock.advance(0)
  t.equal(twelfth.state, 'begun', 'what a success gives back serves the next at once')
})

test('password attempts: names that share a slot share its limit, and inventing names takes no memory', async (t) => {
  const attempts = attemptsWith({ ...wide, device: { burst: 1000, refillMs: 1 }, user: { burst: 1, refillMs: 60_000 }, userSlots: 1 })
  t.ok(await attempts.client().begin('a'))
  const other = begin(attempts.client(), 'b')
  await attempts.clock.advance(59_999)
  t.equal(other.state, 'waiting')
  await attempts.clock.advance(1)
  t.equal(other.state, 'begun')
})

test('password attempts: one connection has one attempt waiting; closing takes it away', async (t) => {
  const attempts = attemptsWith({ ...wide, device: { burst: 1, refillMs: 1000 } })
  const client = attempts.client()
  t.ok(await client.begin('x'))
  const first = begin(client, 'x')
  t.equal(await client.begin('x'), undefined, 'a second one is refused')
  await attempts.clock.advance(0)
  t.equal(attempts.waiting(), 1)
  client.close()
  await attempts.clock.advance(0)
  t.equal(first.state, 'refused')
  t.equal(attempts.waiting(), 0)
  t.equal(attempts.clock.pendingTimers(), 0)
  t.equal(await client.begin('x'), undefined, 'nor any after it was closed')
})

test('password attempts: the queue at its bound and one past it, where whoever failed most gives way', async (t) => {
  const attempts = attemptsWith({ ...wide, device: { burst: 3, refillMs: 10_000 }, maxWaiting: 4 })
  const failing = attempts.client()
  for (let count = 0; count < 3; count++) t.ok(await failing.begin('x'))
  const worst = begin(failing, 'x')
  const waiting = [1, 2, 3].map(() => begin(attempts.client(), 'x'))
  await attempts.clock.advance(0)
  t.equal(attempts.waiting(), 4)
  t.equal(worst.state, 'waiting')
  const fifth = begin(attempts.client(), 'x')
  await attempts.clock.advance(0)
  t.equal(worst.state, 'refused')
  t.equal(fifth.state, 'waiting')
  const sixth = begin(attempts.client(), 'x')
  await attempts.clock.advance(0)
  t.equal(sixth.state, 'refused', 'among equals the last one')
  t.same(waiting.map(({ state }) => state), ['waiting', 'waiting', 'waiting'])
})

for (const [behaviour, guessesPerConnection] of [['that stay', Infinity], ['that come anew for each guess', 1]] as const) {
  test(`password attempts: strangers on as many connections as there may be, ${behaviour}, do not lock the owner out`, async (t) => {
    const attempts = attemptsWith()
    const { clock } = attempts
    const { maxWaiting, user } = DEFAULT_PASSWORD_LIMITS
    let guesses = 0
    let stop = false
    async function stranger(): Promise<void> {
      let client = attempts.client()
      for (let own = 0; !stop; own++) {
        const begun = await client.begin('owner')
        if (begun === undefined) await new Promise<void>((resolve) => clock.after(100, resolve))
        else guesses++
        if (begun === undefined || own >= guessesPerConnection) {
          client.close()
          client = attempts.client()
          own = 0
        }
      }
      client.close()
    }
    const strangers = Array.from({ length: maxWaiting - 1 }, stranger)
    await clock.advance(60_000)
    t.ok(guesses <= user.burst + 60_000 / user.refillMs, `${guesses} guesses in a minute`)
    for (let login = 0; login < 3; login++) {
      const owner = begin(attempts.client(), 'owner')
      const askedMs = clock.monotonicMs()
      while (owner.state === 'waiting' && clock.monotonicMs() - askedMs <= maxWaiting * user.refillMs) await clock.advance(500)
      t.equal(owner.state, 'begun', `after ${clock.monotonicMs() - askedMs} ms`)
      owner.attempt?.succeeded()
    }
    stop = true
    await clock.advance(120_000)
    await Promise.all(strangers)
  })
}
