// What the engine over node-datachannel does around native code, with native code played.
import type * as NodeDatachannel from 'node-datachannel'
import tap from 'tap'
import { silentLog } from '../../lib/runtime/log.ts'
import { HEAD_START_MS, HeldCandidates } from '../../runtimes/node/webrtc/held-candidates.ts'
import { Listeners } from '../../runtimes/node/webrtc/listeners.ts'
import { UntoldCloses } from '../../runtimes/node/webrtc/native-ends.ts'
import { NativeDataChannel } from '../../runtimes/node/webrtc/node-datachannel-channel.ts'
import { until } from './support/negotiating-pair.ts'

const host = 'candidate:1 1 UDP 2122317823 192.0.2.1 50000 typ host'
const relay = 'candidate:2 1 UDP 8331263 198.51.100.1 50001 typ relay raddr 0.0.0.0 rport 0'

/** Those that were announced, as they are. */
function holding(): { candidates: HeldCandidates; announced: string[] } {
  const [candidates, announced] = [new HeldCandidates(), [] as string[]]
  for (const candidate of [host, relay]) candidates.take(candidate, () => announced.push(candidate))
  return { candidates, announced }
}

void tap.test('the end that answers announces its candidates when the offer is applied', (t) => {
  const { candidates, announced } = holding()
  t.same([announced, candidates.isHolding], [[], true])
  candidates.described(true)
  t.same([announced, candidates.isHolding], [[host, relay], false])
  candidates.take('late', () => announced.push('late'))
  t.same(announced, [host, relay, 'late'])
  t.end()
})

void tap.test('the end that offered keeps them, but for those of a relay, until its own end is up', (t) => {
  const { candidates, announced } = holding()
  candidates.described(false)
  t.same(announced, [relay])
  candidates.take(host, () => announced.push('late host'))
  candidates.take(relay, () => announced.push('late relay'))
  t.same([announced, candidates.isHolding], [[relay, 'late relay'], true])
  candidates.release()
  t.same([announced, candidates.isHolding], [[relay, 'late relay', host, 'late host'], false])
  candidates.described(false)
  t.equal(candidates.isHolding, false, 'another answer later holds nothing back')
  t.end()
})

void tap.test('or for its head start, and for good when the connection is closed', async (t) => {
  const [first, second] = [holding(), holding()]
  for (const { candidates } of [first, second]) candidates.described(false)
  second.candidates.drop()
  await new Promise((resolve) => setTimeout(resolve, HEAD_START_MS + 100))
  t.same(first.announced, [relay, host])
  t.same(second.announced, [relay])
})

/** A channel of native code that tells what is called, in order. */
class PlayedChannel {
  readonly called: string[] = []
  readonly callbacks: Record<string, (value?: unknown) => void> = {}
  open = true
  getLabel = (): string => 'test'
  getProtocol = (): string => ''
  isOpen = (): boolean => this.open
  bufferedAmount = (): number => 0
  close = (): void => { this.called.push('close') }
  onOpen = this.#callback('onOpen')
  onClosed = this.#callback('onClosed')
  onError = this.#callback('onError')
  onBufferedAmountLow = this.#callback('onBufferedAmountLow')
  onMessage = this.#callback('onMessage')

  #callback(name: string): (run: (value?: unknown) => void) => void {
    return (run) => {
      this.called.push(name)
      this.callbacks[name] = run
    }
  }
}

function opened(): { native: PlayedChannel; channel: NativeDataChannel } {
  const native = new PlayedChannel()
  const channel = new NativeDataChannel(native as unknown as NodeDatachannel.DataChannel, new Listeners(silentLog), new UntoldCloses())
  native.callbacks.onOpen()
  return { native, channel }
}

void tap.test('the callback for a close is given last, as native code drops what is left for the others after it', (t) => {
  t.equal(opened().native.called.at(-1), 'onClosed')
  t.end()
})

void tap.test('a channel that native code is closing is not closed once more, and one that is open is', (t) => {
  const [closing, open, ours] = [opened(), opened(), opened()]
  let closed = 0
  for (const { channel } of [closing, open, ours]) channel.addEventListener('close', () => closed++)
  closing.native.open = false
  t.equal(closing.channel.closesItself, true)
  t.equal(open.channel.closesItself, false)
  ours.channel.close()
  t.equal(ours.channel.closesItself, true)
  for (const { channel } of [closing, open, ours]) channel.lost()
  for (const { native } of [closing, open, ours]) native.callbacks.onClosed()
  t.same([closing, open, ours].map(({ native }) => native.called.filter((name) => name === 'close').length), [0, 1, 1])
  t.equal(closed, 3, 'each says so once')
  t.end()
})

/** A channel that we closed, and where native code is: only a weak hold is left. */
function letGo(untold: UntoldCloses): { native: WeakRef<PlayedChannel>; channel: NativeDataChannel } {
  const native = new PlayedChannel()
  const channel = new NativeDataChannel(native as unknown as NodeDatachannel.DataChannel, new Listeners(silentLog), untold)
  channel.giveUp()
  return { native: new WeakRef(native), channel }
}

void tap.test('a channel whose close native code never tells is collected, though the program keeps what it knows it by', async (t) => {
  const { native, channel } = letGo(new UntoldCloses())
  await until(() => native.deref() === undefined, 'the end of it')
  t.same([channel.readyState, channel.bufferedAmount], ['closed', 0])
})
