import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createLearnedClock, type LearnedClock, parseHttpDate } from '../../../lib/device/index.ts'
import type { Log, Storage } from '../../../lib/runtime/index.ts'
import { createMemoryClock, createMemoryNetwork, createMemoryStorage, type MemoryClock } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'

const BUILT = Date.UTC(2026, 0, 1)
const NOW = Date.UTC(2026, 5, 15, 12)
const DAY = 86_400_000
const YEAR = 365 * DAY

interface World {
  learned: LearnedClock
  /** The board's. */
  clock: MemoryClock
  events: string[]
  requests: string[]
  storage: Storage
  /** What the service answers; undefined is nobody there. */
  serviceMs: number | undefined
  dateHeader: string | undefined
  /** Awaits `ready` while the clock is wound. @returns `ready`, or the code of what it threw */
  ready(): Promise<string>
}

/** @param wallMs - what the board's clock shows at its start */
function world(wallMs: number, { storage = createMemoryStorage(), latencyMs = 1 } = {}): World {
  const clock = createMemoryClock(wallMs)
  const network = createMemoryNetwork({ clock, latencyMs })
  const events: string[] = []
  const log: Log = (_level, event) => events.push(event)
  const requests: string[] = []
  const made: World = {
    learned: createLearnedClock({ url: 'https://service.test/', notBeforeMs: BUILT, storage }, { clock, http: network.http, log }),
    clock, events, requests, storage, serviceMs: NOW, dateHeader: undefined,
    async ready() {
      let outcome = ''
      made.learned.ready().then(() => { outcome = 'ready' }, (thrown: unknown) => { outcome = (thrown as { code: string }).code })
      for (let step = 0; outcome === '' && step < 50; step++) await clock.advance(step < 10 ? 1 : 1_000)
      return outcome
    },
  }
  network.serve('https://service.test', {
    request({ method, headers }) {
      requests.push(`${method} ${JSON.stringify(headers ?? {})}`)
      if (made.serviceMs === undefined) return { status: 500 }
      return { status: 404, headers: { date: made.dateHeader ?? new Date(made.serviceMs).toUTCString() } }
    },
    socket: () => undefined,
  })
  return made
}

const near = (found: number, wanted: number): boolean => Math.abs(found - wanted) <= 1_000

test('learned clock: a plausible clock is taken as it is, and nobody is asked', async (t) => {
  for (const wall of [NOW, BUILT, BUILT + 15 * YEAR]) {
    const found = world(wall)
    const { learned, clock, requests } = found
    t.equal(await found.ready(), 'ready')
    t.ok(near(learned.nowMs(), wall))
    t.equal(requests.length, 0)
    clock.setWallClock(wall + 1_000)
    t.ok(near(learned.nowMs(), wall + 1_000), 'and still is the board’s')
  }
})

test('learned clock: without a plausible one it asks, without a token, and goes on by the monotonic clock', async (t) => {
  for (const wall of [0, -5, BUILT - 1, BUILT + 15 * YEAR + DAY, 1e15, 9e15]) {
    const found = world(wall)
    t.equal(await found.ready(), 'ready', `from ${wall}`)
    t.ok(near(found.learned.nowMs(), NOW))
    t.same(found.events, ['clock.unknown', 'clock.learned'])
    t.same(found.requests, ['HEAD {}'])
    await found.clock.advance(10 * DAY)
    t.ok(near(found.learned.nowMs(), NOW + 10 * DAY))
    found.clock.setWallClock(5)
    t.ok(near(found.learned.nowMs(), NOW + 10 * DAY), 'whatever the wall clock does')
    t.equal(await found.ready(), 'ready')
    t.equal(found.requests.length, 1)
  }
})

test('learned clock: several who wait share one question', async (t) => {
  const { learned, clock, requests } = world(0)
  const all = Promise.all([learned.ready(), learned.ready(), learned.ready()])
  await clock.advance(50)
  await all
  t.equal(requests.length, 1)
})

test('learned clock: no answer, no date and a date that cannot be leave it unknown, and it recovers', async (t) => {
  const found = world(0)
  for (const [header, service] of [
    [undefined, undefined], ['yesterday', NOW], [new Date(BUILT - 2_000).toUTCString(), NOW], [new Date(BUILT + 16 * YEAR).toUTCString(), NOW], ['Thu, 01 Jan 1970 00:00:00 GMT', NOW],
  ] as const) {
    found.dateHeader = header
    found.serviceMs = service
    t.equal(await found.ready(), 'ERR_CLOCK_UNKNOWN', header)
    t.ok(found.learned.nowMs() < DAY)
  }
  found.dateHeader = undefined
  found.serviceMs = NOW
  t.equal(await found.ready(), 'ready')
  t.ok(found.events.includes('clock.answer.refused'))
})

