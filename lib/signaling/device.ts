import type { Host } from '../runtime/index.ts'
import { deviceBackOffCapMs } from './back-off.ts'
import { Channel, type ChannelLink, type SignalingChannel } from './channel.ts'
import { SignalingConnection } from './connection.ts'
import { SignalingErrorCodes } from './errors.ts'
import { TypedEventEmitter } from './event-emitter.ts'
import { parseReliabilityFrame, type RoutingFrame } from './frames.ts'
import { connectDevice, type Endpoint, endpointOf, fetchIceServers } from './http-api.ts'
import type { JSONValue } from './json.ts'
import { DEFAULT_SIGNALING_LIMITS, DEFAULT_SIGNALING_TIMES, type SignalingLimits, type SignalingTimes } from './limits.ts'
import type { IceServer } from './messages.ts'
import { type SignalingConnectionState, SignalingChannelState } from './states.ts'

export interface SignalingDeviceOptions {
  productId: string
  deviceId: string
  /** A fresh device token for every request (`DeviceTokenGenerator.generateToken`). */
  tokenGenerator: () => Promise<string>
  /** Base URL of the service; default `https://<productId>.webrtc.nabto.net`. */
  endpointUrl?: string
  limits?: Partial<SignalingLimits>
  times?: Partial<SignalingTimes>
}

export interface SignalingDeviceEvents {
  connectionstatechange: () => void
  connectionreconnect: () => void
  /** An attempt to connect failed; the next one is scheduled. */
  error: (error: unknown) => void
}

/** A device's end of the signaling (protocol/webrtc-signaling.md §9). */
export interface SignalingDevice {
  readonly connectionState: SignalingConnectionState
  /** The host it runs on, for what is built on top; so with limits and times. */
  readonly host: Host
  readonly limits: SignalingLimits
  readonly times: SignalingTimes
  /**
   * Called for each client's first message, awaited before that message is delivered; register listeners in it.
   * @param authorized - whether the service vouches for the client (central authorization)
   * @param first - that message, to look at; it is delivered all the same
   */
  onNewSignalingChannel?: (channel: SignalingChannel, authorized: boolean, first: JSONValue) => Promise<void> | void
  /** Once. What fails comes as an event. */
  start(): void
  close(): void
  checkAlive(): void
  /** Usable before `start()`. Rejects with `HttpError` or what the token generator throws. */
  requestIceServers(): Promise<IceServer[]>
  on<Name extends keyof SignalingDeviceEvents>(name: Name, listener: SignalingDeviceEvents[Name]): void
  off<Name extends keyof SignalingDeviceEvents>(name: Name, listener: SignalingDeviceEvents[Name]): void
}

/** No I/O until `start()`. */
export function createSignalingDevice(options: SignalingDeviceOptions, host: Host): SignalingDevice {
  return new Device(options, host)
}

class Device implements SignalingDevice, ChannelLink {
  onNewSignalingChannel: SignalingDevice['onNewSignalingChannel']
  readonly host: Host
  readonly limits: SignalingLimits
  readonly times: SignalingTimes
  readonly #events: TypedEventEmitter<{ [Name in keyof SignalingDeviceEvents]: SignalingDeviceEvents[Name] }>
  readonly #endpoint: Endpoint
  readonly #tokenGenerator: () => Promise<string>
  readonly #connection: SignalingConnection
  readonly #channels = new Map<string, Channel>()
  #live = 0

  constructor(options: SignalingDeviceOptions, host: Host) {
    this.host = host
    this.limits = { ...DEFAULT_SIGNALING_LIMITS, ...options.limits }
    this.times = { ...DEFAULT_SIGNALING_TIMES, ...options.times }
    this.#events = new TypedEventEmitter(host.log)
    this.#endpoint = endpointOf(options)
    this.#tokenGenerator = options.tokenGenerator
    this.#connection = new SignalingConnection(host, this.limits, this.times, {
      locate: async () => connectDevice(host, this.#endpoint, await this.#tokenGenerator()),
      retriesFirstConnect: true,
      maxAttempts: Infinity,
      backOffCapMs: deviceBackOffCapMs,
      opened: () => {
        for (const channel of this.#channels.values()) channel.handleSocketOpened()
      },
      received: (frame, length) => {
        this.#received(frame, length)
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

  on<Name extends keyof SignalingDeviceEvents>(name: Name, listener: SignalingDeviceEvents[Name]): void {
    this.#events.on(name, listener)
  }

  off<Name extends keyof SignalingDeviceEvents>(name: Name, listener: SignalingDeviceEvents[Name]): void {
    this.#events.off(name, listener)
  }

  start(): void {
    this.#connection.start()
  }

  close(): void {
    this.onNewSignalingChannel = undefined
    for (const channel of [...this.#channels.values()]) channel.close()
    this.#connection.close()
    this.#events.clear()
  }

  checkAlive(): void {
    this.#connection.checkAlive()
  }

  async requestIceServers(): Promise<IceServer[]> {
    return fetchIceServers(this.host, this.#endpoint, await this.#tokenGenerator())
  }

  socketNumber(): number {
    return this.#connection.socketNumber
  }

  transmit(frame: string): void {
    this.#connection.transmit(frame)
  }

  closed(channel: Channel): void {
    if (channel.channelId !== undefined) this.#channels.delete(channel.channelId)
    this.#count()
  }

  failed(): void {
    this.#count()
    const failed = [...this.#channels.values()].filter(({ channelState }) => channelState === SignalingChannelState.FAILED)
    if (failed.length > this.limits.maxFailedChannels) failed[0].close()
  }

  #count(): void {
    this.#live = 0
    for (const channel of this.#channels.values()) if (!channel.ended) this.#live++
  }

  #received(frame: RoutingFrame, length: number): void {
    if (!('channelId' in frame)) return
    const known = this.#channels.get(frame.channelId)
    if (known !== undefined) known.handleFrame(frame, length)
    else if (frame.type === 'MESSAGE') this.#begin(frame, length)
  }

  /** A first frame on a channel that is not known: only the first message of a client may begin one (§4). */
  #begin(frame: RoutingFrame & { type: 'MESSAGE' }, length: number): void {
    const { channelId, message, authorized = false } = frame
    const reliability = parseReliabilityFrame(message)
    if (reliability === undefined) {
      this.#refuse(channelId, SignalingErrorCodes.DECODE_ERROR, 'not a frame of the reliability layer')
    } else if (reliability.type !== 'DATA' || reliability.seq !== 0) {
      this.#refuse(channelId, SignalingErrorCodes.CHANNEL_NOT_FOUND, 'No such channel.')
    } else if (this.onNewSignalingChannel === undefined) {
      this.#refuse(channelId, SignalingErrorCodes.INTERNAL_ERROR, 'No handler.')
    } else if (this.#live >= this.limits.maxChannels) {
      this.#refuse(channelId, SignalingErrorCodes.NO_MORE_CHANNELS, `The device has ${this.#live} channels.`)
    } else {
      const channel = new Channel(this, channelId)
      this.#channels.set(channelId, channel)
      this.#live++
      channel.setState(SignalingChannelState.CONNECTED)
      channel.enqueue(async () => this.onNewSignalingChannel?.(channel, authorized, reliability.data))
      channel.handleFrame(frame, length)
    }
  }

  #refuse(channelId: string, code: string, message: string): void {
    this.host.log('info', 'signaling.channel.refused', { channelId, code })
    this.transmit(JSON.stringify({ type: 'ERROR', channelId, error: { code, message } }))
  }
}

