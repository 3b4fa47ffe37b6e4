// What the engine over node-datachannel does around a native data channel, which is played.
import type * as NodeDatachannel from 'node-datachannel'
import tap from 'tap'
import { silentLog } from '../../lib/runtime/log.ts'
import { UntoldCloses } from '../../runtimes/node/webrtc/held-native.ts'
import { Listeners } from '../../runtimes/node/webrtc/listeners.ts'
import { NativeDataChannel } from '../../runtimes/node/webrtc/node-datachannel-channel.ts'
import { until } from './support/negotiating-pair.ts'

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
