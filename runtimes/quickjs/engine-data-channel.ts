import { decodeBase64url, encodeBase64url, encodeUtf8 } from '../../lib/bytes/index.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type { Log } from '../../lib/runtime/index.ts'
import type { DataChannel, DataChannelEvents } from '../../lib/webrtc/index.ts'
import { EngineEvents } from './engine-events.ts'
import type { EngineLine } from './engine-link.ts'

/** A data channel whose other half is in the engine. */
export class EngineDataChannel implements DataChannel {
  readonly label: string
  readonly protocol: string
  readyState: DataChannel['readyState']
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType = 'arraybuffer'
  readonly #events: EngineEvents<DataChannelEvents>
  readonly #send: (line: EngineLine) => void

  constructor(label: string, protocol: string, state: 'connecting' | 'open', log: Log, send: (line: EngineLine) => void) {
    this.label = label
    this.protocol = protocol
    this.readyState = state
    this.#events = new EngineEvents(log)
    this.#send = send
  }

  addEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void {
    this.#events.add(name, listener)
  }

  removeEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void {
    this.#events.remove(name, listener)
  }

  send(data: string | Uint8Array): void {
    if (this.readyState !== 'open') throw new LenskeyError('ERR_DATA_CHANNEL_NOT_OPEN', `the data channel ${this.label} is ${this.readyState}`)
    this.bufferedAmount += typeof data === 'string' ? encodeUtf8(data).length : data.length
    this.#send(typeof data === 'string' ? { do: 'send', text: data } : { do: 'send', bytes: encodeBase64url(data) })
  }

  close(): void {
    if (this.readyState !== 'open' && this.readyState !== 'connecting') return
    this.readyState = 'closing'
    this.#send({ do: 'closeChannel' })
  }

  /** For a channel of the viewer, after `datachannel` (W3C §6.2). */
  announceOpen(): void {
    if (this.readyState === 'open') this.#events.emit('open', undefined)
  }

  take({ event, text, bytes }: EngineLine): void {
    if (event === 'closed') this.lost()
    else if (event === 'open' && this.readyState === 'connecting') {
      this.readyState = 'open'
      this.announceOpen()
    } else if (event === 'taken' && typeof bytes === 'number') this.#taken(bytes)
    else if (event === 'message' && this.readyState === 'open') {
      if (typeof text === 'string') this.#events.emit('message', { data: text })
      else if (typeof bytes === 'string') this.#events.emit('message', { data: bufferOf(bytes) })
    }
  }

  /** Closed by the viewer, or with the connection. */
  lost(): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    this.#events.emit('close', undefined)
    this.#events.silence()
  }

  #taken(bytes: number): void {
    const before = this.bufferedAmount
    this.bufferedAmount = Math.max(0, before - bytes)
    if (before > this.bufferedAmountLowThreshold && this.bufferedAmount <= this.bufferedAmountLowThreshold) this.#events.emit('bufferedamountlow', undefined)
  }
}

function bufferOf(text: string): ArrayBuffer {
  const bytes = decodeBase64url(text)
  // An array of its own: what is decoded may be a view.
  return bytes.slice().buffer
}
