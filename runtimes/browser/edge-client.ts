// The browser client of the Edge dialect under its published names (protocol/edge-webrtc.md §9): a page changes an import.
import { encodeUtf8 } from '../../lib/bytes/index.ts'
import { contentFormats } from '../../lib/coap/index.ts'
import { createEdgeConnection, type EdgeConnection, NabtoWebrtcError } from '../../lib/client/edge-connection.ts'
import { createEdgeUser, edgeMe, edgeRoles, type EdgeIamUser } from '../../lib/client/edge-iam.ts'
import { NabtoWebrtcErrorCode } from '../../lib/edge/index.ts'
import { generatePassword } from '../../lib/iam/secrets.ts'
import type { PeerConnection, TrackError } from '../../lib/webrtc/index.ts'
import { browserRandom, createBrowserHost } from './host.ts'

export { NabtoWebrtcError, NabtoWebrtcErrorCode }
export type { EdgeIamUser as IamUser }

export const CoapMethod = { GET: 'GET', POST: 'POST', PUT: 'PUT', DELETE: 'DELETE' } as const
export type CoapMethod = (typeof CoapMethod)[keyof typeof CoapMethod]

export const CoapContentFormat = {
  TEXT_PLAIN_UTF8: contentFormats.text,
  APPLICATION_LINK_FORMAT: contentFormats.linkFormat,
  XML: contentFormats.xml,
  APPLICATION_OCTET_STREAM: contentFormats.octetStream,
  APPLICATION_JSON: contentFormats.json,
  APPLICATION_CBOR: contentFormats.cbor,
} as const
export type CoapContentFormat = (typeof CoapContentFormat)[keyof typeof CoapContentFormat]

export interface CoapResponse {
  /** Such as 205. */
  statusCode: number
  contentFormat?: number
  payload?: Uint8Array
}

export interface ConnectionOptions {
  productId: string
  deviceId: string
  /** Server connect token. */
  sct: string
  /** Default `wss://<productId>.signaling.nabto.net`. */
  signalingServerUrl?: string
}

export type OnClosedCallback = (error?: NabtoWebrtcError) => void
export type OnTrackErrorCallback = (trackId: string, error: TrackError) => void
export type OnTrackCallback = (event: RTCTrackEvent, trackId?: string, error?: string) => void

/** A session with a device. */
export interface EdgeWebrtcConnection {
  /** Before `connect`. */
  setConnectionOptions(options: ConnectionOptions): void
  /** Once. Resolves when requests go through; rejects with {@link NabtoWebrtcError}. */
  connect(): Promise<void>
  close(): Promise<void>
  /** Called once, when a session that was there has ended. */
  onClosed(callback: OnClosedCallback): void
  onTrack(callback: OnTrackCallback): void
  /**
   * Called once for each track that will not flow, with the reason (§2.4). The published client has no such call, and a track of
   * ours that is refused makes no event `track`.
   */
  onTrackError(callback: OnTrackErrorCallback): void
  coapInvoke(method: CoapMethod, path: string, contentFormat?: number, payload?: ArrayBuffer | Uint8Array | string): Promise<CoapResponse>
  passwordAuthenticate(username: string, password: string): Promise<void>
  /** Whether the device with this fingerprint is at the other end, and nobody between. */
  validateFingerprint(fingerprint: string): Promise<boolean>
  addTrack(track: MediaStreamTrack, trackId: string): Promise<void>
  createDatachannel(label: string): Promise<RTCDataChannel>
}

export function createEdgeWebrtcConnection(): EdgeWebrtcConnection {
  return new BrowserConnection()
}

type NativeConnection = RTCPeerConnection & PeerConnection

class BrowserConnection implements EdgeWebrtcConnection {
  #options: ConnectionOptions | undefined
  #connection: EdgeConnection<NativeConnection> | undefined
  #isOpen = false
  #onClosed: OnClosedCallback | undefined
  #onTrack: OnTrackCallback | undefined
  #onTrackError: OnTrackErrorCallback | undefined
  /** Sections whose error has been told: a device says it again with each description. */
  readonly #refused = new Set<string>()

  setConnectionOptions(options: ConnectionOptions): void {
    this.#options = options
  }

  onClosed(callback: OnClosedCallback): void {
    this.#onClosed = callback
  }

  onTrack(callback: OnTrackCallback): void {
    this.#onTrack = callback
  }

  onTrackError(callback: OnTrackErrorCallback): void {
    this.#onTrackError = callback
  }

