import { messageOf } from '../errors.ts'
import type { Host } from '../runtime/index.ts'
import {
  createDeviceMessageTransport, createSignalingDevice, type DeviceMessageTransportOptions, DeviceMessageTransportSecurityMode, type JSONValue, type MessageTransport, type SignalingChannel,
  SignalingChannelState, type SignalingDevice, type SignalingDeviceOptions, SignalingError, SignalingErrorCodes,
} from '../signaling/index.ts'
import { type CreatePeerConnection, DeviceConnectionTimeout, type IceServer, type NegotiationMetadata, type PeerConnection, needsNewConnection, PerfectNegotiation, type SessionDescription, SignalingEventHandler } from '../webrtc/index.ts'

/** A secret for every key id, or a function that finds the secret of one (undefined when the client names none); an empty one is nobody's. */
export type CameraSecret = string | ((keyId?: string) => Promise<string>)

/**
 * Who may begin a session. A camera has a secret that it shares with its viewers, or demands that the service vouches for
 * them, or has a guard that asks each session who it is; never nothing (protocol/webrtc-signaling.md §8.4).
 */
export type CameraAccess =
  | { sharedSecret: CameraSecret; requireAuthorized?: boolean }
  | { requireAuthorized: true }
  /** Anybody may begin a session, and may do in it what the guard allows: `attach` must put one before everything there is to see. */
  | { guarded: true; sharedSecret?: CameraSecret; requireAuthorized?: boolean }

/**
 * A way to signal over a channel. It is shown the channel and its first message, which is delivered all the same.
 * @returns what negotiation runs over, its `setupdone` when the session may begin; undefined for the message of another dialect
 * @throws {SignalingError} what the client is refused with
 */
export type CameraDialect = (device: SignalingDevice, channel: SignalingChannel, first: JSONValue) => MessageTransport | undefined

export interface CameraOptions<Connection extends PeerConnection> extends SignalingDeviceOptions {
  access: CameraAccess
  /**
   * Other ways to signal, such as `createEdgeDialect` of `lenskey/edge`: the first that knows a client's first message has it.
   * What comes in by them is not signed, so that they are for cameras whose access is `guarded`.
   */
  dialects?: readonly CameraDialect[]
  /** The WebRTC engine. */
  createPeerConnection: CreatePeerConnection<Connection>
  /** Called for each session before anything is negotiated: adds tracks and data channels. What it throws ends the session. */
  attach: (session: CameraSession<Connection>) => void
  /**
   * Sessions at a time; for one more the oldest stranger has to go, and where all are known it gets `NO_MORE_CHANNELS`.
   * Default 8.
   */
  maxSessions?: number
  /** Where sessions are counted; cameras that share one set are one camera with several doors. Default: a set of its own. */
  sessions?: Set<CameraSession<Connection>>
  /**
   * Clients at a time that have not proved yet that they may have a session; for one more the oldest is dropped, so that
   * strangers cannot keep the owner out. Default 16.
   */
  maxPending?: number
  /** How long such a proof may take; default 10,000. */
  setupTimeoutMs?: number
  /** A session without a media connection ends after so long; default 60,000. */
  connectionTimeoutMs?: number
}

/** One viewer. */
export interface CameraSession<Connection extends PeerConnection> {
  readonly channelId: string
  /** Whether the service vouches for the client. */
  readonly authorized: boolean
  /**
   * Names the secret that the client has proved to know: `default` where it names none, or where the camera has one secret
   * for every name. Undefined where nothing is signed.
   */
  readonly keyId: string | undefined
  readonly peerConnection: Connection
  /** Tells the client why in words for people, and ends the session. @param code - of `SignalingErrorCodes` */
  refuse(code: string, message: string): void
  /** What rides along with this session's descriptions; to be set in `attach`. */
  metadata: NegotiationMetadata | undefined
  /** Called once, however the session ends. */
  onclose: (() => void) | undefined
  /** Whether nobody knows yet who this is: such a session makes room when a client needs its place. Default: never. */
  isStranger: () => boolean
  /** Sees each description of the client before it is applied; what it throws ends the session. Default: anything goes. */
  checkDescription: ((description: SessionDescription) => void) | undefined
  /** Ends the session; the client is told. */
  close(): void
}

