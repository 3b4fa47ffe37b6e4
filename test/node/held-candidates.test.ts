import tap from 'tap'
import { HEAD_START_MS, HeldCandidates, LONGEST_WAIT_MS, MAX_WAITING } from '../../runtimes/node/webrtc/held-candidates.ts'
import { until } from './support/negotiating-pair.ts'

const host = 'candidate:1 1 UDP 2122317823 192.0.2.1 50000 typ host'
const relay = 'candidate:2 1 UDP 8331263 198.51.100.1 50001 typ relay raddr 0.0.0.0 rport 0'
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
/** A timer may come as much too early. */
const MS = 1

/** What happened, in order, and when. */
function held(): { candidates: HeldCandidates; did: string[]; at: Record<string, number>; note: (what: string) => () => void } {
  const [did, at] = [[] as string[], {} as Record<string, number>]
  const note = (what: string) => () => {
    did.push(what)
    at[what] = performance.now()
  }
  return { candidates: new HeldCandidates((error) => did.push(`refused: ${String(error)}`)), did, at, note }
}

void tap.test('the end that answers announces its own when the offer is applied, and lets the peer\'s in at once', (t) => {
  const { candidates, did, note } = held()
  candidates.take(host, note('host'))
  t.same([did, candidates.isHolding, candidates.mustWait], [[], true, false])
  candidates.described(true)
  candidates.takeTheirs(note('theirs'))
  candidates.take(host, note('late host'))
  t.same([did, candidates.isHolding], [['host', 'theirs', 'late host'], false])
  t.end()
})

void tap.test('the end that offered, and has no relay, keeps its own until it is up', (t) => {
  const { candidates, did, note } = held()
  candidates.offered(false)
  candidates.take(host, note('host'))
  candidates.described(false)
  candidates.takeTheirs(note('theirs'))
  t.same([did, candidates.isHolding], [['theirs'], true])
  candidates.release()
  t.same([did, candidates.isHolding], [['theirs', 'host'], false])
  candidates.offered(true)
  candidates.described(false)
  t.same([candidates.isHolding, candidates.mustWait], [false, false], 'another answer later holds nothing back')
  t.end()
})

void tap.test('or for its head start, and for good when the connection is closed', async (t) => {
  const [first, second] = [held(), held()]
  for (const { candidates, note } of [first, second]) {
    candidates.offered(false)
    candidates.take(host, note('host'))
    candidates.described(false)
  }
  const answered = performance.now()
  second.candidates.drop()
  await until(() => first.did.length > 0, 'the announcement')
  t.ok(first.at.host >= answered + HEAD_START_MS - MS)
  await pause(HEAD_START_MS)
  t.same([first.did, second.did], [['host'], []])
})

void tap.test('with a relay the peer hears of that at once, and what it has waits until it has tried', async (t) => {
  const { candidates, did, at, note } = held()
  candidates.offered(true)
  candidates.take(host, note('host'))
  candidates.take(relay, note('relay'))
  candidates.gathered()
  t.same([did, candidates.mustWait], [['relay'], true], 'before the answer')
  const answerTookMs = 40
  await pause(answerTookMs)
  candidates.described(false)
  candidates.takeTheirs(note('theirs'))
  t.same(did, ['relay'])
  await until(() => did.length === 3, 'all')
  t.same(did, ['relay', 'theirs', 'host'])
  t.ok(at.theirs >= at.relay + answerTookMs / 2 + HEAD_START_MS - 2 * MS, 'the head start begins when the peer has heard')
  t.ok(at.host >= at.theirs + HEAD_START_MS - MS)
})

void tap.test('a relay that comes after the answer delays what waits, and one that never comes does not', async (t) => {
  const { candidates, did, at, note } = held()
  candidates.offered(true)
  candidates.described(false)
  candidates.takeTheirs(note('theirs'))
  await pause(20)
  candidates.take(relay, note('relay'))
  candidates.gathered()
  const none = held()
  none.candidates.offered(true)
  none.candidates.described(false)
  none.candidates.takeTheirs(none.note('theirs'))
  none.candidates.gathered()
  const silent = held()
  silent.candidates.offered(true)
  silent.candidates.described(false)
  const answered = performance.now()
  silent.candidates.takeTheirs(silent.note('theirs'))
  await until(() => [did, none.did, silent.did].every((list) => list.includes('theirs')), 'all')
  t.same(did, ['relay', 'theirs'])
  t.ok(at.theirs >= at.relay + HEAD_START_MS - MS)
  t.ok(none.at.theirs < at.theirs, 'the server has none for us')
  t.ok(silent.at.theirs >= answered + LONGEST_WAIT_MS - MS, 'the server does not answer')
})

void tap.test('so many of the peer\'s wait, and one that does not fit keeps none back', async (t) => {
  const { candidates, did, note } = held()
  candidates.offered(true)
  candidates.described(false)
  for (let index = 0; index < MAX_WAITING; index++) {
    candidates.takeTheirs(index === 1 ? () => { throw new Error('of no use') } : note(`theirs ${index}`))
  }
  t.throws(() => candidates.takeTheirs(note('one more')), { code: 'ERR_WEBRTC_TOO_MANY_CANDIDATES' })
  candidates.gathered()
  await until(() => did.length >= MAX_WAITING, 'all')
  t.same([did[0], did[1], did[2], did.length], ['theirs 0', 'refused: Error: of no use', 'theirs 2', MAX_WAITING])
  candidates.release()
})

void tap.test('our end comes up by what the peer sent, and nothing waits any more', (t) => {
  const { candidates, did, note } = held()
  candidates.offered(true)
  candidates.take(host, note('host'))
  candidates.described(false)
  candidates.takeTheirs(note('theirs'))
  candidates.release()
  t.same([did, candidates.mustWait, candidates.isHolding], [['theirs', 'host'], false, false])
  t.end()
})
