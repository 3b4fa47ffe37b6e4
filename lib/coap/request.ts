import type { CoapMethod, CoapResponseCode } from './codes.ts'

/** A whole request, its blocks put together, however it travelled. */
export interface CoapRequest {
  readonly method: CoapMethod
  /** Path segments as sent, nothing decoded: `['iam', 'users', 'alice']`. */
  readonly segments: readonly string[]
  readonly query?: readonly string[]
  readonly contentFormat?: number
  /** The content format that the answer should have. */
  readonly accept?: number
  /** Empty when there is none. */
  readonly payload: Uint8Array
}

/** What a handler sees: the request, what the route found in its path, and who is asking. */
export interface RoutedRequest<Context> extends CoapRequest {
  /** Value of the path parameter `{name}`; never empty. @throws {RangeError} when the route's pattern has no such parameter */
  parameter(name: string): string
  /** Whatever the transport says about the connection: IAM's virtual connection. */
  readonly context: Context
}

/** A whole response. */
export interface CoapResponse {
  readonly code: CoapResponseCode
  /** Left out for an answer without a format, such as a diagnostic text. */
  readonly contentFormat?: number
  readonly payload?: Uint8Array
  /** For how many seconds a client may keep it; 60 when left out (RFC 7252 §5.10.5). */
  readonly maxAgeSeconds?: number
  /** 1 to 8 bytes. */
  readonly etag?: Uint8Array
}

/** Segments of a path such as `/iam/users/`: one trailing slash is tolerated. @throws {RangeError} without a leading slash */
export function coapSegments(path: string): string[] {
  if (!path.startsWith('/')) throw new RangeError('a path starts with a slash')
  const trimmed = path.endsWith('/') ? path.slice(1, -1) : path.slice(1)
  return trimmed === '' ? [] : trimmed.split('/')
}