test('learned clock: an answer that took too long says nothing', async (t) => {
  // Half the way is the network's latency; the memory network knows no time-out.
  const slow = world(0, { latencyMs: 5_001 })
  t.equal(await slow.ready(), 'ERR_CLOCK_UNKNOWN')
  const bound = world(0, { latencyMs: 5_000 })
  t.equal(await bound.ready(), 'ready')
})

test('learned clock: a wrong clock in either direction recovers by doubt', async (t) => {
  for (const wall of [NOW - 100 * DAY, NOW + 5 * YEAR, NOW - 6_000, NOW + 6_000]) {
    const found = world(wall)
    t.equal(await found.ready(), 'ready')
    t.equal(found.requests.length, 0)
    found.learned.doubt()
    t.equal(await found.ready(), 'ready')
    t.ok(near(found.learned.nowMs(), NOW), `from ${wall - NOW}`)
    t.same(found.events, ['clock.learned'])
  }
  const right = world(NOW + 3_000)
  right.learned.doubt()
  t.equal(await right.ready(), 'ready')
  t.same(right.events, ['clock.confirmed'])
  t.ok(near(right.learned.nowMs(), NOW + 3_000), 'left as it is')
})

test('learned clock: doubt asks at most once a minute, and a clock that was good enough survives silence', async (t) => {
  const found = world(NOW)
  found.serviceMs = undefined
  for (let round = 0; round < 20; round++) {
    found.learned.doubt()
    t.equal(await found.ready(), 'ready')
    await found.clock.advance(5_000)
  }
  t.equal(found.requests.length, 2)
  t.equal(found.events[0], 'clock.unconfirmed')
})

test('learned clock: it never goes below what has been, across restarts', async (t) => {
  const storage = createMemoryStorage()
  const first = world(0, { storage })
  t.equal(await first.ready(), 'ready')
  const kept = JSON.parse(decodeUtf8(await storage.read('clock.json') ?? new Uint8Array(0))) as { floorMs: number }
  t.ok(near(kept.floorMs, NOW - DAY))

  // A replayed answer, or a service with somebody's expired certificate.
  const second = world(0, { storage })
  second.serviceMs = NOW - DAY - 2_000
  t.equal(await second.ready(), 'ERR_CLOCK_UNKNOWN')
  second.serviceMs = NOW - DAY + 2_000
  t.equal(await second.ready(), 'ready')

  // Also a wall clock that shows less than that is none.
  const third = world(NOW - 2 * DAY, { storage })
  t.equal(await third.ready(), 'ready')
  t.same(third.events, ['clock.unknown', 'clock.learned'])
})

test('learned clock: flash is written at most once a day, and a bad memory is passed over', async (t) => {
  const storage = createMemoryStorage()
  let writes = 0
  const counted: Storage = { ...storage, write: (name, bytes) => {
    writes++
    return storage.write(name, bytes)
  } }
  const found = world(0, { storage: counted })
  await found.ready()
  for (let hour = 1; hour <= 48; hour++) {
    await found.clock.advance(3_600_000)
    found.serviceMs = NOW + hour * 3_600_000
    found.learned.doubt()
    t.equal(await found.ready(), 'ready')
  }
  t.equal(writes, 3)
  for (const text of ['', '{', '[]', '{"floorMs":"1"}', '{"floorMs":1e300}']) {
    await storage.write('clock.json', encodeUtf8(text))
    const again = world(0, { storage })
    t.equal(await again.ready(), 'ready', text)
    t.ok(again.events.includes('clock.memory.unreadable'), text)
  }
  const broken = world(0, { storage: { ...storage, read: () => Promise.reject(new Error('no disk')), write: () => Promise.reject(new Error('disk full')) } })
  t.equal(await broken.ready(), 'ready')
  t.ok(broken.events.includes('clock.memory.unwritable'))
})

test('HTTP dates: the one form that is sent', (t) => {
  t.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT'), 784_111_777_000)
  t.equal(parseHttpDate('Tue, 29 Feb 2028 23:59:59 GMT'), Date.UTC(2028, 1, 29, 23, 59, 59))
  t.equal(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT'), Date.UTC(2016, 11, 31, 23, 59, 59), 'a leap second')
  for (const text of [
    undefined, '', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', 'Sun, 06 Nov 1994 08:49:37 UTC', 'Sun, 31 Feb 2027 00:00:00 GMT', 'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT', 'Sun, 06 Xov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 GMT ', '1994-11-06T08:49:37Z',
  ]) t.equal(parseHttpDate(text), undefined, text)
})
