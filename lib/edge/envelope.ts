import { isObject, type JSONValue } from '../signaling/json.ts'

/**
 * How an Edge stream travels over a channel of the rendezvous (docs/edge.md). The first message of the channel says that it
 * is one; a device that does not know them answers DECODE_ERROR or VERIFICATION_ERROR. It answers with the same message once
 * it has accepted; from then on both send records.
 */
export type EdgeEnvelope =
  | { readonly type: 'EDGE'; readonly version: 1 }
  /** One record: the text of the WebSocket, as it came. */
  | { readonly type: 'EDGE'; readonly record: string }

export const EDGE_OPEN = { type: 'EDGE', version: 1 } as const

export function encodeEdgeRecordEnvelope(record: string): JSONValue {
  return { type: 'EDGE', record }
}

/** Undefined for what is none. */
export function decodeEdgeEnvelope(value: unknown): EdgeEnvelope | undefined {
  if (!isObject(value) || value.type !== 'EDGE') return undefined
  if (typeof value.record === 'string') return { type: 'EDGE', record: value.record }
  return value.version === 1 ? EDGE_OPEN : undefined
}
