/** Request methods (RFC 7252 §12.1.1, RFC 8132 §7), by code. */
export const coapMethods = {
  '0.01': 'GET', '0.02': 'POST', '0.03': 'PUT', '0.04': 'DELETE', '0.05': 'FETCH', '0.06': 'PATCH', '0.07': 'iPATCH',
} as const

/** Response codes and their names (RFC 7252 §12.1.2, RFC 7959 §6, RFC 8132 §7, RFC 8516 §6). */
export const coapResponses = {
  '2.01': 'Created', '2.02': 'Deleted', '2.03': 'Valid', '2.04': 'Changed', '2.05': 'Content', '2.31': 'Continue',
  '4.00': 'Bad Request', '4.01': 'Unauthorized', '4.02': 'Bad Option', '4.03': 'Forbidden', '4.04': 'Not Found',
  '4.05': 'Method Not Allowed', '4.06': 'Not Acceptable', '4.08': 'Request Entity Incomplete', '4.09': 'Conflict',
  '4.12': 'Precondition Failed', '4.13': 'Request Entity Too Large', '4.15': 'Unsupported Content-Format',
  '4.22': 'Unprocessable Entity', '4.29': 'Too Many Requests',
  '5.00': 'Internal Server Error', '5.01': 'Not Implemented', '5.02': 'Bad Gateway', '5.03': 'Service Unavailable',
  '5.04': 'Gateway Timeout', '5.05': 'Proxying Not Supported',
} as const

/** Signals of reliable transports (RFC 8323 §5). */
export const coapSignals = { '7.01': 'CSM', '7.02': 'Ping', '7.03': 'Pong', '7.04': 'Release', '7.05': 'Abort' } as const

export type CoapRequestCode = keyof typeof coapMethods
export type CoapMethod = (typeof coapMethods)[CoapRequestCode]
export type CoapResponseCode = keyof typeof coapResponses
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

const codesOfMethods: Readonly<Record<CoapMethod, CoapRequestCode>> = {
  GET: '0.01', POST: '0.02', PUT: '0.03', DELETE: '0.04', FETCH: '0.05', PATCH: '0.06', iPATCH: '0.07',
}

export function codeOfCoapMethod(method: CoapMethod): CoapRequestCode {
  return codesOfMethods[method]
}

/** Whether a response code means that the request was done (2.xx). */
export const isCoapSuccess = (code: string): boolean => code.startsWith('2.')

export function isCoapResponseCode(code: string): code is CoapResponseCode {
  return Object.prototype.hasOwnProperty.call(coapResponses, code)
}
