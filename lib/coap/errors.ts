import { LenskeyError } from '../errors.ts'
import type { CoapErrorCode } from './codes.ts'

export type CoapFormatCode =
  /** The bytes end in the middle of something. */
  | 'ERR_COAP_TRUNCATED'
  /** The bytes are no CoAP message; the text says where they leave the format. */
  | 'ERR_COAP_MALFORMED'
  /** A stated bound is passed. */
  | 'ERR_COAP_TOO_LARGE'

/** Bytes or text that are no CoAP message. */
export class CoapFormatError extends LenskeyError {
  declare readonly code: CoapFormatCode
  /** Where in the bytes; 0 for text. */
  readonly offset: number

  constructor(code: CoapFormatCode, message: string, offset: number) {
    super(code, `${message} at offset ${offset}`)
    this.name = 'CoapFormatError'
    this.offset = offset
  }
}

/** What a handler throws to answer with an error code; `diagnostic` travels to the client (RFC 7252 §5.5.2). */
export class CoapError extends LenskeyError {
  readonly responseCode: CoapErrorCode
  /** Text for people, or undefined for an answer without payload. */
  readonly diagnostic: string | undefined

  constructor(responseCode: CoapErrorCode, diagnostic?: string, options?: { cause?: unknown }) {
    super('ERR_COAP_REFUSED', `${responseCode}${diagnostic === undefined ? '' : ` ${diagnostic}`}`, options)
    this.name = 'CoapError'
    this.responseCode = responseCode
    this.diagnostic = diagnostic
  }
}
