import { SignalingError, SignalingErrorCodes } from './errors.ts'
import { isObject, type JSONObject, type JSONValue } from './json.ts'

/** An `RTCIceServer` as it stands on the wire: `urls` always a list. */
export interface IceServer {
  urls: string[]
  username?: string
  credential?: string
}

/** W3C `RTCSessionDescriptionInit`, with the SDP always there. */
export interface SessionDescription {
  type: 'offer' | 'answer' | 'pranswer' | 'rollback'
  sdp: string
}

/** W3C `RTCIceCandidateInit`, with the candidate always there. */
export interface IceCandidate {
  candidate: string
  sdpMid?: string | null
  sdpMLineIndex?: number | null
  usernameFragment?: string | null
}

export const WebrtcSignalingMessageType = { DESCRIPTION: 'DESCRIPTION', CANDIDATE: 'CANDIDATE' } as const
export type WebrtcSignalingMessageType = (typeof WebrtcSignalingMessageType)[keyof typeof WebrtcSignalingMessageType]

export interface SignalingDescription {
  type: 'DESCRIPTION'
  description: SessionDescription
  /** Names of tracks (lib/webrtc/track-metadata.ts), as it came; left out where there is nothing to say. Other peers ignore it. */
  metadata?: unknown
}

export interface SignalingCandidate {
  type: 'CANDIDATE'
  candidate: IceCandidate
}

/** What an application exchanges once a session is set up (protocol/webrtc-signaling.md §7.1). */
export type WebrtcSignalingMessage = SignalingDescription | SignalingCandidate

/** Everything that travels inside the signing envelope (§7.1). */
export type SignalingMessage =
  | { type: 'SETUP_REQUEST' }
  | { type: 'SETUP_RESPONSE'; iceServers?: IceServer[] }
  | WebrtcSignalingMessage

const MAX_ICE_SERVERS = 32
const MAX_URLS = 16
const DESCRIPTION_TYPES: readonly string[] = ['offer', 'answer', 'pranswer', 'rollback']

/**
 * Reads what came out of an envelope. Undefined for a type that is not known here, which a newer peer may send.
 * @throws {SignalingError} `DECODE_ERROR` when a known type does not have the members it needs
 */
export function decodeSignalingMessage(value: unknown): SignalingMessage | undefined {
  if (!isObject(value) || typeof value.type !== 'string') throw decodeError('a signaling message is an object with a type')
  switch (value.type) {
    case 'SETUP_REQUEST':
      return { type: 'SETUP_REQUEST' }
    case 'SETUP_RESPONSE': {
      const { iceServers = null } = value
      const decoded = iceServers === null ? undefined : decodeIceServers(iceServers)
      if (iceServers !== null && decoded === undefined) throw decodeError('iceServers is a list of servers with a list of urls')
      return { type: 'SETUP_RESPONSE', iceServers: decoded }
    }
    case 'DESCRIPTION':
      return withoutNull({ type: value.type, description: decodeDescription(value.description) as unknown as JSONValue, metadata: value.metadata as JSONValue }) as unknown as SignalingDescription
    case 'CANDIDATE':
      return { type: 'CANDIDATE', candidate: decodeCandidate(value.candidate) }
    default:
      return undefined
  }
}

/** Undefined when `value` is not a list of ICE servers, or an unreasonably long one. */
export function decodeIceServers(value: unknown): IceServer[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_ICE_SERVERS) return undefined
  const servers: IceServer[] = []
  for (const entry of value as unknown[]) {
    if (!isObject(entry)) return undefined
    const { urls, username = null, credential = null } = entry
    if (!Array.isArray(urls) || urls.length > MAX_URLS || !urls.every((url) => typeof url === 'string')) return undefined
    const server: IceServer = { urls }
    if (typeof username === 'string') server.username = username
    else if (username !== null) return undefined
    if (typeof credential === 'string') server.credential = credential
    else if (credential !== null) return undefined
    servers.push(server)
  }
  return servers
}

function decodeDescription(value: unknown): SessionDescription {
  if (!isObject(value)) throw decodeError('a DESCRIPTION has a description')
  const { type, sdp } = value
  if (typeof type !== 'string' || !DESCRIPTION_TYPES.includes(type) || typeof sdp !== 'string') {
    throw decodeError('a description has a type (offer, answer, pranswer, rollback) and an sdp')
  }
  return { type: type as SessionDescription['type'], sdp }
}

function decodeCandidate(value: unknown): IceCandidate {
  if (!isObject(value) || typeof value.candidate !== 'string') throw decodeError('a CANDIDATE has a candidate line')
  const candidate: IceCandidate = { candidate: value.candidate }
  const { sdpMid = null, sdpMLineIndex = null, usernameFragment = null } = value
  if (typeof sdpMid === 'string') candidate.sdpMid = sdpMid
  else if (sdpMid !== null) throw decodeError('sdpMid is a string')
  if (typeof sdpMLineIndex === 'number') candidate.sdpMLineIndex = sdpMLineIndex
  else if (sdpMLineIndex !== null) throw decodeError('sdpMLineIndex is a number')
  if (typeof usernameFragment === 'string') candidate.usernameFragment = usernameFragment
  else if (usernameFragment !== null) throw decodeError('usernameFragment is a string')
  return candidate
}

/**
 * The form that every known peer reads (§7.1): members in the published order, null members left out, `urls` a list,
 * `iceServers` and `sdp` always there.
 */
export function encodeSignalingMessage(message: SignalingMessage): JSONObject {
  switch (message.type) {
    case 'SETUP_REQUEST':
      return { type: message.type }
    case 'SETUP_RESPONSE':
      return { type: message.type, iceServers: (message.iceServers ?? []).map(encodeIceServer) }
    case 'DESCRIPTION':
      return withoutNull({
        type: message.type, description: { type: message.description.type, sdp: message.description.sdp }, metadata: message.metadata as JSONValue,
      })
    case 'CANDIDATE': {
      const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = message.candidate
      return { type: message.type, candidate: withoutNull({ candidate, sdpMid, sdpMLineIndex, usernameFragment }) }
    }
  }
}

/** @param server - `urls` may be a bare string, as the W3C dictionary allows */
export function encodeIceServer(server: { urls: string | string[]; username?: string; credential?: string }): JSONObject {
  const { urls, username, credential } = server
  return withoutNull({ urls: typeof urls === 'string' ? [urls] : urls, username: username === '' ? undefined : username, credential: credential === '' ? undefined : credential })
}

function withoutNull(members: Record<string, JSONValue | undefined>): JSONObject {
  const kept: JSONObject = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined && value !== null) kept[name] = value
  return kept
}

function decodeError(message: string): SignalingError {
  return new SignalingError(SignalingErrorCodes.DECODE_ERROR, message)
}