  async connect(): Promise<void> {
    if (this.#connection !== undefined) throw new Error('connect() may be called once')
    if (this.#options === undefined) throw new Error('Missing connection options')
    const connection = (this.#connection = createEdgeConnection<NativeConnection>(this.#options, {
      createPeerConnection: ({ iceServers }) => new RTCPeerConnection({ iceServers }),
      mids: (pc) => pc.getTransceivers().flatMap(({ mid }) => mid ?? []),
      attach: (pc, tracks) => {
        pc.addEventListener('track', (event: RTCTrackEvent) => {
          const { trackId, error } = tracks.find(event.transceiver.mid ?? '') ?? {}
          this.#onTrack?.(event, trackId, error)
        })
      },
      told: (tracks) => {
        for (const { mid, trackId, error } of tracks) {
          if (error === undefined || this.#refused.has(mid)) continue
          this.#refused.add(mid)
          this.#onTrackError?.(trackId, error)
        }
      },
      closed: (reason) => {
        this.#isOpen = false
        this.#onClosed?.(reason)
      },
    }, createBrowserHost()))
    await connection.connect()
    this.#isOpen = true
  }

  close(): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return Promise.reject(new Error('Not Connected'))
    connection.close()
    return Promise.resolve()
  }

  async coapInvoke(method: CoapMethod, path: string, contentFormat?: number, payload?: ArrayBuffer | Uint8Array | string): Promise<CoapResponse> {
    const answer = await this.#open().invoke(method, path, contentFormat, payload === undefined ? undefined : bytesOf(payload))
    return {
      statusCode: Number(answer.code.replace('.', '')),
      contentFormat: answer.contentFormat ?? contentFormats.text,
      payload: answer.payload ?? new Uint8Array(0),
    }
  }

  passwordAuthenticate(username: string, password: string): Promise<void> {
    return this.#open().authenticate(username, password)
  }

  async validateFingerprint(fingerprint: string): Promise<boolean> {
    return this.#open().validate(fingerprint)
  }

  async addTrack(track: MediaStreamTrack, trackId: string): Promise<void> {
    const { peerConnection, tracks } = this.#open()
    if (peerConnection === undefined || tracks === undefined) throw new Error('Not Connected')
    const mid = tracks.midOf(trackId)
    const known = mid === undefined ? undefined : peerConnection.getTransceivers().find((transceiver) => transceiver.mid === mid)
    if (known === undefined) {
      tracks.name(peerConnection.addTransceiver(track), trackId)
    } else {
      known.direction = 'sendrecv'
      await known.sender.replaceTrack(track)
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- rejects where the published client rejects
  async createDatachannel(label: string): Promise<RTCDataChannel> {
    const { peerConnection } = this.#open()
    if (peerConnection === undefined) throw new Error('Not Connected')
    return (peerConnection).createDataChannel(label)
  }

  #open(): EdgeConnection<NativeConnection> {
    if (this.#connection === undefined || !this.#isOpen) throw new Error('Not Connected')
    return this.#connection
  }
}

function bytesOf(payload: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof payload === 'string') return encodeUtf8(payload)
  return payload instanceof Uint8Array ? payload : new Uint8Array(payload)
}

/** The endpoints of IAM that pages use most. */
export interface EdgeWebrtcIamUtil {
  /** Makes a user with a role and a new password. */
  createUser(connection: EdgeWebrtcConnection, username: string, role: string): Promise<EdgeIamUser>
  listIamRoles(connection: EdgeWebrtcConnection): Promise<string[]>
  getMe(connection: EdgeWebrtcConnection): Promise<EdgeIamUser>
}

export function createEdgeWebrtcIamUtil(): EdgeWebrtcIamUtil {
  const sender = (connection: EdgeWebrtcConnection): Parameters<typeof edgeMe>[0] => async (method, path, { contentFormat, payload } = {}) => {
    const answer = await connection.coapInvoke(method as CoapMethod, path, contentFormat, payload)
    const code = `${Math.floor(answer.statusCode / 100)}.${String(answer.statusCode % 100).padStart(2, '0')}`
    return { code: code as Awaited<ReturnType<Parameters<typeof edgeMe>[0]>>['code'], contentFormat: answer.contentFormat, payload: answer.payload }
  }
  return {
    createUser: (connection, username, role) => createEdgeUser(sender(connection), username, role, generatePassword(browserRandom)),
    listIamRoles: (connection) => edgeRoles(sender(connection)),
    getMe: (connection) => edgeMe(sender(connection)),
  }
}
