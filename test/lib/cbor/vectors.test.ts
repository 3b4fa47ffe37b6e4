import { decodeHex, encodeHex } from '../../../lib/bytes/index.ts'
import { CborSimple, CborTag, type CborValue, decodeCbor, encodeCbor } from '../../../lib/cbor/index.ts'
import { test } from '../../suite.ts'
import vectors from '../../vectors/cbor/appendix_a.json' with { type: 'json' }

interface Vector {
  hex: string
  roundtrip: boolean
  decoded?: unknown
  diagnostic?: string
}

/** What JSON cannot say, or has lost digits of. */
const exact: Record<string, CborValue> = {
  '1bffffffffffffffff': 18446744073709551615n,
  'c249010000000000000000': 18446744073709551616n,
  '3bffffffffffffffff': -18446744073709551616n,
  'c349010000000000000000': -18446744073709551617n,
  f97c00: Infinity, f97e00: NaN, f9fc00: -Infinity,
  fa7f800000: Infinity, fa7fc00000: NaN, faff800000: -Infinity,
  fb7ff0000000000000: Infinity, fb7ff8000000000000: NaN, fbfff0000000000000: -Infinity,
  f7: undefined,
  f0: new CborSimple(16),
  f8ff: new CborSimple(255),
  c074323031332d30332d32315432303a30343a30305a: new CborTag(0, '2013-03-21T20:04:00Z'),
  c11a514b67b0: new CborTag(1, 1363896240),
  c1fb41d452d9ec200000: new CborTag(1, 1363896240.5),
  d74401020304: new CborTag(23, Uint8Array.of(1, 2, 3, 4)),
  d818456449455446: new CborTag(24, Uint8Array.of(0x64, 0x49, 0x45, 0x54, 0x46)),
  d82076687474703a2f2f7777772e6578616d706c652e636f6d: new CborTag(32, 'http://www.example.com'),
  '40': Uint8Array.of(),
  '4401020304': Uint8Array.of(1, 2, 3, 4),
  '5f42010243030405ff': Uint8Array.of(1, 2, 3, 4, 5),
  a201020304: new Map([[1, 2], [3, 4]]),
}

const all = vectors as Vector[]
const notWellFormed = 'f818'

for (const { hex, roundtrip, decoded } of all) {
  if (hex === notWellFormed) continue
  test(`RFC 8949 appendix A: ${hex.slice(0, 40)}`, (t) => {
    const value = decodeCbor(decodeHex(hex))
    t.same(value, hex in exact ? exact[hex] : decoded)
    // A float without a fraction is the same number as the integer, and is written as that.
    const whole = hex.startsWith('f') && Number.isSafeInteger(value) && !Object.is(value, -0)
    if (roundtrip && !whole) t.equal(encodeHex(encodeCbor(value)), hex)
    t.same(decodeCbor(encodeCbor(value, { deterministic: true })), value)
  })
}

test('simple(24) is not well-formed', (t) => {
  t.throws(() => decodeCbor(decodeHex(notWellFormed)), 'ERR_CBOR_MALFORMED')
})

test('every vector, cut at every byte, is truncated and says so', (t) => {
  let cuts = 0
  for (const { hex } of all) {
    const whole = decodeHex(hex)
    for (let length = 0; length < whole.length; length++) {
      t.throws(() => decodeCbor(whole.subarray(0, length)), 'ERR_CBOR_TRUNCATED', `${hex} at ${length}`)
      cuts++
    }
  }
  t.ok(cuts > 300)
})

test('every vector with a byte behind it is refused, or read alone when that is asked for', (t) => {
  for (const { hex } of all) {
    if (hex === notWellFormed) continue
    const longer = decodeHex(`${hex}00`)
    t.throws(() => decodeCbor(longer), 'ERR_CBOR_TRAILING', hex)
    t.same(decodeCbor(longer, { allowTrailing: true }), decodeCbor(decodeHex(hex)), hex)
  }
})
