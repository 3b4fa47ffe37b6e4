import { CborSimple, CborTag, type CborValue } from '../../../lib/cbor/index.ts'

/** CBOR as JSON for people and programs: bytes become `h'…'`, what JSON has no number for becomes text, maps with other keys lists of pairs. */
export function cborToJson(value: CborValue): unknown {
  if (value === undefined) return null
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return `h'${Buffer.from(value).toString('hex')}'`
  if (value instanceof CborTag) return { tag: cborToJson(value.tag), value: cborToJson(value.value) }
  if (value instanceof CborSimple) return { simple: value.value }
  if (Array.isArray(value)) return (value as CborValue[]).map(cborToJson)
  if (value instanceof Map) return [...(value as Map<CborValue, CborValue>)].map(([key, member]) => [cborToJson(key), cborToJson(member)])
  return Object.fromEntries(Object.entries(value as Readonly<Record<string, CborValue>>).map(([name, member]) => [name, cborToJson(member)]))
}
