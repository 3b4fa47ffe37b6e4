import { encodeUtf8 } from '../bytes/index.ts'
import { CborTag, type CborValue, decodeCbor, encodeCbor } from '../cbor/index.ts'
import { CoapError, type CoapRequest, type CoapResponse, contentFormats } from '../coap/index.ts'

/** Longest text of a request, in bytes (protocol/iam.md §3.1). */
const MAX_TEXT_BYTES = 1023

/** @throws {CoapError} 4.00 unless the payload begins with a CBOR item and says that it does (protocol/iam.md §3.1) */
export function decodeBody({ contentFormat, payload }: CoapRequest): CborValue {
  if (contentFormat !== contentFormats.cbor || payload.length === 0) throw new CoapError('4.00', 'Bad request')
  try {
    return decodeCbor(payload, { allowTrailing: true })
  } catch (cause) {
    throw new CoapError('4.00', 'Bad request', { cause })
  }
}

/** Null is "no value"; undefined is what cannot be taken for a text. */
export function textOf(value: CborValue): string | null | undefined {
  if (value === null) return null
  return typeof value === 'string' && encodeUtf8(value).length <= MAX_TEXT_BYTES ? value : undefined
}

/** The text of a member of a map; undefined as well when there is no such member, or no map. */
export function textMember(map: CborValue, name: string): string | null | undefined {
  if (typeof map !== 'object' || map === null || map instanceof CborTag || map instanceof Uint8Array || Array.isArray(map)) return undefined
  const entries: Iterable<[CborValue, CborValue]> = map instanceof Map ? (map as Map<CborValue, CborValue>) : Object.entries(map)
  for (const [key, value] of entries) if (untagged(key) === name) return textOf(untagged(value))
  return undefined
}

/** What a tag says of keys and values in a map is of no interest (protocol/iam.md §3.1). */
function untagged(value: CborValue): CborValue {
  return value instanceof CborTag ? untagged(value.value) : value
}

/** 2.05, or 2.01 for what was made, with CBOR. */
export function cborContent(value: CborValue, code: '2.05' | '2.01' = '2.05'): CoapResponse {
  return { code, contentFormat: contentFormats.cbor, payload: encodeCbor(value) }
}

/** A map with the members that have a value, in their order. */
export function presentMembers(members: readonly (readonly [string, CborValue])[]): CborValue {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}
