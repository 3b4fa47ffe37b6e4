import { decodeIceServers, type IceCandidate, type IceServer } from '../signaling/messages.ts'
import { isObject } from '../signaling/json.ts'

/** Numbers of the messages (protocol/edge-webrtc.md §2.2); 20 and 21 are for the service alone (`login.ts`). */
export const edgeMessageTypes = { offer: 0, answer: 1, ice: 2, turnRequest: 3, turnResponse: 4 } as const

/** A message of the signaling stream. What `data` holds as text of JSON is unpacked here. */
export type EdgeMessage =
  | {
      readonly type: typeof edgeMessageTypes.offer | typeof edgeMessageTypes.answer
      /** Its own type counts; the number only says that it is a description. */
      readonly description: { readonly type: 'offer' | 'answer'; readonly sdp: string }
      /** As it came: `TrackMetadata` reads of it what makes sense. */
      readonly metadata?: unknown
    }
  | { readonly type: typeof edgeMessageTypes.ice; readonly candidate: IceCandidate; readonly metadata?: unknown }
  | { readonly type: typeof edgeMessageTypes.turnRequest }
  | { readonly type: typeof edgeMessageTypes.turnResponse; readonly iceServers: IceServer[] }

const MAX_SERVERS = 32

/** Undefined for what is to be dropped: no JSON, an unknown type, members missing or of another kind. */
export function decodeEdgeMessage(text: string): EdgeMessage | undefined {
  const value = parse(text)
  if (value === undefined) return undefined
  switch (value.type) {
    case edgeMessageTypes.offer:
    case edgeMessageTypes.answer: {
      const { type, sdp } = innerOf(value) ?? {}
      if ((type !== 'offer' && type !== 'answer') || typeof sdp !== 'string') return undefined
      return { type: value.type, description: { type, sdp }, metadata: value.metadata }
    }
    case edgeMessageTypes.ice: {
      const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = innerOf(value) ?? {}
      // Without a mid no device knows where it belongs (§2.2).
      if (typeof candidate !== 'string' || typeof sdpMid !== 'string') return undefined
      const found: IceCandidate = { candidate, sdpMid }
      if (typeof sdpMLineIndex === 'number') found.sdpMLineIndex = sdpMLineIndex
      if (typeof usernameFragment === 'string') found.usernameFragment = usernameFragment
      return { type: value.type, candidate: found, metadata: value.metadata }
    }
    case edgeMessageTypes.turnRequest:
      return { type: value.type }
    case edgeMessageTypes.turnResponse: {
      const { iceServers = null, servers = null } = value
      const decoded = iceServers === null ? decodeOldServers(servers) : decodeIceServers(iceServers)
      return decoded && { type: value.type, iceServers: decoded }
    }
    default:
      return undefined
  }
}

/** Members in the published order; a device's server lists in both shapes (§2.3). */
export function encodeEdgeMessage(message: EdgeMessage): string {
  const { type } = message
  switch (type) {
    case edgeMessageTypes.offer:
    case edgeMessageTypes.answer: {
      const { type: inner, sdp } = message.description
      return JSON.stringify({ type, data: JSON.stringify({ type: inner, sdp }), metadata: message.metadata })
    }
    case edgeMessageTypes.ice:
      return JSON.stringify({ type, data: JSON.stringify(message.candidate), metadata: message.metadata })
    case edgeMessageTypes.turnRequest:
      return JSON.stringify({ type })
    case edgeMessageTypes.turnResponse: {
      const iceServers = message.iceServers.map(({ urls, username, credential }) => ({
        urls, ...(isText(username) && { username }), ...(isText(credential) && { credential }),
      }))
      return JSON.stringify({ type, servers: message.iceServers.map(oldServer), iceServers })
    }
  }
}

const isText = (text: string | undefined): boolean => text !== undefined && text !== ''

function oldServer({ urls: [hostname = ''], username = '', credential = '' }: IceServer): Record<string, string | number> {
  return { hostname, port: 0, username, password: credential }
}

/** One entry that is wrong makes all of it wrong, as with the newer shape. */
function decodeOldServers(value: unknown): IceServer[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_SERVERS) return undefined
  const servers: IceServer[] = []
  for (const entry of value as unknown[]) {
    if (!isObject(entry)) return undefined
    const { hostname, username, password } = entry
    if (typeof hostname !== 'string' || typeof username !== 'string' || typeof password !== 'string') return undefined
    servers.push({ urls: [hostname], ...(username !== '' && { username }), ...(password !== '' && { credential: password }) })
  }
  return servers
}

function innerOf({ data }: Record<string, unknown>): Record<string, unknown> | undefined {
  return typeof data === 'string' ? parse(data) : undefined
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
