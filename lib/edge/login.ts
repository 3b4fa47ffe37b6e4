import { isObject } from '../signaling/json.ts'

/** What a browser says first to the signaling service (protocol/edge-webrtc.md §1.1). */
export interface EdgeLogin {
  productId: string
  deviceId: string
  /** Server connect token. */
  sct?: string
  /** Token for the rendezvous. */
  jwt?: string
}

const LOGIN_REQUEST = 20
const LOGIN_RESPONSE = 21
/** Characters of a token; a SCT has a dozen, and no JWT that is accepted here is longer. */
const MAX_TOKEN = 8192
const MAX_ID = 64

export const EDGE_LOGIN_RESPONSE = JSON.stringify({ type: LOGIN_RESPONSE })

export function encodeEdgeLogin({ productId, deviceId, sct, jwt }: EdgeLogin): string {
  return JSON.stringify({ type: LOGIN_REQUEST, productId, deviceId, sct, jwt })
}

/** Undefined for anything else than a login with members of the right kind. A `serverKey` is of no use to anybody any more. */
export function decodeEdgeLogin(text: string): EdgeLogin | undefined {
  const value = parseLogin(text)
  if (value?.type !== LOGIN_REQUEST) return undefined
  const { productId, deviceId, sct, jwt } = value
  if (!isShort(productId, MAX_ID) || !isShort(deviceId, MAX_ID)) return undefined
  if ((sct !== undefined && !isShort(sct, MAX_TOKEN)) || (jwt !== undefined && !isShort(jwt, MAX_TOKEN))) return undefined
  return { productId, deviceId, ...(sct !== undefined && { sct }), ...(jwt !== undefined && { jwt }) }
}

export function isEdgeLoginResponse(text: string): boolean {
  return parseLogin(text)?.type === LOGIN_RESPONSE
}

function isShort(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length <= length
}

function parseLogin(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
