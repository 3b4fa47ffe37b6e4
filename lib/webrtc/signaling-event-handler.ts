import type { PeerConnection } from './peer-connection.ts'

/** The part of a signaling client or device that reacts to, and causes, a look at the network. */
export interface SignalingEventHandlerConnection {
  checkAlive(): void
  on(event: 'connectionreconnect', listener: () => void): void
  off(event: 'connectionreconnect', listener: () => void): void
}

/**
 * Lets media and signaling warn each other (protocol/webrtc-signaling.md §8.3): a connection that falters has the signaling
 * connection checked, one that failed looks for a new path, and so does every one after signaling had to reconnect.
 */
export class SignalingEventHandler {
  /** Called when the engine cannot restart ICE: then the connection has to be made anew. */
  onerror: ((error: unknown) => void) | undefined
  readonly #pc: PeerConnection
  readonly #connection: SignalingEventHandlerConnection

  constructor(pc: PeerConnection, clientOrDevice: SignalingEventHandlerConnection) {
    this.#pc = pc
    this.#connection = clientOrDevice
    pc.addEventListener('connectionstatechange', this.#onStateChange)
    clientOrDevice.on('connectionreconnect', this.#restartIce)
  }

  /** Lets go of both; closes neither. */
  close(): void {
    this.#pc.removeEventListener('connectionstatechange', this.#onStateChange)
    this.#connection.off('connectionreconnect', this.#restartIce)
  }

  readonly #onStateChange = (): void => {
    if (this.#pc.connectionState === 'disconnected') this.#connection.checkAlive()
    else if (this.#pc.connectionState === 'failed') this.#restartIce()
  }

  readonly #restartIce = (): void => {
    if (this.#pc.connectionState === 'closed') return
    try {
      this.#pc.restartIce()
    } catch (error) {
      this.onerror?.(error)
    }
  }
}
