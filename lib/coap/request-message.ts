import { coapMethodOf, codeOfCoapMethod, isCoapResponseCode } from './codes.ts'
import type { CoapMessage, CoapOption } from './message.ts'
import { coapOptions } from './options.ts'
import type { CoapRequest, CoapResponse } from './request.ts'

/** A message without what ties it to an exchange. */
export type CoapContent = Omit<CoapMessage, 'token' | 'badOption'>

export const noBytes = /* @__PURE__ */ new Uint8Array(0)

/** Value of the first option with this number, where it is a number. */
export function uintOption({ options }: { readonly options: readonly CoapOption[] }, { number }: { readonly number: number }): number | undefined {
  const value = options.find((option) => option.number === number)?.value
  return typeof value === 'number' ? value : undefined
}

export function bytesOption({ options }: { readonly options: readonly CoapOption[] }, { number }: { readonly number: number }): Uint8Array | undefined {
  const value = options.find((option) => option.number === number)?.value
  return value instanceof Uint8Array ? value : undefined
}

/** The same content with these options in place of those with their numbers. */
export function withOptions(content: CoapContent, ...options: CoapOption[]): CoapContent {
  const replaced = new Set(options.map(({ number }) => number))
  return { ...content, options: [...content.options.filter(({ number }) => !replaced.has(number)), ...options] }
}

/** Undefined for a code that is no method. */
export function requestOfMessage(message: CoapContent): CoapRequest | undefined {
  const method = coapMethodOf(message.code)
  if (method === undefined) return undefined
  const texts = (wanted: number): string[] =>
    message.options.flatMap(({ number, value }) => number === wanted && typeof value === 'string' ? [value] : [])
  const segments = texts(coapOptions.uriPath.number)
  // A path that ends with a slash has an empty last segment (RFC 7252 §6.4).
  if (segments[segments.length - 1] === '') segments.pop()
  return {
    method, segments, query: texts(coapOptions.uriQuery.number),
    contentFormat: uintOption(message, coapOptions.contentFormat), accept: uintOption(message, coapOptions.accept), payload: message.payload,
  }
}

export function messageOfRequest({ method, segments, query = [], contentFormat, accept, payload }: CoapRequest): CoapContent {
  const options: CoapOption[] = segments.map((value) => ({ number: coapOptions.uriPath.number, value }))
  if (contentFormat !== undefined) options.push({ number: coapOptions.contentFormat.number, value: contentFormat })
  for (const value of query) options.push({ number: coapOptions.uriQuery.number, value })
  if (accept !== undefined) options.push({ number: coapOptions.accept.number, value: accept })
  return { code: codeOfCoapMethod(method), options, payload }
}

export function messageOfResponse({ code, contentFormat, payload = noBytes, maxAgeSeconds, etag }: CoapResponse): CoapContent {
  const options: CoapOption[] = []
  if (etag !== undefined) options.push({ number: coapOptions.etag.number, value: etag })
  if (contentFormat !== undefined) options.push({ number: coapOptions.contentFormat.number, value: contentFormat })
  if (maxAgeSeconds !== undefined) options.push({ number: coapOptions.maxAge.number, value: maxAgeSeconds })
  return { code, options, payload }
}

/** Undefined for a code that is no response's. */
export function responseOfMessage(message: CoapContent): CoapResponse | undefined {
  const { code, payload } = message
  if (!isCoapResponseCode(code)) return undefined
  return {
    code, payload,
    contentFormat: uintOption(message, coapOptions.contentFormat),
    maxAgeSeconds: uintOption(message, coapOptions.maxAge),
    etag: bytesOption(message, coapOptions.etag),
  }
}
