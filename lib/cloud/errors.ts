import { LenskeyError } from '../errors.ts'

/** A request refused: everything an HTTP answer needs (protocol/webrtc-signaling.md §2.1). */
export class RendezvousError extends LenskeyError {
  readonly status: number
  /** The `code` of the answer's body: the two that devices and clients know. */
  readonly answerCode: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, code: string, message: string, more: { answerCode?: string; retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(code, message, { cause: more.cause })
    this.name = 'RendezvousError'
    this.status = status
    this.answerCode = more.answerCode
    this.retryAfterSeconds = more.retryAfterSeconds
  }
}

export function badRequest(message: string): RendezvousError {
  return new RendezvousError(400, 'ERR_RENDEZVOUS_BAD_REQUEST', message)
}

/** The caller could not show who it is. */
export function unauthorized(message: string, cause?: unknown): RendezvousError {
  return new RendezvousError(401, 'ERR_RENDEZVOUS_UNAUTHORIZED', message, { cause })
}

/** The caller showed who it is, and that is not enough for what it asks. */
export function forbidden(message: string): RendezvousError {
  return new RendezvousError(403, 'ERR_RENDEZVOUS_FORBIDDEN', message)
}

export function productNotFound(): RendezvousError {
  return new RendezvousError(404, 'ERR_RENDEZVOUS_PRODUCT_NOT_FOUND', 'there is no product with this ID', { answerCode: 'PRODUCT_ID_NOT_FOUND' })
}

export function deviceNotFound(): RendezvousError {
  return new RendezvousError(404, 'ERR_RENDEZVOUS_DEVICE_NOT_FOUND', 'this product has no device with this ID', { answerCode: 'DEVICE_ID_NOT_FOUND' })
}

export function notFound(message: string): RendezvousError {
  return new RendezvousError(404, 'ERR_RENDEZVOUS_NOT_FOUND', message)
}

export function conflict(message: string): RendezvousError {
  return new RendezvousError(409, 'ERR_RENDEZVOUS_CONFLICT', message)
}

export function tooMany(message: string, retryAfterSeconds: number): RendezvousError {
  return new RendezvousError(429, 'ERR_RENDEZVOUS_TOO_MANY', message, { retryAfterSeconds })
}

export function unavailable(message: string, cause?: unknown): RendezvousError {
  return new RendezvousError(503, 'ERR_RENDEZVOUS_UNAVAILABLE', message, { retryAfterSeconds: 5, cause })
}
