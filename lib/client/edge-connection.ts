import { ChallengeError } from '../access/index.ts'
import { type CoapClient, type CoapMethod, type CoapResponse, createCoapClient } from '../coap/index.ts'
import {
  createEdgeClientSession, EDGE_SIGNALING_PATH, EdgeCloseCodes, type EdgeStream, errorCodeOfClose, NabtoWebrtcErrorCode, openEdgeSocket,
} from '../edge/index.ts'
import { messageOf } from '../errors.ts'
import { authenticatePassword } from '../iam/index.ts'
import type { Host } from '../runtime/index.ts'
import type { CreatePeerConnection, PeerConnection, TrackEntry, TrackMetadata } from '../webrtc/index.ts'
import { keepDeviceChannel } from './device-channel.ts'
import { createProof, type Proof } from './proof.ts'

/** Why a session ended or never began, as the published client says it (protocol/edge-webrtc.md §9). */
export class NabtoWebrtcError extends Error {
  readonly code: NabtoWebrtcErrorCode
  override readonly cause?: unknown

  constructor(message: string, code: NabtoWebrtcErrorCode, cause?: unknown) {
    super(message)
    this.name = 'NabtoWebrtcError'
    this.code = code
    if (cause !== undefined) this.cause = cause
  }
}

export interface EdgeConnectionOptions {
  productId: string
  deviceId: string
  /** Server connect token; a service that asks for none does not look at it. */
  sct?: string
  /** Token for the rendezvous, instead. */
  jwt?: string
  /** Default `wss://<productId>.signaling.nabto.net`. */
  signalingServerUrl?: string
}

export interface EdgeConnectionParts<Connection extends PeerConnection> {
  createPeerConnection: CreatePeerConnection<Connection>
  /** Called before anything is negotiated: listen for tracks here. */
  attach: (peerConnection: Connection, tracks: TrackMetadata) => void
  /** The session is over; only after it was there. */
  closed: (reason: NabtoWebrtcError | undefined) => void
  /** The sections of a connection, whose tracks are told of. */
  mids?: (peerConnection: Connection) => readonly string[]
  /** What the device has said of tracks, each time it says something. */
  told?: (tracks: readonly TrackEntry[]) => void
  /** From the call to the open channel for requests; default 60,000. */
  connectMs?: number
}

/** A session with a device over the Edge dialect: what is alike in browsers and elsewhere. */
export interface EdgeConnection<Connection extends PeerConnection> {
  readonly peerConnection: Connection | undefined
  /** What both ends say of their tracks. */
  readonly tracks: TrackMetadata | undefined
  /** Resolves when requests go through. @throws {NabtoWebrtcError} */
  connect(): Promise<void>
  close(): void
  /** Any answer resolves. @throws {LenskeyError} as `CoapClient.request` */
  request: CoapClient['request']
  invoke(method: CoapMethod, path: string, contentFormat?: number, payload?: Uint8Array): Promise<CoapResponse>
  /** Logs in by password, bound to the certificates of this connection. @throws {PasswordError} {SdpFingerprintError} */
  authenticate(username: string, password: string): Promise<void>
  /**
   * Whether the device with this fingerprint is at the other end of this very connection: all claims are checked (§5).
   * @throws {ChallengeError} `ERR_CHALLENGE_UNSUPPORTED`, `ERR_CHALLENGE_REFUSED`: the device gave no proof
   */
  validate(fingerprint: string): Promise<boolean>
}

const UNANSWERED: readonly string[] = ['ERR_CHALLENGE_UNSUPPORTED', 'ERR_CHALLENGE_REFUSED']
const LOST: readonly string[] = ['disconnected', 'failed', 'closed']

