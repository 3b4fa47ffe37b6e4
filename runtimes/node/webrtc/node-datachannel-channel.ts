import type * as NodeDatachannel from 'node-datachannel'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { DataChannel, DataChannelEvents } from '../../../lib/webrtc/peer-connection.ts'
import { HeldNative, type UntoldCloses } from './held-native.ts'
import type { Listeners } from './listeners.ts'

/** A native data channel with the shape of the W3C one. */
export class NativeDataChannel implements DataChannel {
  readonly label: string
  readonly protocol: string
  binaryType = 'arraybuffer'
  readonly #held: HeldNative<NodeDatachannel.DataChannel>
  readonly #listeners: Listeners<DataChannelEvents>
  #state: DataChannel['readyState'] = 'connecting'
  #lowThreshold = 0

  constructor(native: NodeDatachannel.DataChannel, listeners: Listeners<DataChannelEvents>, untold: UntoldCloses) {
    this.#listeners = listeners
    this.label = native.getLabel()
    this.protocol = native.getProtocol()
    native.onOpen(() => this.announceOpen())
    native.onError((message) => listeners.emit('error', new LenskeyError('ERR_DATA_CHANNEL', message)))
    native.onBufferedAmountLow(() => listeners.emit('bufferedamountlow', undefined))
    // Each callback has a queue of its own; up to a thousand entries of each are read in turn, in the order given here, and after
    // `onClosed` native code drops what is left in the others. It stands last, so that what came before the close is heard.
    native.onMessage((message) => listeners.emit('message', { data: typeof message === 'string' ? message : arrayBufferOf(message) }))
    this.#held = new HeldNative(native, untold, () => this.lost())
  }

  get readyState(): DataChannel['readyState'] {
    return this.#state === 'connecting' && this.#isOpen ? 'open' : this.#state
  }

  get bufferedAmount(): number {
    return this.#state === 'closed' ? 0 : this.#held.native?.bufferedAmount() ?? 0
  }

  get bufferedAmountLowThreshold(): number {
    return this.#lowThreshold
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#lowThreshold = bytes
    if (this.#state !== 'closed') this.#held.native?.setBufferedAmountLowThreshold(bytes)
  }

  addEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void {
    this.#listeners.add(name, listener)
  }

  removeEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void {
    this.#listeners.remove(name, listener)
  }

  send(data: string | Uint8Array): void {
    if (this.readyState !== 'open') throw new LenskeyError('ERR_DATA_CHANNEL_NOT_OPEN', `the data channel ${this.label} is ${this.readyState}`)
    try {
      if (typeof data === 'string') this.#held.native?.sendMessage(data)
      else this.#held.native?.sendMessageBinary(data)
    } catch (cause) {
      throw new LenskeyError('ERR_DATA_CHANNEL', `the message could not be sent: ${messageOf(cause)}`, { cause })
    }
  }

  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#state = 'closing'
    this.#held.native?.close()
  }

  /** The event `open`, once; for a channel of the peer it follows `datachannel` (W3C §6.2). */
  announceOpen(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.#listeners.emit('open', undefined)
  }

  /**
   * Whether native code is closing it, or has done so, and says so by `onClosed`, by which it also lets go of it. A second close
   * at the same moment would keep it from that.
   */
  get closesItself(): boolean {
    return this.#state === 'closing' || (this.#state === 'open' && !this.#isOpen)
  }

  /** Closed by the peer, or with the connection. */
  lost(): void {
    if (this.#state === 'closed') return
    const closesItself = this.closesItself
    this.#state = 'closed'
    if (!closesItself) this.#held.letGo()
    this.#listeners.emit('close', undefined)
    this.#listeners.silence()
  }

  /** Waits no longer for native code to say that it has closed it. */
  giveUp(): void {
    this.lost()
    this.#held.letGo()
  }

  get #isOpen(): boolean {
    return this.#held.native?.isOpen() === true
  }
}

function arrayBufferOf(message: Buffer | ArrayBuffer): ArrayBuffer {
  return message instanceof ArrayBuffer ? message : new Uint8Array(message).buffer
}
