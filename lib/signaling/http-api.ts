import { decodeUtf8 } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { Host, HttpResponse } from '../runtime/index.ts'
import { parseRetryAfter } from './back-off.ts'
import { DeviceIdNotFoundError, HttpError, ProductIdNotFoundError, TooManyRequestsError } from './errors.ts'
import { isChannelId } from './frames.ts'
import { isObject } from './json.ts'
import { decodeIceServers, type IceServer } from './messages.ts'

const MAX_ANSWER_BYTES = 65_536

/** Where a service is and which device is meant. */
export interface Endpoint {
  /** Without a slash at its end. */
  url: string
  productId: string
  deviceId: string
}

/** IDs are compared without case; they travel in lower case (protocol/webrtc-signaling.md §0). */
export function endpointOf(options: { productId: string; deviceId: string; endpointUrl?: string }): Endpoint {
  const productId = options.productId.toLowerCase()
  const deviceId = options.deviceId.toLowerCase()
  const url = options.endpointUrl ?? `https://${productId}.webrtc.nabto.net`
  return { url: url.replace(/\/+$/, ''), productId, deviceId }
}

export interface ClientConnectAnswer {
  signalingUrl: string
  /** Undefined when the service did not say. */
  deviceOnline: boolean | undefined
  channelId: string
}

/**
 * `POST /v1/device/connect` (§2): proves the device's identity, gets the address of its seat.
 * @throws {HttpError} any status outside 200–299; {LenskeyError} `ERR_SIGNALING_ANSWER` an answer that is not as described
 */
export async function connectDevice(host: Pick<Host, 'http' | 'clock'>, endpoint: Endpoint, token: string): Promise<string> {
  return webSocketUrl(await post(host, endpoint, '/v1/device/connect', token))
}

/** `POST /v1/client/connect` (§2): asks for a channel to a device. Throws as `connectDevice` does. */
export async function connectClient(host: Pick<Host, 'http' | 'clock'>, endpoint: Endpoint, token?: string): Promise<ClientConnectAnswer> {
  const answer = await post(host, endpoint, '/v1/client/connect', token)
  const { channelId, deviceOnline } = answer
  if (!isChannelId(channelId) || channelId === '') throw badAnswer('a client connect answer needs a channelId')
  return { signalingUrl: webSocketUrl(answer), channelId, deviceOnline: typeof deviceOnline === 'boolean' ? deviceOnline : undefined }
}

/** `POST /v1/ice-servers` (§2). Throws as `connectDevice` does. */
export async function fetchIceServers(host: Pick<Host, 'http' | 'clock'>, endpoint: Endpoint, token?: string): Promise<IceServer[]> {
  const { iceServers } = await post(host, endpoint, '/v1/ice-servers', token)
  const decoded = decodeIceServers(iceServers)
  if (decoded === undefined) throw badAnswer('an ICE servers answer needs a list of servers, each with a list of urls')
  return decoded
}

async function post(host: Pick<Host, 'http' | 'clock'>, endpoint: Endpoint, path: string, token?: string): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  const { productId, deviceId } = endpoint
  const response = await host.http.request({
    method: 'POST',
    url: endpoint.url + path,
    headers,
    body: JSON.stringify({ deviceId, productId }),
    maxBodyBytes: MAX_ANSWER_BYTES,
  })
  const answer = parseAnswer(response)
  if (response.status < 200 || response.status > 299) throw errorOf(response, answer, host.clock.nowMs())
  if (answer === undefined) throw badAnswer(`${path} did not answer with a JSON object`)
  return answer
}

function parseAnswer({ body }: HttpResponse): Record<string, unknown> | undefined {
  try {
    const answer: unknown = JSON.parse(decodeUtf8(body))
    return isObject(answer) ? answer : undefined
  } catch {
    return undefined
  }
}

/** §2.1: the two codes are matched whatever the status is. */
function errorOf(response: HttpResponse, answer: Record<string, unknown> | undefined, nowMs: number): HttpError {
  const { status } = response
  const message = typeof answer?.message === 'string' ? answer.message.slice(0, 300) : `the signaling service answered with status ${status}`
  if (answer?.code === 'PRODUCT_ID_NOT_FOUND') return new ProductIdNotFoundError(status, message)
  if (answer?.code === 'DEVICE_ID_NOT_FOUND') return new DeviceIdNotFoundError(status, message)
  if (status === 429) return new TooManyRequestsError(message, parseRetryAfter(response.header('retry-after'), nowMs))
  return new HttpError(status, message)
}

function webSocketUrl({ signalingUrl }: Record<string, unknown>): string {
  if (typeof signalingUrl !== 'string' || !/^wss?:\/\//i.test(signalingUrl)) throw badAnswer('a connect answer needs a signalingUrl with the scheme ws or wss')
  return signalingUrl
}

function badAnswer(message: string): LenskeyError {
  return new LenskeyError('ERR_SIGNALING_ANSWER', message)
}
