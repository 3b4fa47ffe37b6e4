import { type CoapMethod, isCoapResponseCode } from './codes.ts'
import type { CoapResponseCode } from './codes.ts'

/** A request as it travels in a text frame (protocol/edge-webrtc.md §4.1). */
export interface JsonRequest {
  /** Chosen by the client, echoed in the answer. */
  requestId: string
  method: JsonMethod
  path: string
  contentFormat?: number
  payload?: Uint8Array
}

export interface JsonResponse {
  requestId: string
  /** Undefined when the request itself was refused. */
  code?: CoapResponseCode
  contentFormat?: number
  payload: Uint8Array
  /** Why the request was refused, if it was. */
  error?: string
}

export type JsonMethod = Extract<CoapMethod, 'GET' | 'POST' | 'PUT' | 'DELETE'>

const methods: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE']
const REQUEST = 0
const RESPONSE = 1
/** 65,536 bytes of payload as numbers, and the members around them. */
const MAX_TEXT = 270_000
const MAX_REQUEST_ID = 256

/**
 * Reads a request. A payload may be in the form of Node's Buffer or a plain array; in any other shape there is none.
 * @returns undefined for text that is no request and gets no answer; `refusal` is the answer to a request that is broken
 */
export function decodeJsonRequest(text: string): { request: JsonRequest } | { refusal: string } | undefined {
  const frame = parse(text)
  if (frame?.type !== REQUEST) return undefined
  const requestId = typeof frame.requestId === 'string' && frame.requestId.length <= MAX_REQUEST_ID ? frame.requestId : undefined
  const { method, path, contentType } = frame
  const refuse = (error: string): { refusal: string } => ({ refusal: JSON.stringify({ type: RESPONSE, requestId: requestId ?? '', error }) })
  if (requestId === undefined || typeof path !== 'string' || !path.startsWith('/')) return refuse('')
  if (typeof method !== 'string' || !methods.includes(method)) return refuse('Invalid method')
  const payload = payloadOf(frame.payload)
  if (payload === 'broken' || !(contentType === undefined || contentType === null || isFormat(contentType))) return refuse('')
  const request: JsonRequest = { requestId, method: method as JsonMethod, path }
  if (isFormat(contentType)) request.contentFormat = contentType
  if (payload !== undefined) request.payload = payload
  return { request }
}

/** The payload goes out in the form of Node's Buffer, which is the one that every device reads. */
export function encodeJsonRequest({ requestId, method, path, contentFormat, payload }: JsonRequest): string {
  const data = payload === undefined || payload.length === 0 ? undefined : { type: 'Buffer', data: Array.from(payload) }
  return JSON.stringify({ type: REQUEST, requestId, method, path, contentType: data && (contentFormat ?? 0), payload: data })
}

export function encodeJsonResponse(requestId: string, code: CoapResponseCode, contentFormat: number | undefined, payload: Uint8Array): string {
  const statusCode = Number(code.replace('.', ''))
  return JSON.stringify({ type: RESPONSE, requestId, statusCode, contentType: contentFormat ?? 0, payload: Array.from(payload) })
}

/** @returns undefined for text that is no response */
export function decodeJsonResponse(text: string): JsonResponse | undefined {
  const frame = parse(text)
  if (frame?.type !== RESPONSE || typeof frame.requestId !== 'string') return undefined
  const { requestId, statusCode, contentType, error } = frame
  const payload = payloadOf(frame.payload)
  if (payload === 'broken') return undefined
  const found: JsonResponse = { requestId, payload: payload ?? new Uint8Array(0) }
  if (typeof statusCode === 'number') {
    const code = `${Math.floor(statusCode / 100)}.${String(statusCode % 100).padStart(2, '0')}`
    if (!isCoapResponseCode(code)) return undefined
    found.code = code
  }
  if (isFormat(contentType)) found.contentFormat = contentType
  if (typeof error === 'string') found.error = error
  return found.code === undefined && found.error === undefined ? undefined : found
}

function parse(text: string): Record<string, unknown> | undefined {
  if (text.length > MAX_TEXT) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined
  } catch {
    return undefined
  }
}

function isFormat(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff
}

function payloadOf(value: unknown): Uint8Array | 'broken' | undefined {
  const list = Array.isArray(value) ? value : typeof value === 'object' && value !== null ? (value as { data?: unknown }).data : undefined
  if (!Array.isArray(list)) return undefined
  const bytes = new Uint8Array(list.length)
  for (let at = 0; at < list.length; at++) {
    const byte: unknown = list[at]
    if (typeof byte !== 'number' || !Number.isInteger(byte) || byte < 0 || byte > 255) return 'broken'
    bytes[at] = byte
  }
  return bytes
}
