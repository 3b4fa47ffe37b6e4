import type { CancelTimer, Clock } from '../runtime/clock.ts'
import type { PeerConnection } from './peer-connection.ts'

/**
 * Tells a device that a session has had no connection for too long, so that it can be ended (protocol/webrtc-signaling.md §8.2).
 * The time runs from construction, and again from each loss of the connection; the callback comes once per loss.
 */
export class DeviceConnectionTimeout {
  readonly #timeoutMs: number
  readonly #callback: () => void
  readonly #clock: Clock
  #cancel: CancelTimer | undefined
  #pc: PeerConnection | undefined
  #closed = false

  /** @param timeoutMs - demos of this protocol use 60,000 */
  constructor(timeoutMs: number, callback: () => void, clock: Clock) {
    this.#timeoutMs = timeoutMs
    this.#callback = callback
    this.#clock = clock
    this.notConnected()
  }

  /** Follows the state of `pc`, in place of the one registered before. */
  registerRTCPeerConnection(pc: PeerConnection): void {
    if (this.#closed) return
    this.#pc?.removeEventListener('connectionstatechange', this.#onStateChange)
    this.#pc = pc
    pc.addEventListener('connectionstatechange', this.#onStateChange)
    this.#onStateChange()
  }

  connected(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Starts the time unless it runs or has run out already. */
  notConnected(): void {
    if (this.#closed) return
    this.#cancel ??= this.#clock.after(this.#timeoutMs, this.#callback)
  }

  close(): void {
    this.#closed = true
    this.connected()
    this.#pc?.removeEventListener('connectionstatechange', this.#onStateChange)
    this.#pc = undefined
  }

  readonly #onStateChange = (): void => {
    if (this.#pc?.connectionState === 'connected') this.connected()
    else this.notConnected()
  }
}
