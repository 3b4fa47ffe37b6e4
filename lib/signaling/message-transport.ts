import type { Host } from '../runtime/index.ts'
import type { SignalingChannel } from './channel.ts'
import { SignalingError, SignalingErrorCodes } from './errors.ts'
import { TypedEventEmitter } from './event-emitter.ts'
import type { JSONValue } from './json.ts'
import { decodeSignalingMessage, encodeSignalingMessage, type IceServer, type SignalingMessage, type WebrtcSignalingMessage } from './messages.ts'
import type { MessageSigner } from './signing.ts'

export const MessageTransportMode = { CLIENT: 0, DEVICE: 1 } as const
export type MessageTransportMode = (typeof MessageTransportMode)[keyof typeof MessageTransportMode]

export interface MessageTransportEvents {
  /** Awaited before the next message is delivered. Messages wait until somebody listens. */
  webrtcsignalingmessage: (message: WebrtcSignalingMessage) => void | Promise<void>
  /** Both ends may signal from now on. The client gets its ICE servers from the device. */
  setupdone: (iceServers?: IceServer[]) => void | Promise<void>
  /** The channel has failed because of a message; the peer has been told. */
  error: (error: unknown) => void
}

/** Signed signaling messages over a channel (protocol/webrtc-signaling.md §7). */
export interface MessageTransport {
  readonly mode: MessageTransportMode
  /** @throws {SignalingError} before `setupdone`, or when the channel has ended */
  sendWebrtcSignalingMessage(message: WebrtcSignalingMessage): Promise<void>
  on<Name extends keyof MessageTransportEvents>(name: Name, listener: MessageTransportEvents[Name]): void
  off<Name extends keyof MessageTransportEvents>(name: Name, listener: MessageTransportEvents[Name]): void
}

/** The part of a channel that a transport uses: a client is its own channel. */
type TransportChannel = Pick<SignalingChannel, 'sendMessage' | 'sendError'> & {
  on(name: 'message', listener: (message: JSONValue) => Promise<void>): void
}

/** What both ends do alike; the ends differ in how a session is set up. */
export abstract class BaseMessageTransport implements MessageTransport {
  abstract readonly mode: MessageTransportMode
  readonly #events: TypedEventEmitter<{ [Name in keyof MessageTransportEvents]: MessageTransportEvents[Name] }>
  readonly #channel: TransportChannel
  readonly #host: Host
  /** Lets a message go on that came before anybody listened; those behind it wait in the channel, which is bounded. */
  #listened: (() => void) | undefined
  #signaling = false
  #failed = false

  constructor(channel: TransportChannel, host: Host) {
    this.#channel = channel
    this.#host = host
    this.#events = new TypedEventEmitter(host.log)
    channel.on('message', (envelope) => this.#receive(envelope))
  }

  on<Name extends keyof MessageTransportEvents>(name: Name, listener: MessageTransportEvents[Name]): void {
    this.#events.on(name, listener)
    if (name === 'webrtcsignalingmessage') this.#listened?.()
  }

  off<Name extends keyof MessageTransportEvents>(name: Name, listener: MessageTransportEvents[Name]): void {
    this.#events.off(name, listener)
  }

  async sendWebrtcSignalingMessage(message: WebrtcSignalingMessage): Promise<void> {
    if (!this.#signaling) throw new SignalingError(SignalingErrorCodes.INTERNAL_ERROR, 'the session is not set up yet: wait for setupdone')
    await this.send(message)
  }

  /** Who signs; may depend on the first message of the peer. */
  protected abstract signerFor(envelope?: JSONValue): MessageSigner | Promise<MessageSigner>

  /** A message while the session is being set up. @throws {SignalingError} when it is not what belongs there */
  protected abstract setUp(message: SignalingMessage | undefined): Promise<void>

  /**
   * Signing gives a message its number, so it goes onto the channel in the same turn; a signed message that the channel
   * does not take leaves a hole that the peer would not forgive.
   */
  protected async send(message: SignalingMessage): Promise<void> {
    const signer = await this.signerFor()
    const envelope = signer.sign(encodeSignalingMessage(message))
    try {
      await this.#channel.sendMessage(envelope)
    } catch (thrown) {
      this.fail(thrown)
      throw thrown
    }
  }

  protected async setupDone(iceServers?: IceServer[]): Promise<void> {
    this.#signaling = true
    await this.#events.emitInTurn('setupdone', iceServers)
  }

  protected fail(thrown: unknown): void {
    if (this.#failed) return
    this.#failed = true
    void this.#channel.sendError(SignalingError.fromUnknown(thrown))
    this.#events.emit('error', thrown)
  }

  async #receive(envelope: JSONValue): Promise<void> {
    if (this.#failed) return
    try {
      const signer = await this.signerFor(envelope)
      const message = decodeSignalingMessage(signer.verify(envelope))
      if (!this.#signaling) await this.setUp(message)
      else await this.#deliver(message)
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  async #deliver(message: SignalingMessage | undefined): Promise<void> {
    if (message === undefined || message.type === 'SETUP_REQUEST' || message.type === 'SETUP_RESPONSE') {
      this.#host.log('debug', 'signaling.message.ignored', { type: message?.type ?? 'unknown' })
      return
    }
    if (this.#events.count('webrtcsignalingmessage') === 0) {
      await new Promise<void>((resolve) => {
        this.#listened = resolve
      })
    }
    await this.#events.emitInTurn('webrtcsignalingmessage', message)
  }
}
