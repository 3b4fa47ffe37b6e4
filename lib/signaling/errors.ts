import { LenskeyError } from '../errors.ts'

/** Codes that travel in `ERROR` frames (protocol/webrtc-signaling.md §5.2). Applications may send any other string. */
export const SignalingErrorCodes = {
  /** A frame or a transport message that does not follow its schema. */
  DECODE_ERROR: 'DECODE_ERROR',
  /** Signature, sequence or nonce failed, or the wrong kind of signing was used. */
  VERIFICATION_ERROR: 'VERIFICATION_ERROR',
  /** Orderly end of a live channel. */
  CHANNEL_CLOSED: 'CHANNEL_CLOSED',
  /** The device does not know the channel and the frame does not begin one. */
  CHANNEL_NOT_FOUND: 'CHANNEL_NOT_FOUND',
  /** The device serves as many channels as it can. */
  NO_MORE_CHANNELS: 'NO_MORE_CHANNELS',
  /** Refused by the device's authorization. */
  ACCESS_DENIED: 'ACCESS_DENIED',
  INTERNAL_ERROR: 'INTERNAL_ERROR',
} as const
export type SignalingErrorCodes = (typeof SignalingErrorCodes)[keyof typeof SignalingErrorCodes]

/** An error that ended a channel, raised here or received from the peer. */
export class SignalingError extends LenskeyError {
  readonly errorCode: string
  readonly errorMessage: string | undefined

  constructor(errorCode: string, errorMessage?: string, cause?: unknown) {
    super('ERR_SIGNALING_CHANNEL', errorMessage === undefined || errorMessage === '' ? errorCode : `${errorCode}: ${errorMessage}`, { cause })
    this.name = 'SignalingError'
    this.errorCode = errorCode
    this.errorMessage = errorMessage
  }

  /** What to tell the peer about anything thrown: its own words if it is a `SignalingError`, else no detail. */
  static fromUnknown(thrown: unknown): SignalingError {
    if (thrown instanceof SignalingError) return thrown
    return new SignalingError(SignalingErrorCodes.INTERNAL_ERROR, 'An internal error occurred.', thrown)
  }
}

/** The service answered a request with a status outside 200–299 (§2.1). */
export class HttpError extends LenskeyError {
  readonly statusCode: number

  constructor(statusCode: number, message: string, code = 'ERR_SIGNALING_HTTP') {
    super(code, message)
    this.name = 'HttpError'
    this.statusCode = statusCode
  }
}

export class ProductIdNotFoundError extends HttpError {
  constructor(statusCode: number, message: string) {
    super(statusCode, message, 'ERR_SIGNALING_PRODUCT_ID_NOT_FOUND')
    this.name = 'ProductIdNotFoundError'
  }
}

export class DeviceIdNotFoundError extends HttpError {
  constructor(statusCode: number, message: string) {
    super(statusCode, message, 'ERR_SIGNALING_DEVICE_ID_NOT_FOUND')
    this.name = 'DeviceIdNotFoundError'
  }
}

/** Status 429 (§2.2). */
export class TooManyRequestsError extends HttpError {
  /** How long the service asks us to stay away; undefined when it asks for nothing in particular. */
  readonly retryAfterSeconds: number | undefined

  constructor(message: string, retryAfterSeconds: number | undefined) {
    super(429, message, 'ERR_SIGNALING_TOO_MANY_REQUESTS')
    this.name = 'TooManyRequestsError'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The client asked for a device that is online, and it is not. */
export class DeviceOfflineError extends LenskeyError {
  constructor() {
    super('ERR_SIGNALING_DEVICE_OFFLINE', 'the device is not connected to the signaling service right now')
    this.name = 'DeviceOfflineError'
  }
}

/** The connection to the service could not be made or kept, and will not be tried again. */
export class SignalingConnectionError extends LenskeyError {
  constructor(message: string, cause?: unknown) {
    super('ERR_SIGNALING_CONNECTION', `signaling connection error: ${message}`, { cause })
    this.name = 'SignalingConnectionError'
  }
}

