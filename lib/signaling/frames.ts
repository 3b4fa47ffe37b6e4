import { isObject, type JSONValue } from './json.ts'

/**
 * Routing frames: one JSON object per WebSocket text message (protocol/webrtc-signaling.md §3). `MESSAGE` and `ERROR` are
 * relayed between the ends of a channel; `PEER_*` come from the service; `PING` and `PONG` go one hop.
 */
export type RoutingFrame = MessageFrame | ErrorFrame | PeerFrame | AliveFrame

export interface MessageFrame {
  type: 'MESSAGE'
  channelId: string
  /** A reliability frame, see `parseReliabilityFrame`. */
  message: JSONValue
  /** Set by the service alone, towards the device: the client came with an accepted token. */
  authorized?: boolean
}

export interface ErrorFrame {
  type: 'ERROR'
  channelId: string
  error: { code: string; message?: string }
}

export interface PeerFrame {
  type: 'PEER_CONNECTED' | 'PEER_OFFLINE'
  channelId: string
}

export interface AliveFrame {
  type: 'PING' | 'PONG'
}

/** Services use UUIDs and the like; a longer one would be repeated in every frame and log line. */
const MAX_CHANNEL_ID_LENGTH = 128

export function isChannelId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_CHANNEL_ID_LENGTH
}

/**
 * Reads one frame. Undefined for what is to be ignored: malformed JSON, unknown types, missing members. Unknown members
 * are dropped. A `MESSAGE` that carries an `error` instead of a message is what one vendor SDK sends for `ERROR` (§3).
 */
export function parseRoutingFrame(text: string): RoutingFrame | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { type, channelId } = value
  if (type === 'PING' || type === 'PONG') return { type }
  if (!isChannelId(channelId)) return undefined
  switch (type) {
    case 'MESSAGE':
      if (value.message === undefined) return parseError(channelId, value.error)
      return { type, channelId, message: value.message as JSONValue, authorized: value.authorized === true }
    case 'ERROR':
      return parseError(channelId, value.error)
    case 'PEER_CONNECTED':
    case 'PEER_OFFLINE':
      return { type, channelId }
    default:
      return undefined
  }
}

function parseError(channelId: string, error: unknown): ErrorFrame | undefined {
  if (!isObject(error) || typeof error.code !== 'string') return undefined
  const { code, message } = error
  return { type: 'ERROR', channelId, error: typeof message === 'string' ? { code, message } : { code } }
}

/** Frames of the reliability layer, carried in `MESSAGE` (§4). */
export type ReliabilityFrame = { type: 'DATA'; seq: number; data: JSONValue } | { type: 'ACK'; seq: number }

/** Undefined when `value` is no reliability frame. Unknown members are dropped. */
export function parseReliabilityFrame(value: unknown): ReliabilityFrame | undefined {
  if (!isObject(value)) return undefined
  const { type, seq, data } = value
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return undefined
  if (type === 'ACK') return { type, seq }
  return type === 'DATA' && data !== undefined ? { type, seq, data: data as JSONValue } : undefined
}
