import { coapCodeByte, coapCodeOf } from './codes.ts'
import { CoapFormatError } from './errors.ts'
import { type Body, readBody, roomForBody, writeBody } from './body.ts'

/** One option: text, a number, or bytes, as `options.ts` says; bytes where it knows nothing. */
export interface CoapOption {
  readonly number: number
  readonly value: string | number | Uint8Array
}

/** What every framing carries (RFC 7252 §3). */
export interface CoapMessage {
  /** `c.dd`, such as `0.01` or `2.05`; as it came, assigned or not. */
  readonly code: string
  /** 0 to 8 bytes. */
  readonly token: Uint8Array
  /** Encoded in the order of their numbers, whatever their order here; those of one number keep theirs. */
  readonly options: readonly CoapOption[]
  /** Empty when there is none. */
  readonly payload: Uint8Array
  /** Number of the first critical option that is not known, or is there twice and may not be: answer 4.02 (RFC 7252 §5.4.1). */
  readonly badOption?: number
}

export type CoapDatagramType = 'CON' | 'NON' | 'ACK' | 'RST'

/** A message over UDP. */
export interface CoapDatagram extends CoapMessage {
  readonly type: CoapDatagramType
  /** 0 to 65,535. */
  readonly messageId: number
}

/** Bounds for input from the network. */
export interface CoapDecodeOptions {
  /** Options in one message; default 64. */
  maxOptions?: number
  /** Bytes of the whole message; default 65,536. */
  maxBytes?: number
}

const types: readonly CoapDatagramType[] = ['CON', 'NON', 'ACK', 'RST']

/**
 * The UDP framing (RFC 7252 §3).
 * @throws {RangeError} a token over 8 bytes, an option value that its definition does not take, a code that is none
 */
export function encodeCoapMessage(message: CoapDatagram): Uint8Array {
  const { token, messageId } = message
  const type = types.indexOf(message.type)
  if (token.length > 8) throw new RangeError('a token has up to 8 bytes')
  if (type < 0 || !(messageId >= 0 && messageId <= 0xffff)) throw new RangeError('a datagram has one of four types and a message ID of 16 bits')
  const bytes = new Uint8Array(4 + token.length + roomForBody(message))
  bytes[0] = 0x40 | (type << 4) | token.length
  bytes[1] = coapCodeByte(message.code)
  bytes[2] = messageId >> 8
  bytes[3] = messageId
  bytes.set(token, 4)
  return bytes.subarray(0, writeBody(message, bytes, 4 + token.length))
}

/** @throws {CoapFormatError} */
export function decodeCoapMessage(bytes: Uint8Array, options: CoapDecodeOptions = {}): CoapDatagram {
  checkSize(bytes, options)
  if (bytes.length < 4) throw new CoapFormatError('ERR_COAP_TRUNCATED', 'a header has 4 bytes', bytes.length)
  const first = bytes[0]
  if (first >> 6 !== 1) throw new CoapFormatError('ERR_COAP_MALFORMED', 'not version 1 of CoAP', 0)
  const tokenLength = first & 15
  const code = coapCodeOf(bytes[1])
  // RFC 7252 §4.1: an empty message is its four bytes.
  if (code === '0.00' && bytes.length > 4) throw new CoapFormatError('ERR_COAP_MALFORMED', 'an empty message with more in it', 4)
  const { token, options: list, payload, badOption } = readTokenAndBody(bytes, 4, tokenLength, code, options)
  return { type: types[(first >> 4) & 3], messageId: (bytes[2] << 8) | bytes[3], code, token, options: list, payload, badOption }
}

/** @throws {CoapFormatError} */
export function checkSize(bytes: Uint8Array, { maxBytes = 65_536 }: CoapDecodeOptions): void {
  if (bytes.length > maxBytes) throw new CoapFormatError('ERR_COAP_TOO_LARGE', `more than ${maxBytes} bytes`, maxBytes)
}

/** What follows the code in every framing. @throws {CoapFormatError} */
export function readTokenAndBody(bytes: Uint8Array, start: number, tokenLength: number, code: string, options: CoapDecodeOptions): Body & { token: Uint8Array } {
  if (tokenLength > 8) throw new CoapFormatError('ERR_COAP_MALFORMED', 'a token of more than 8 bytes', 0)
  const end = start + tokenLength
  if (end > bytes.length) throw new CoapFormatError('ERR_COAP_TRUNCATED', `a token of ${tokenLength} bytes`, bytes.length)
  return readBody(bytes, start, end, code, options.maxOptions ?? 64)
}
