import { callerOf, createNamedRates, TokenBucket } from '../../../lib/cloud/rates.ts'
import { test } from '../../suite.ts'

test('a bucket gives its burst at once, then its rate', (t) => {
  const bucket = new TokenBucket(3, 0)
  t.same([1, 2, 3, 4].map(() => bucket.take(0, 2, 3)), [true, true, true, false])
  t.equal(bucket.secondsToNext(2), 1)
  t.equal(bucket.take(499, 2, 3), false)
  t.equal(bucket.take(500, 2, 3), true)
  t.same([1, 2, 3, 4].map(() => bucket.take(60_000, 2, 3)), [true, true, true, false], 'no more than the burst is saved up')
})

test('names have rates of their own, and say when to come back', (t) => {
  const rates = createNamedRates(60, 100)
  for (let n = 0; n < 60; n++) t.equal(rates.take('a', 0), undefined)
  t.equal(rates.take('a', 0), 1)
  t.equal(rates.take('b', 0), undefined)
  t.equal(rates.take('a', 1000), undefined)
  const slow = createNamedRates(2, 100)
  slow.take('a', 0)
  slow.take('a', 0)
  t.equal(slow.take('a', 0), 30)
})

test('no more names are remembered than may be', (t) => {
  const rates = createNamedRates(1, 3)
  for (const name of ['a', 'b', 'c']) rates.take(name, 0)
  t.ok(rates.take('a', 0) !== undefined, 'all three are remembered')
  rates.take('d', 0)
  t.equal(rates.take('b', 0), undefined, 'the one quiet for longest was forgotten')
  t.ok(rates.take('a', 0) !== undefined)
})

test('callers are told apart by IPv4 address or IPv6 /64', (t) => {
  t.equal(callerOf('192.0.2.7'), '192.0.2.7')
  t.equal(callerOf('::ffff:192.0.2.7'), '192.0.2.7')
  t.equal(callerOf('2001:db8:1:2:3:4:5:6'), callerOf('2001:0DB8:1:2::9'))
  t.equal(callerOf('2001:db8::1'), '2001:db8:0:0::/64')
  t.equal(callerOf('::1'), '0:0:0:0::/64')
  t.equal(callerOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  t.ok(callerOf('2001:db8:1:2::1') !== callerOf('2001:db8:1:3::1'))
})
