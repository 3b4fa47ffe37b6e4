import { Encoder } from 'cbor-x'
import tap from 'tap'
import { type CborValue, decodeCbor, encodeCbor } from '../../lib/cbor/index.ts'
import { createSeededRandom } from '../../runtimes/memory/random.ts'

const ROUNDS = 5_000
const plain = new Encoder({ mapsAsObjects: true, useRecords: false, tagUint8Array: false, largeBigIntToFloat: false })

/** A value that both know: text keys, and no integer that a float could be mistaken for. */
function createValues(seed: number): () => CborValue {
  const random = createSeededRandom(seed)
  const below = (limit: number): number => ((random.bytes(1)[0] << 8) | random.bytes(1)[0]) % limit
  const text = (): string => Array.from({ length: below(40) }, () => 'abcdefghijklmnopqrstuvwxyzAé€𝄞'.slice(below(26)).slice(0, 1 + below(2))).join('').replace(/[\ud800-\udfff]/g, '')
  function value(depth: number): CborValue {
    switch (below(depth > 4 ? 8 : 10)) {
      case 0: return below(50) - 25
      case 1: return (below(65536) * 65536 + below(65536)) * (below(2) === 0 ? 1 : -1)
      case 2: return BigInt.asUintN(64, 2n ** 63n + BigInt(below(65536)))
      case 3: return below(65536) / 256 + 0.123
      case 4: return below(3) === 0 ? null : below(2) === 0
      case 5: return random.bytes(below(300))
      case 6: case 7: return text()
      case 8: return Array.from({ length: below(6) }, () => value(depth + 1))
      default: return Object.fromEntries(Array.from({ length: below(6) }, () => [text(), value(depth + 1)]))
    }
  }
  return () => value(0)
}

/** Buffers as plain byte arrays, bigints that fit as numbers: the differences in how the two show one value. */
function same(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(same)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), same(member)]))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, same(member)]))
  if (typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value)
  return value
}

void tap.test('what we write, cbor-x reads', (t) => {
  const next = createValues(1)
  for (let round = 0; round < ROUNDS; round++) {
    const value = next()
    for (const deterministic of [false, true]) {
      const found: unknown = plain.decode(encodeCbor(value, { deterministic }))
      if (!t.strictSame(same(found), same(value))) round = ROUNDS
    }
  }
  t.end()
})

void tap.test('what cbor-x writes, we read', (t) => {
  const next = createValues(2)
  for (let round = 0; round < ROUNDS; round++) {
    const value = next()
    if (!t.strictSame(decodeCbor(new Uint8Array(plain.encode(value))), value)) break
  }
  t.end()
})