export interface Camera<Connection extends PeerConnection> {
  readonly device: SignalingDevice
  readonly sessions: ReadonlySet<CameraSession<Connection>>
  start(): void
  /** Ends every session and leaves the seat. */
  close(): void
}

/**
 * A device that lets viewers see what `attach` gives them: signaling, access, negotiation and the end of sessions.
 * @throws {TypeError} when there is neither a secret nor a demand for authorized clients nor a guard, or another dialect without a guard
 */
export function createCamera<Connection extends PeerConnection>(options: CameraOptions<Connection>, host: Host): Camera<Connection> {
  const { access } = options
  const secret = 'sharedSecret' in access ? access.sharedSecret : undefined
  const authorizedOnly: unknown = 'requireAuthorized' in access && access.requireAuthorized
  const guarded: unknown = 'guarded' in access && access.guarded
  if (secret === '' || (secret === undefined && authorizedOnly !== true && guarded !== true)) {
    throw new TypeError('a camera needs a shared secret or a guard, or must require authorized clients')
  }
  if ((options.dialects ?? []).length > 0 && guarded !== true) throw new TypeError('what comes in by another dialect has shown nothing yet: such a camera needs a guard')
  const { sessions = new Set<CameraSession<Connection>>(), maxSessions = 8, maxPending = 16, setupTimeoutMs = 10_000, connectionTimeoutMs = 60_000 } = options
  const transportOptions = (named: (keyId: string) => void): DeviceMessageTransportOptions =>
    secret === undefined
      ? { securityMode: DeviceMessageTransportSecurityMode.NONE }
      : {
          securityMode: DeviceMessageTransportSecurityMode.SHARED_SECRET,
          unsigned: guarded === true ? 'accept' : 'refuse',
          async sharedSecretCallback(keyId) {
            named(typeof secret === 'string' ? 'default' : keyId ?? 'default')
            const found = typeof secret === 'string' ? secret : await secret(keyId)
            // Anybody can sign with nothing.
            if (found === '') throw new SignalingError(SignalingErrorCodes.VERIFICATION_ERROR, 'There is no such key id.')
            return found
          },
        }
  const device = createSignalingDevice(options, host)
  /** Ends what has begun on a channel that has not proved itself yet, oldest first. */
  const pending = new Map<SignalingChannel, () => void>()

  function otherDialect(channel: SignalingChannel, first: JSONValue): MessageTransport | undefined {
    for (const dialect of options.dialects ?? []) {
      const transport = dialect(device, channel, first)
      if (transport !== undefined) return transport
    }
    return undefined
  }

  device.onNewSignalingChannel = (channel, vouched, first) => {
    let other: MessageTransport | undefined
    try {
      other = otherDialect(channel, first)
    } catch (thrown) {
      const { errorCode, errorMessage = '' } = SignalingError.fromUnknown(thrown)
      refuse(channel, errorCode, errorMessage)
      return
    }
    // Nobody but the service has signed for who opens such a channel.
    const authorized = vouched && other === undefined
    if (authorizedOnly === true && !authorized) {
      refuse(channel, SignalingErrorCodes.ACCESS_DENIED, 'This camera serves clients with an access token only.')
      return
    }
    if (pending.size >= Math.max(1, maxPending)) [...pending.values()][0]()
    pending.set(channel, end)
    let cancelTimeout = host.clock.after(setupTimeoutMs, end)
    let session: Session<Connection> | undefined
    let ended = false
    let keyId: string | undefined
    channel.on('channelstatechange', () => {
      if (channel.channelState === SignalingChannelState.FAILED || channel.channelState === SignalingChannelState.CLOSED) end()
    })
    const transport = other ?? createDeviceMessageTransport(device, channel, transportOptions((name) => { keyId = name }))
    transport.on('setupdone', (iceServers = []) => {
      if (ended) return
      pending.delete(channel)
      cancelTimeout()
      if (sessions.size >= maxSessions) [...sessions].find((other) => other.isStranger())?.close()
      if (sessions.size >= maxSessions) {
        refuse(channel, SignalingErrorCodes.NO_MORE_CHANNELS, `This camera serves ${maxSessions} viewers at a time.`)
        return
      }
      try {
        begin(iceServers)
      } catch (thrown) {
        host.log('error', 'camera.session.failed', { channelId: channel.channelId, reason: messageOf(thrown) })
        refuse(channel, SignalingErrorCodes.INTERNAL_ERROR, 'The camera could not begin a session.')
      }
    })

    function begin(iceServers: IceServer[]): void {
      const peerConnection = options.createPeerConnection({ iceServers })
      if (ended) {
        peerConnection.close()
        return
      }
      session = new Session(channel, { authorized, keyId }, peerConnection, transport, device, { refuse: (code, message) => { refuse(channel, code, message) }, close: end }, host)
      sessions.add(session)
      // Engines close a connection by themselves when the other end has.
      peerConnection.addEventListener('connectionstatechange', () => {
        if (peerConnection.connectionState === 'closed') end()
      })
      const timeout = new DeviceConnectionTimeout(connectionTimeoutMs, end, host.clock)
      timeout.registerRTCPeerConnection(peerConnection)
      cancelTimeout = () => {
        timeout.close()
      }
      host.log('info', 'camera.session.begun', { channelId: channel.channelId, authorized })
      options.attach(session)
    }

    function end(): void {
      if (ended) return
      ended = true
      pending.delete(channel)
      cancelTimeout()
      channel.close()
      if (session === undefined) return
      sessions.delete(session)
      try {
        session.end()
      } catch (thrown) {
        host.log('error', 'camera.session.failed', { channelId: channel.channelId, reason: messageOf(thrown) })
      }
      host.log('info', 'camera.session.ended', { channelId: channel.channelId })
    }
  }

  function refuse(channel: SignalingChannel, code: string, message: string): void {
    host.log('info', 'camera.session.refused', { channelId: channel.channelId, code })
    void channel.sendError(new SignalingError(code, message))
    channel.close()
  }

  return {
    device,
    sessions,
    start: () => {
      device.start()
    },
    close: () => {
      device.close()
    },
  }
}

