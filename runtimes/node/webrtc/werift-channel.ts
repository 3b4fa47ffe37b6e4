import type * as Werift from 'werift'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { DataChannel, DataChannelEvents } from '../../../lib/webrtc/peer-connection.ts'
import type { Listeners } from './listeners.ts'

/** A werift data channel with the shape of the W3C one. */
export class WeriftDataChannel implements DataChannel {
  binaryType = 'arraybuffer'
  readonly #native: Werift.RTCDataChannel
  readonly #listeners: Listeners<DataChannelEvents>
  #announced = false
  #lost = false

  constructor(native: Werift.RTCDataChannel, listeners: Listeners<DataChannelEvents>) {
    this.#native = native
    this.#listeners = listeners
    native.stateChange.subscribe((state) => {
      if (state === 'open') this.announceOpen()
      else if (state === 'closed') this.lost()
    })
    native.error.subscribe((error) => listeners.emit('error', error))
    native.bufferedAmountLow.subscribe(() => listeners.emit('bufferedamountlow', undefined))
    native.onMessage.subscribe((message) => {
      listeners.emit('message', { data: typeof message === 'string' ? message : new Uint8Array(message).buffer })
    })
  }

  get label(): string {
    return this.#native.label
  }

  get protocol(): string {
    return this.#native.protocol
  }

  get readyState(): DataChannel['readyState'] {
    return this.#lost ? 'closed' : this.#native.readyState
  }

  get bufferedAmount(): number {
    return this.#native.bufferedAmount
  }

  get bufferedAmountLowThreshold(): number {
    return this.#native.bufferedAmountLowThreshold
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#native.bufferedAmountLowThreshold = bytes
  }

  addEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void {
    this.#listeners.add(name, listener)
  }

  removeEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void {
    this.#listeners.remove(name, listener)
  }

  send(data: string | Uint8Array): void {
    if (this.readyState !== 'open') {
      throw new LenskeyError('ERR_DATA_CHANNEL_NOT_OPEN', `the data channel ${this.label} is ${this.readyState}`)
    }
    try {
      this.#native.send(typeof data === 'string' ? data : Buffer.from(data))
    } catch (cause) {
      throw new LenskeyError('ERR_DATA_CHANNEL', `the message could not be sent: ${messageOf(cause)}`, { cause })
    }
  }

  close(): void {
    // Closed before the library has confirmed the peer's channel, it would confirm one that is gone, and the peer fails over that.
    if (this.#native.isCreatedByRemote && this.readyState === 'connecting') {
      this.#native.stateChange.subscribe((state) => {
        if (state === 'open') setImmediate(() => this.#native.close())
      })
      return
    }
    if (this.readyState === 'open' || this.readyState === 'connecting') this.#native.close()
  }

  /** The event `open`, once; for a channel of the peer it follows `datachannel` (W3C §6.2). */
  announceOpen(): void {
    if (this.#announced || this.readyState !== 'open') return
    this.#announced = true
    this.#listeners.emit('open', undefined)
  }

  /** Closed by the peer, or with the connection. */
  lost(): void {
    if (this.#lost) return
    this.#lost = true
    this.#listeners.emit('close', undefined)
    this.#listeners.silence()
  }
}
