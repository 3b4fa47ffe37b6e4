import { LenskeyError } from '../errors.ts'
import type { Host } from '../runtime/index.ts'
import { CLIENT_ATTEMPTS, clientBackOffCapMs } from './back-off.ts'
import { Channel, type ChannelLink, type SignalingChannel, type SignalingChannelEvents } from './channel.ts'
import { SignalingConnection } from './connection.ts'
import { DeviceOfflineError, SignalingConnectionError, type SignalingError } from './errors.ts'
import { TypedEventEmitter } from './event-emitter.ts'
import { connectClient, type Endpoint, endpointOf, fetchIceServers } from './http-api.ts'
import type { JSONValue } from './json.ts'
import { DEFAULT_SIGNALING_LIMITS, DEFAULT_SIGNALING_TIMES, type SignalingLimits, type SignalingTimes } from './limits.ts'
import type { IceServer } from './messages.ts'
import { SignalingChannelState, SignalingConnectionState } from './states.ts'
import { withinMs } from './time-limit.ts'

export interface SignalingClientOptions {
  productId: string
  deviceId: string
  /** Fail with `DeviceOfflineError` instead of waiting for a device that is not there. */
  requireOnline?: boolean
  /** Base URL of the service; default `https://<productId>.webrtc.nabto.net`. */
  endpointUrl?: string
  /**
   * What the product asks of clients, such as a client access token (§1.4). A function is called for every request that shows one,
   * so that it can give a newer one each time. The client connects once: its address in the service outlives the token (§2).
   */
  accessToken?: string | (() => string | Promise<string>)
  limits?: Partial<SignalingLimits>
  times?: Partial<SignalingTimes>
}

export interface SignalingClientEvents {
  message: SignalingChannelEvents['message']
  channelstatechange: () => void
  connectionstatechange: () => void
  connectionreconnect: () => void
  /** What ended the channel or the connection. */
  error: (error: unknown) => void
}

/** A client's end of the signaling: the connection and its one channel in one object (protocol/webrtc-signaling.md §9). */
export interface SignalingClient extends Omit<SignalingChannel, 'on' | 'off'> {
  readonly connectionState: SignalingConnectionState
  /** The host it runs on, for what is built on top; so with limits and times. */
  readonly host: Host
  readonly limits: SignalingLimits
  readonly times: SignalingTimes
  /** Once. What fails comes as an event. */
  start(): void
  checkAlive(): void
  /** Uses the access token when there is one. Rejects with `HttpError`; {LenskeyError} `ERR_SIGNALING_ACCESS_TOKEN`. */
  requestIceServers(): Promise<IceServer[]>
  on<Name extends keyof SignalingClientEvents>(name: Name, listener: SignalingClientEvents[Name]): void
  off<Name extends keyof SignalingClientEvents>(name: Name, listener: SignalingClientEvents[Name]): void
}

/** No I/O until `start()`; messages sent earlier wait. */
export function createSignalingClient(options: SignalingClientOptions, host: Host): SignalingClient {
  return new Client(options, host)
}

class Client implements SignalingClient, ChannelLink {
  readonly host: Host
  readonly limits: SignalingLimits
  readonly times: SignalingTimes
  readonly #events: TypedEventEmitter<{ [Name in keyof SignalingClientEvents]: SignalingClientEvents[Name] }>
  readonly #endpoint: Endpoint
  readonly #options: SignalingClientOptions
  readonly #connection: SignalingConnection
  readonly #channel: Channel
  #url: string | undefined

  constructor(options: SignalingClientOptions, host: Host) {
    this.host = host
    this.limits = { ...DEFAULT_SIGNALING_LIMITS, ...options.limits }
    this.times = { ...DEFAULT_SIGNALING_TIMES, ...options.times }
    this.#events = new TypedEventEmitter(host.log)
    this.#options = options
    this.#endpoint = endpointOf(options)
    this.#channel = new Channel(this)
    this.#channel.on('message', (message) => this.#events.emitInTurn('message', message))
    this.#channel.on('error', (error) => {
      this.#events.emit('error', error)
    })
    this.#channel.on('channelstatechange', () => {
      this.#events.emit('channelstatechange')
    })
    this.#connection = new SignalingConnection(host, this.limits, this.times, {
      locate: async () => (this.#url ??= await this.#askForChannel()),
      retriesFirstConnect: false,
      maxAttempts: CLIENT_ATTEMPTS,
      backOffCapMs: clientBackOffCapMs,
      opened: () => {
        this.#channel.handleSocketOpened()
      },
      received: (frame, length) => {
        // The service routes to this socket by what it knows: its own name for the channel may differ (§3).
        this.#channel.handleFrame(frame, length)
      },
      stateChanged: () => {
        this.#events.emit('connectionstatechange')
      },
      reconnected: () => {
        this.#events.emit('connectionreconnect')
      },
      failed: (error) => {
        this.#events.emit('error', error)
      },
    })
  }

  get connectionState(): SignalingConnectionState {
    return this.#connection.state
  }

  get channelState(): SignalingChannelState {
    return this.#channel.channelState
  }

  get channelId(): string | undefined {
    return this.#channel.channelId
  }

  on<Name extends keyof SignalingClientEvents>(name: Name, listener: SignalingClientEvents[Name]): void {
    this.#events.on(name, listener)
  }

  off<Name extends keyof SignalingClientEvents>(name: Name, listener: SignalingClientEvents[Name]): void {
    this.#events.off(name, listener)
  }

  start(): void {
    this.#connection.start()
  }

  close(): void {
    this.#channel.close()
    this.#connection.close()
    this.#events.clear()
  }

  checkAlive(): void {
    this.#connection.checkAlive()
  }

  sendMessage(message: JSONValue): Promise<void> {
    return this.#channel.sendMessage(message)
  }

  sendError(error: SignalingError): Promise<void> {
    return this.#channel.sendError(error)
  }

  async requestIceServers(): Promise<IceServer[]> {
    return fetchIceServers(this.host, this.#endpoint, await this.#accessToken())
  }

  socketNumber(): number {
    return this.#connection.socketNumber
  }

  transmit(frame: string): void {
    this.#connection.transmit(frame)
  }

  closed(): void {
    // A client lives on without its channel until it is closed itself.
  }

  failed(): void {
    // The same.
  }

  async #accessToken(): Promise<string | undefined> {
    const { accessToken } = this.#options
    if (typeof accessToken !== 'function') return accessToken
    const { host: { clock }, times: { accessTokenMs } } = this
    try {
      const token = await withinMs(Promise.resolve().then(accessToken), accessTokenMs, clock, () => new Error('too late'))
      if (typeof token === 'string' && token !== '') return token
      throw new TypeError('no token')
    } catch (cause) {
      // Not in its words: they may hold what it was about.
      throw new LenskeyError('ERR_SIGNALING_ACCESS_TOKEN', 'the function for access tokens gave none', { cause })
    }
  }

  async #askForChannel(): Promise<string> {
    const token = await this.#accessToken()
    if (this.connectionState === SignalingConnectionState.CLOSED) throw new SignalingConnectionError('closed')
    const { signalingUrl, channelId, deviceOnline } = await connectClient(this.host, this.#endpoint, token)
    if (this.#options.requireOnline === true && deviceOnline === false) throw new DeviceOfflineError()
    this.#channel.channelId = channelId
    if (deviceOnline !== undefined) this.#channel.setState(deviceOnline ? SignalingChannelState.CONNECTED : SignalingChannelState.DISCONNECTED)
    return signalingUrl
  }
}
