import { isObject } from '../signaling/json.ts'

/**
 * What the `protocol` of a stream's data channel says when the client knows half close, abort and windows. A device that does
 * not know them looks at the label alone.
 */
export const STREAM_PROTOCOL = 'lenskey-stream'

/** Largest message taken from a peer that sends in one piece what we would send in several: what engines take at most. */
export const MAX_STREAM_MESSAGE_BYTES = 262_144

/** Longest control frame, in characters. */
const MAX_FRAME_CHARACTERS = 128

/**
 * Text among the bytes of a stream, between two ends that both know it (docs/streams.md).
 * - `window`: so many bytes may have been sent in all, from the first on
 * - `eof`: no more bytes come, in this direction
 * - `done`: the `eof` has come, and so has all before it
 * - `abort`: the stream is over, and what was under way is void
 */
export type StreamFrame = { readonly type: 'window'; readonly upTo: number } | { readonly type: 'eof' | 'done' | 'abort' }

/** Port of a stream's label, 0 to 2^32 - 1; undefined for a label that is none of a stream, NaN for one without a port. */
export function streamPort(label: string): number | undefined {
  const prefix = ['stream-', 'nabto-stream-'].find((start) => label.startsWith(start))
  if (prefix === undefined) return undefined
  const digits = label.slice(prefix.length)
  return /^\d{1,10}$/.test(digits) && isStreamPort(Number(digits)) ? Number(digits) : NaN
}

export function isStreamPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 0xffff_ffff
}

/** Undefined for what is no control frame. */
export function decodeStreamFrame(text: string): StreamFrame | undefined {
  if (text.length > MAX_FRAME_CHARACTERS) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { type, upTo } = value
  if (type === 'eof' || type === 'done' || type === 'abort') return { type }
  return type === 'window' && typeof upTo === 'number' && Number.isSafeInteger(upTo) && upTo >= 0 ? { type, upTo } : undefined
}

/** The longest message that a peer takes, by its description: 65,536 where it does not say (RFC 8841 §6.1), 0 is any length. */
export function maxMessageBytes(sdp = ''): number {
  const bytes = Number(/^a=max-message-size:(\d{1,15})\s*$/m.exec(sdp)?.[1] ?? 65_536)
  return bytes === 0 ? Infinity : bytes
}
