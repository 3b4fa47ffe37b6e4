import { decodeUtf8 } from '../bytes/index.ts'
import { type CoapResponse, isCoapSuccess } from '../coap/index.ts'
import { LenskeyError } from '../errors.ts'

/**
 * - `ERR_CLIENT_UNVERIFIED`: a credential was about to go to somebody who has not proved to be the device
 * - `ERR_CLIENT_ENDED`: the session is over; `cause` says why
 * - `ERR_CLIENT_ANSWER`: the device's answer has another form than that of protocol/iam.md §3
 * - `ERR_PAIRING_LINK`: no pairing link, or an incomplete one
 */
export type ClientErrorCode = 'ERR_CLIENT_UNVERIFIED' | 'ERR_CLIENT_ENDED' | 'ERR_CLIENT_ANSWER' | 'ERR_PAIRING_LINK'

export class ClientError extends LenskeyError {
  declare readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'ClientError'
  }
}

/**
 * - `ERR_DEVICE_FORBIDDEN` (4.03): this user, or nobody in particular, may not do it
 * - `ERR_DEVICE_UNAUTHENTICATED` (4.01): log in first
 * - `ERR_DEVICE_NOT_FOUND` (4.04): no such thing, or the device has it switched off
 * - `ERR_DEVICE_CONFLICT` (4.09): there is one already
 * - `ERR_DEVICE_REFUSED`: anything else
 */
export type RefusedErrorCode =
  | 'ERR_DEVICE_FORBIDDEN' | 'ERR_DEVICE_UNAUTHENTICATED' | 'ERR_DEVICE_NOT_FOUND' | 'ERR_DEVICE_CONFLICT' | 'ERR_DEVICE_REFUSED'

const CODES: Partial<Record<CoapResponse['code'], RefusedErrorCode>> = {
  '4.01': 'ERR_DEVICE_UNAUTHENTICATED', '4.03': 'ERR_DEVICE_FORBIDDEN', '4.04': 'ERR_DEVICE_NOT_FOUND', '4.09': 'ERR_DEVICE_CONFLICT',
}

const MAX_DIAGNOSTIC_BYTES = 256

/** The device has answered, and it was a no. */
export class RefusedError extends LenskeyError {
  declare readonly code: RefusedErrorCode
  readonly responseCode: CoapResponse['code']
  /** Why, in the words of the device; empty when it gives none. */
  readonly diagnostic: string

  constructor({ code, payload }: CoapResponse) {
    const diagnostic = diagnosticOf(payload)
    super(CODES[code] ?? 'ERR_DEVICE_REFUSED', `the device answered ${code}${diagnostic && ` ${diagnostic}`}`)
    this.name = 'RefusedError'
    this.responseCode = code
    this.diagnostic = diagnostic
  }
}

/** @throws {RefusedError} unless the code is 2.xx */
export function requireSuccess(response: CoapResponse): CoapResponse {
  if (!isCoapSuccess(response.code)) throw new RefusedError(response)
  return response
}

/** Text that the device says it is; what cannot be shown is left out. */
function diagnosticOf(payload: Uint8Array | undefined): string {
  if (payload === undefined || payload.length === 0 || payload.length > MAX_DIAGNOSTIC_BYTES) return ''
  try {
    return Array.from(decodeUtf8(payload), (character) => (isControl(character.charCodeAt(0)) ? ' ' : character)).join('')
  } catch {
    return ''
  }
}

function isControl(code: number): boolean {
  return code < 32 || (code >= 127 && code < 160)
}