class Session<Connection extends PeerConnection> implements CameraSession<Connection> {
  readonly channelId: string
  readonly authorized: boolean
  readonly keyId: string | undefined
  readonly peerConnection: Connection
  onclose: (() => void) | undefined
  isStranger = (): boolean => false
  checkDescription: CameraSession<Connection>['checkDescription']
  readonly refuse: CameraSession<Connection>['refuse']
  readonly close: () => void
  readonly #negotiation: PerfectNegotiation
  readonly #eventHandler: SignalingEventHandler

  constructor(
    channel: SignalingChannel, { authorized, keyId }: { authorized: boolean; keyId: string | undefined }, peerConnection: Connection,
    transport: MessageTransport, device: SignalingDevice, { refuse, close }: Pick<CameraSession<Connection>, 'refuse' | 'close'>, { log }: Host,
  ) {
    this.channelId = channel.channelId ?? ''
    this.authorized = authorized
    this.keyId = keyId
    this.peerConnection = peerConnection
    this.refuse = refuse
    this.close = close
    this.#negotiation = new PerfectNegotiation(peerConnection, transport, {
      checkDescription: (description) => {
        try {
          this.checkDescription?.(description)
        } catch (thrown) {
          close()
          throw thrown
        }
      },
    })
    this.#negotiation.onerror = (error) => {
      log('warn', 'camera.negotiation.failed', { channelId: this.channelId, reason: messageOf(error) })
      if (needsNewConnection(error)) close()
    }
    this.#eventHandler = new SignalingEventHandler(peerConnection, device)
    // An engine that cannot find a new path for a connection leaves it to the viewer to begin again.
    this.#eventHandler.onerror = close
  }

  get metadata(): NegotiationMetadata | undefined {
    return this.#negotiation.metadata
  }

  set metadata(metadata: NegotiationMetadata | undefined) {
    this.#negotiation.metadata = metadata
  }

  end(): void {
    this.#negotiation.close()
    this.#eventHandler.close()
    this.peerConnection.close()
    this.onclose?.()
  }
}
