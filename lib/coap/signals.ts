import { encodeUtf8 } from '../bytes/index.ts'
import type { CoapMessage } from './message.ts'
import { noBytes, uintOption } from './request-message.ts'

/** What a peer takes that has not said more (RFC 8323 §5.3.1). */
export const SMALLEST_PEER_LIMIT = 1152

const maxMessageSize = { number: 2 }

/** The first thing each side says (RFC 8323 §5.3): how large a message may be, and that blocks are understood. */
export function capabilities(maxMessageBytes: number): CoapMessage {
  return { code: '7.01', token: noBytes, options: [{ ...maxMessageSize, value: maxMessageBytes }, { number: 4, value: noBytes }], payload: noBytes }
}

/** Of the peer's capabilities: the largest message it takes. */
export const peerLimit = (message: CoapMessage): number | undefined => uintOption(message, maxMessageSize)

export function pongTo({ token }: CoapMessage): CoapMessage {
  return { code: '7.03', token, options: [], payload: noBytes }
}

export function abortSignal(diagnostic: string): CoapMessage {
  return { code: '7.05', token: noBytes, options: [], payload: encodeUtf8(diagnostic) }
}