export function createEdgeConnection<Connection extends PeerConnection>(
  options: EdgeConnectionOptions, parts: EdgeConnectionParts<Connection>, host: Host,
): EdgeConnection<Connection> {
  const coap = createCoapClient(host)
  let peerConnection: Connection | undefined
  let tracks: TrackMetadata | undefined
  let proof: Proof | undefined
  let isOpen = false
  let over = false
  const cleanUp: (() => void)[] = []
  let settle: { resolve: () => void; reject: (reason: NabtoWebrtcError) => void } | undefined

  function end(reason: NabtoWebrtcError | undefined): void {
    if (over) return
    over = true
    for (const step of cleanUp.reverse()) step()
    coap.close()
    settle?.reject(reason ?? new NabtoWebrtcError('closed before it was connected', NabtoWebrtcErrorCode.DEVICE_CLOSED))
    if (isOpen) parts.closed(reason)
  }
  const fail = (message: string, code: NabtoWebrtcErrorCode, cause?: unknown): void => {
    end(new NabtoWebrtcError(message, code, cause))
  }

  function begin(stream: EdgeStream): void {
    cleanUp.push(createEdgeClientSession<Connection>(stream, {
      createPeerConnection: parts.createPeerConnection,
      mids: () => (peerConnection === undefined ? [] : parts.mids?.(peerConnection) ?? []),
      attach: begun,
      told: parts.told,
      failed: (thrown) => { fail(messageOf(thrown), NabtoWebrtcErrorCode.UNKNOWN, thrown) },
    }, host))
  }

  function begun(pc: Connection, names: TrackMetadata): void {
    peerConnection = pc
    tracks = names
    proof = createProof(pc, coap, host, (thrown) => { fail(messageOf(thrown), NabtoWebrtcErrorCode.UNKNOWN, thrown) })
    const lost = (): void => {
      const state = LOST.find((name) => name === pc.iceConnectionState || name === pc.connectionState)
      if (state !== undefined) fail(`the connection to the device is ${state}`, NabtoWebrtcErrorCode.DEVICE_CLOSED)
    }
    pc.addEventListener('iceconnectionstatechange', lost)
    pc.addEventListener('connectionstatechange', lost)
    parts.attach(pc, names)
    const channel = keepDeviceChannel(pc, coap, host.clock, () => {
      isOpen = true
      settle?.resolve()
    })
    cleanUp.push(() => {
      pc.removeEventListener('iceconnectionstatechange', lost)
      pc.removeEventListener('connectionstatechange', lost)
      channel.close()
      proof?.close()
    })
  }

  function session(): Proof {
    if (proof === undefined || over) throw new Error('Not Connected')
    return proof
  }

  return {
    get peerConnection() {
      return peerConnection
    },
    get tracks() {
      return tracks
    },
    connect: () => new Promise((resolve, reject) => {
      const { productId, deviceId, sct, jwt, signalingServerUrl = `wss://${productId}.signaling.nabto.net`, ...rest } = { ...options, ...parts }
      settle = { resolve, reject }
      const cancel = host.clock.after(rest.connectMs ?? 60_000, () => {
        if (!isOpen) fail('no connection to the device came up in time', NabtoWebrtcErrorCode.CONNECTION_TIMEOUT)
      })
      cleanUp.push(cancel, openEdgeSocket(signalingServerUrl.replace(/\/+$/, '') + EDGE_SIGNALING_PATH, { productId, deviceId, sct, jwt }, {
        opened: begin,
        closed(code, reason) {
          const text = reason === '' ? `the signaling service closed the connection (${code})` : reason
          fail(text, code === EdgeCloseCodes.deviceClosed ? NabtoWebrtcErrorCode.DEVICE_CLOSED : errorCodeOfClose(code))
        },
      }, host))
    }),
    close: () => { end(undefined) },
    request: (method, path, request) => coap.request(method, path, request),
    invoke: (method, path, contentFormat, payload) => coap.request(method, path, { contentFormat, payload }),
    async authenticate(username, password) {
      await authenticatePassword(coap, username, password, session().fingerprints(), host)
    },
    async validate(fingerprint) {
      try {
        await session().verify(fingerprint)
        return true
      } catch (thrown) {
        if (thrown instanceof ChallengeError && !UNANSWERED.includes(thrown.code)) return false
        throw thrown
      }
    },
  }
}
