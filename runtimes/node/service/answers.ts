import type { FastifyError, FastifyReply } from 'fastify'
import { RendezvousError } from '../../../lib/cloud/index.ts'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { Log } from '../../../lib/runtime/index.ts'

/** An answer in the shape of protocol/webrtc-signaling.md §2.1. */
export interface ErrorAnswer {
  status: number
  headers: Record<string, string>
  body: { message: string; code?: string }
}

/** What to answer to anything thrown. What is not meant for callers is logged and stays here. */
export function answerTo(thrown: unknown, log: Log): ErrorAnswer {
  if (thrown instanceof RendezvousError) {
    const { status, message, answerCode, retryAfterSeconds, cause } = thrown
    if (status >= 500) log('error', 'rendezvous.request.failed', { error: cause === undefined ? message : messageOf(cause) })
    return {
      status,
      headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
      body: answerCode === undefined ? { message } : { message, code: answerCode },
    }
  }
  // A wrong key in an admin request.
  if (thrown instanceof LenskeyError) return { status: 400, headers: {}, body: { message: thrown.message } }
  const status = (thrown as Partial<FastifyError> | undefined)?.statusCode
  if (status !== undefined && status < 500) return { status, headers: {}, body: { message: messageOf(thrown) } }
  log('error', 'rendezvous.request.failed', { error: messageOf(thrown) })
  return { status: 500, headers: {}, body: { message: 'the service failed; its log says more' } }
}

export function sendError(reply: FastifyReply, thrown: unknown, log: Log): FastifyReply {
  const { status, headers, body } = answerTo(thrown, log)
  return reply.code(status).headers(headers).send(body)
}
