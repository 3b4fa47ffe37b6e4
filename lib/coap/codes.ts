/** Request methods (RFC 7252 §12.1.1, RFC 8132 §7), by code. */
export const coapMethods = {
  '0.01': 'GET', '0.02': 'POST', '0.03': 'PUT', '0.04': 'DELETE', '0.05': 'FETCH', '0.06': 'PATCH', '0.07': 'iPATCH',
} as const

/**
 * Response codes (RFC 7252 §12.1.2, RFC 7959 §6, RFC 8132 §7, RFC 8516 §6).
 * - Created, Deleted, Valid, Changed, Content, Continue
 * - Bad Request, Unauthorized, Bad Option, Forbidden, Not Found, Method Not Allowed, Not Acceptable, Request Entity Incomplete,
 *   Conflict, Precondition Failed, Request Entity Too Large, Unsupported Content-Format, Unprocessable Entity, Too Many Requests
 * - Internal Server Error, Not Implemented, Bad Gateway, Service Unavailable, Gateway Timeout, Proxying Not Supported
 */
export const coapResponses = [
  '2.01', '2.02', '2.03', '2.04', '2.05', '2.31',
  '4.00', '4.01', '4.02', '4.03', '4.04', '4.05', '4.06', '4.08', '4.09', '4.12', '4.13', '4.15', '4.22', '4.29',
  '5.00', '5.01', '5.02', '5.03', '5.04', '5.05',
] as const

/** Signals of reliable transports (RFC 8323 §5). */
export const coapSignals = { '7.01': 'CSM', '7.02': 'Ping', '7.03': 'Pong', '7.04': 'Release', '7.05': 'Abort' } as const

export type CoapRequestCode = keyof typeof coapMethods
export type CoapMethod = (typeof coapMethods)[CoapRequestCode]
export type CoapResponseCode = (typeof coapResponses)[number]
export type CoapErrorCode = Extract<CoapResponseCode, `4.${string}` | `5.${string}`>
export type CoapSignalCode = keyof typeof coapSignals
/** Class and detail as RFC 7252 §3 writes them: `2.05`. `0.00` is the empty message. */
export type CoapCode = '0.00' | CoapRequestCode | CoapResponseCode | CoapSignalCode

let byByte: (string | undefined)[] | undefined

function texts(): readonly (string | undefined)[] {
  if (byByte === undefined) {
    byByte = Array<string | undefined>(256)
    for (let byte = 0; byte < 256; byte++) byByte[byte] = `${byte >> 5}.${byte & 31 ? String(byte & 31).padStart(2, '0') : '00'}`
  }
  return byByte
}

/** Any byte has a text, assigned or not. */
export function coapCodeOf(byte: number): string {
  return texts()[byte] as string
}

/** @throws {RangeError} not of the form `c.dd` with c below 8 and dd below 32 */
export function coapCodeByte(code: string): number {
  const byte = ((code.charCodeAt(0) - 48) << 5) | ((code.charCodeAt(2) - 48) * 10 + code.charCodeAt(3) - 48)
  if (texts()[byte] !== code) throw new RangeError('a CoAP code is written c.dd, such as 2.05')
  return byte
}

export function coapMethodOf(code: string): CoapMethod | undefined {
  return Object.prototype.hasOwnProperty.call(coapMethods, code) ? coapMethods[code as CoapRequestCode] : undefined
}

export function codeOfCoapMethod(method: CoapMethod): CoapRequestCode {
  return (Object.keys(coapMethods) as CoapRequestCode[]).find((code) => coapMethods[code] === method) as CoapRequestCode
}

/** Whether a response code means that the request was done (2.xx). */
export const isCoapSuccess = (code: string): boolean => code.startsWith('2.')

export function isCoapResponseCode(code: string): code is CoapResponseCode {
  return (coapResponses as readonly string[]).includes(code)
}
