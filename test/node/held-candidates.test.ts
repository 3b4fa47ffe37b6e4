import tap from 'tap'
import { HEAD_START_MS, HeldCandidates, LONGEST_WAIT_MS, MAX_WAITING } from '../../runtimes/node/webrtc/held-candidates.ts'
import { until } from './support/negotiating-pair.ts'

const host = 'candidate:1 1 UDP 2122317823 192.0.2.1 50000 typ host'
const relay = 'candidate:2 1 UDP 8331263 198.51.100.1 50001 typ relay raddr 0.0.0.0 rport 0'
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
/** A timer may come that much too early: Node counts in whole milliseconds. */
const EARLY_MS = 2

/** What happened, in order, and when. */
function held(): { candidates: HeldCandidates; did: string[]; at: Record<string, number>; note: (what: string) => () => void } {
  const [did, at] = [[] as string[], {} as Record<string, number>]
  const note = (what: string) => () => {
    did.push(what)
    at[what] = performance.now()
  }
  return { candidates: new HeldCandidates((error) => did.push(`refused: ${String(error)}`)), did, at, note }
}

/** One whose offer is answered at once, with the peer's candidate, and when that was. */
function answered(withRelay: boolean): ReturnType<typeof held> & { since: number } {
  const scene = held()
  const since = performance.now()
  scene.candidates.offered(withRelay)
  scene.candidates.announce(host, scene.note('host'))
  scene.candidates.described(false)
  scene.candidates.take(host, scene.note('theirs'))
  return { ...scene, since }
}

void tap.test('the end that answers announces its own when the offer is applied, and takes the peer\'s at once', (t) => {
  const { candidates, did, note } = held()
  candidates.announce(host, note('host'))
  t.same([did, candidates.isHolding, candidates.mustWait], [[], true, false])
  candidates.described(true)
  candidates.take(host, note('theirs'))
  candidates.take(relay, note('their relay'))
  candidates.announce(host, note('late host'))
  t.same([did, candidates.isHolding], [['host', 'theirs', 'their relay', 'late host'], false])
  t.end()
})

void tap.test('and so does one whose own offer gives way', (t) => {
  const { candidates, did, note } = held()
  candidates.offered(true)
  candidates.announce(host, note('host'))
  candidates.take(host, note('theirs'))
  candidates.described(true)
  t.same([did, candidates.isHolding, candidates.mustWait], [['theirs', 'host'], false, false])
  candidates.offered(true)
  candidates.described(false)
  t.same([candidates.isHolding, candidates.mustWait], [false, false], 'an offer later holds nothing back')
  t.end()
})

void tap.test('the end that offered, and has no relay, keeps its own until it is up', (t) => {
  const { candidates, did } = answered(false)
  t.same([did, candidates.isHolding], [['theirs'], true])
  candidates.release()
  t.same([did, candidates.isHolding], [['theirs', 'host'], false])
  t.end()
})

void tap.test('or for its head start, and for good when the connection is closed', async (t) => {
  const [first, closed, closing] = [answered(false), answered(false), held()]
  closed.candidates.drop()
  closing.candidates.offered(true)
  closing.candidates.announce(host, closing.note('host'))
  closing.candidates.drop()
  // A close from within the answer.
  closing.candidates.described(false)
  closing.candidates.take(host, closing.note('theirs'))
  await until(() => first.did.includes('host'), 'the announcement')
  t.ok(first.at.host >= first.since + HEAD_START_MS - EARLY_MS)
  await pause(LONGEST_WAIT_MS)
  t.same([first.did, closed.did, closing.did], [['theirs', 'host'], ['theirs'], []])
})

void tap.test('with a relay the peer hears of that at once, and what it has waits until it has tried', async (t) => {
  const { candidates, did, at, note } = held()
  candidates.offered(true)
  candidates.announce(host, note('host'))
  candidates.announce(relay, note('relay'))
  candidates.gathered()
  t.same([did, candidates.mustWait], [['relay'], true], 'before the answer')
  const answerTookMs = 40
  await pause(answerTookMs)
  candidates.described(false)
  candidates.take(host, note('theirs'))
  t.same(did, ['relay'])
  // Another offer, of either end, is another matter.
  candidates.offered(true)
  candidates.described(true)
  t.same(did, ['relay'])
  await until(() => did.length === 3, 'all')
  t.same(did, ['relay', 'theirs', 'host'])
  t.ok(at.theirs >= at.relay + answerTookMs / 2 + HEAD_START_MS - 2 * EARLY_MS, 'the head start begins when the peer has heard')
  t.ok(at.host >= at.theirs + HEAD_START_MS - 2 * EARLY_MS)
})

void tap.test('what the peer has relayed waits as long from when it comes', async (t) => {
  const { candidates, did, at, note } = answered(true)
  candidates.gathered()
  await until(() => did.includes('theirs'), 'the first')
  const came = performance.now()
  candidates.take(relay, note('their relay'))
  candidates.take(host, note('more'))
  await until(() => did.length === 4, 'all')
  t.ok(did.indexOf('more') < did.indexOf('their relay'))
  t.ok(at['their relay'] >= came + HEAD_START_MS - EARLY_MS)
})

void tap.test('a relay that comes after the answer delays what waits, and one that never comes does not', async (t) => {
  const { candidates, did, at, note } = answered(true)
  await pause(20)
  // Of what native code tells in two ways, either may come first.
  candidates.gathered()
  candidates.announce(relay, note('relay'))
  const [none, silent] = [answered(true), answered(true)]
  none.candidates.gathered()
  await until(() => [did, none.did, silent.did].every((list) => list.includes('theirs')), 'all')
  t.same(did.slice(0, 2), ['relay', 'theirs'])
  t.ok(at.theirs >= at.relay + HEAD_START_MS - EARLY_MS)
  t.ok(none.at.theirs < silent.at.theirs, 'the server has none for us')
  t.ok(silent.at.theirs >= silent.since + LONGEST_WAIT_MS - EARLY_MS, 'the server does not answer')
})

void tap.test('so many of the peer\'s wait, and one that does not fit keeps none back', (t) => {
  const { candidates, did, note } = held()
  candidates.offered(true)
  for (let index = 0; index < MAX_WAITING; index++) {
    candidates.take(host, index === 1 ? () => { throw new Error('of no use') } : note(`theirs ${index}`))
  }
  t.throws(() => candidates.take(host, note('one more')), { code: 'ERR_WEBRTC_TOO_MANY_CANDIDATES' })
  candidates.release()
  t.same([did[0], did[1], did[2], did.length], ['theirs 0', 'refused: Error: of no use', 'theirs 2', MAX_WAITING])
  t.throws(() => candidates.take(host, () => { throw new Error('of no use') }), { message: 'of no use' }, 'told to whoever brings it, when nothing waits')
  t.end()
})
