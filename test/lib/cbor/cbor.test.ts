import { decodeHex, encodeHex } from '../../../lib/bytes/index.ts'
import { CborError, CborSimple, CborTag, type CborValue, decodeCbor, encodeCbor } from '../../../lib/cbor/index.ts'
import { createSeededRandom } from '../../../runtimes/memory/random.ts'
import { type Assert, test } from '../../suite.ts'

const refused = (t: Assert, code: string, ...hexes: string[]): void => {
  for (const hex of hexes) t.throws(() => decodeCbor(decodeHex(hex)), code, hex)
}

test('what is not well-formed is refused (RFC 8949 Appendix F)', (t) => {
  refused(t, 'ERR_CBOR_TRUNCATED', '', '18', '19', '1a', '1b', '1901', '1a0102', '1b01020304050607', '38', '58', '78', '98', '9a01ff00', 'b8', 'd8', 'f8',
    'f900', 'fa0000', 'fb000000', '41', '61', '5affffffff00', '7affffffff00', '5bffffffffffffffff010203', '8181818181818181', '8200', 'a1', 'a20102',
    'a100', 'a2000000', 'c0', '5f4100', '7f6100', '9f', '9f0102', 'bf', 'bf01020304', '819f', '9f8000', '9f9f9f9f9fffffffff', 'c1', 'a16161')
  refused(t, 'ERR_CBOR_MALFORMED', '1c', '1d', '1e', '3c', '5c', '7d', '9e', 'bc', 'dd', 'fc', 'fd', 'fe', '1f', '3f', 'df', 'f800', 'f801', 'f818', 'f81f',
    '5f00ff', '5f21ff', '5f6100ff', '5f80ff', '5fa0ff', '5fc000ff', '5fe0ff', '7f4100ff', '5f5f4100ffff', '7f7f6100ffff', 'ff', '81ff', '8200ff', 'a1ff00',
    'bf00ff', '9f81ff', '9f829f819f9fffffffff', 'bf000001ff', 'bf6161ff')
  refused(t, 'ERR_CBOR_TEXT', '61ff', '62c328', '63eda080', '7f61c361a9ff', 'a161ff00')
})

test('a key that comes twice is refused, whatever it is', (t) => {
  refused(t, 'ERR_CBOR_DUPLICATE_KEY', 'a2616101616102', 'a201000100', 'a24101004101' + '00', 'a2616100' + '7f6161ff00', 'a2810100810100', 'a26161f76161f7', 'a201001801' + '00',
    'a2f97e0000f97e0000', 'a3616100616101' + '0102', 'bf616101616102ff', 'a2695f5f70726f746f5f5f00695f5f70726f746f5f5f01', 'a26163f7616301')
})

test('integers are exact to their last bit', (t) => {
  const cases: [CborValue, string][] = [
    [0, '00'], [23, '17'], [24, '1818'], [255, '18ff'], [256, '190100'], [65535, '19ffff'], [65536, '1a00010000'], [4294967295, '1affffffff'],
    [4294967296, '1b0000000100000000'], [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'], [9007199254740992n, '1b0020000000000000'], [18446744073709551615n, '1bffffffffffffffff'],
    [18446744073709551616n, 'c249010000000000000000'], [-1, '20'], [-24, '37'], [-25, '3818'], [-9007199254740991, '3b001ffffffffffffe'], [-9007199254740992n, '3b001fffffffffffff'],
    [-9007199254740993n, '3b0020000000000000'], [-18446744073709551616n, '3bffffffffffffffff'], [-18446744073709551617n, 'c349010000000000000000'],
  ]
  for (const [value, hex] of cases) {
    t.equal(encodeHex(encodeCbor(value)), hex)
    t.equal(decodeCbor(decodeHex(hex)), value)
  }
  t.equal(encodeHex(encodeCbor(7n)), '07')
  t.equal(encodeHex(encodeCbor(-7n)), '26')
  t.equal(decodeCbor(decodeHex('1b0000000000000007')), 7)
  t.equal(decodeCbor(decodeHex('c24107')), 7)
  t.equal(decodeCbor(decodeHex('c240')), 0)
  refused(t, 'ERR_CBOR_MALFORMED', 'c200', 'c36161')
})

test('floats take the shortest form that loses nothing', (t) => {
  const cases: [number, string][] = [
    [-0, 'f98000'], [1.5, 'f93e00'], [65504.5, 'fa477fe080'], [5.960464477539063e-8, 'f90001'], [0.00006097555160522461, 'f903ff'], [2 ** -25, 'fa33000000'],
    [0.1, 'fb3fb999999999999a'], [3.4028234663852886e38, 'fa7f7fffff'], [1e300, 'fb7e37e43c8800759c'], [NaN, 'f97e00'], [-Infinity, 'f9fc00'], [1.401298464324817e-45, 'fa00000001'],
    [2 ** 53, 'fa5a000000'], [65536.5, 'fa47800040'],
  ]
  for (const [value, hex] of cases) {
    t.equal(encodeHex(encodeCbor(value)), hex, hex)
    t.equal(decodeCbor(decodeHex(hex)), value, hex)
  }
})

test('every half-precision float comes back as it was', (t) => {
  let wrong = 0
  for (let bits = 0; bits < 0x10000; bits += 7) {
    const bytes = Uint8Array.of(0xf9, bits >> 8, bits)
    const value = decodeCbor(bytes) as number
    const whole = Number.isInteger(value) && !Object.is(value, -0)
    if (!Number.isNaN(value) && !whole && encodeHex(encodeCbor(value)) !== encodeHex(bytes)) wrong++
  }
  t.equal(wrong, 0)
})

test('maps are objects when all keys are text, and Maps otherwise', (t) => {
  t.same(decodeCbor(decodeHex('a0')), {})
  t.same(decodeCbor(decodeHex('a261610161620' + '2')), { a: 1, b: 2 })
  t.same(decodeCbor(decodeHex('a1' + '7f61616162ff' + '01')), { ab: 1 })
  t.same(decodeCbor(decodeHex('a2616101' + '0102')), new Map<CborValue, CborValue>([['a', 1], [1, 2]]))
  t.same(decodeCbor(decodeHex('a1810102')), new Map<CborValue, CborValue>([[[1], 2]]))
  t.same(decodeCbor(decodeHex('a26161f7616201')), { a: undefined, b: 1 })
})

test('a key named __proto__ is a key, on the way in and out', (t) => {
  for (const hex of ['a1695f5f70726f746f5f5fa16561646d696ef5', 'bf7f695f5f70726f746f5f5fffa16561646d696ef5ff']) {
    const value = decodeCbor(decodeHex(hex)) as Record<string, unknown>
    t.equal(Object.getPrototypeOf(value), Object.prototype)
    t.equal(value.admin, undefined)
    t.same(Object.keys(value), ['__proto__'])
    t.equal(encodeHex(encodeCbor(value as CborValue)), 'a1695f5f70726f746f5f5fa16561646d696ef5')
  }
})

test('text and byte strings of every length come back, in ASCII and beyond', (t) => {
  for (const length of [0, 1, 15, 16, 17, 23, 24, 31, 32, 33, 127, 128, 255, 256, 5000]) {
    for (const unit of ['a', 'é', '€', '𝄞']) {
      const text = unit.repeat(length)
      t.equal(decodeCbor(encodeCbor(text)), text)
      t.same(decodeCbor(encodeCbor({ [text]: text })), { [text]: text })
    }
    const bytes = createSeededRandom(length).bytes(length)
    t.same(decodeCbor(encodeCbor(bytes)), bytes)
  }
  t.equal(decodeCbor(encodeCbor('a\ufffdb'.repeat(20))), 'a\ufffdb'.repeat(20))
})

test('a decoded byte string is a copy', (t) => {
  const input = decodeHex('4401020304')
  const found = decodeCbor(input) as Uint8Array
  input.fill(0)
  t.same(found, Uint8Array.of(1, 2, 3, 4))
})

test('messages encoded one after another keep out of each other', (t) => {
  const values = Array.from({ length: 300 }, (_, index): CborValue => ({ index, text: 'x'.repeat(index), deep: [{ index }] }))
  const encoded = values.map((value) => encodeCbor(value))
  t.same(encoded.map((bytes) => decodeCbor(bytes)), values)
  t.equal(encodeCbor('y'.repeat(100_000)).length, 100_005)
})

test('deterministic encoding sorts keys by their bytes (RFC 8949 §4.2.1)', (t) => {
  const keys: CborValue[] = [10, 100, -1, 'z', 'aa', [100], [-1], false]
  const map = new Map<CborValue, CborValue>([...keys].reverse().map((key) => [key, null]))
  t.equal(encodeHex(encodeCbor(map, { deterministic: true })), 'a80af61864f620f6617af6626161f6811864f68120f6f4f6')
  t.equal(encodeHex(encodeCbor({ b: 1, a: { d: 2, c: 3 }, '': undefined }, { deterministic: true })), 'a2616' + '1a261630361640261' + '6201')
  t.throws(() => encodeCbor(new Map<CborValue, CborValue>([[1, 0], [1n, 0]]), { deterministic: true }), 'RangeError')
})

test('what CBOR has no form for is a wrong argument', (t) => {
  const loop: CborValue[] = []
  loop.push(loop)
  t.throws(() => encodeCbor(loop), 'RangeError')
  for (const value of [Symbol('a'), (): number => 1, new Date(0), new Uint16Array(1), /a/]) t.throws(() => encodeCbor(value as unknown as CborValue), 'TypeError')
  const nosy = { get a(): CborValue { return encodeCbor(1) } }
  t.throws(() => encodeCbor(nosy), 'TypeError')
  t.same(encodeCbor(1), Uint8Array.of(1), 'and the encoder goes on')
  t.throws(() => new CborSimple(24), 'RangeError')
  t.throws(() => new CborSimple(256), 'RangeError')
  for (const tag of [-1, 1.5, 2n ** 64n]) t.throws(() => encodeCbor(new CborTag(tag, 0)), 'RangeError')
  t.equal(encodeHex(encodeCbor(new CborTag(2n ** 64n - 1n, 0))), 'dbffffffffffffffff00')
})

test('members that are undefined are left out, elements are not', (t) => {
  t.equal(encodeHex(encodeCbor({ a: undefined, b: [undefined] })), 'a1616281f7')
})

test('depth: the bound and one past it', (t) => {
  for (const [open, inner] of [['81', '00'], ['a16161', '00'], ['c1', '00'], ['9f', '00']] as const) {
    const close = open === '9f' ? 'ff' : ''
    const nested = (levels: number): Uint8Array => decodeHex(open.repeat(levels) + inner + close.repeat(levels))
    decodeCbor(nested(16))
    t.throws(() => decodeCbor(nested(17)), 'ERR_CBOR_TOO_DEEP', open)
    decodeCbor(nested(17), { maxDepth: 17 })
  }
})

test('items: the bound and one past it', (t) => {
  const array = (count: number): Uint8Array => decodeHex(`99${count.toString(16).padStart(4, '0')}${'00'.repeat(count)}`)
  t.equal((decodeCbor(array(1023)) as CborValue[]).length, 1023)
  t.throws(() => decodeCbor(array(1024)), 'ERR_CBOR_TOO_MANY_ITEMS')
  t.throws(() => decodeCbor(decodeHex(`9f${'00'.repeat(1024)}ff`)), 'ERR_CBOR_TOO_MANY_ITEMS')
  t.throws(() => decodeCbor(decodeHex(`5f${'40'.repeat(1024)}ff`)), 'ERR_CBOR_TOO_MANY_ITEMS')
  t.throws(() => decodeCbor(decodeHex('9affffffff')), 'ERR_CBOR_TOO_MANY_ITEMS', 'a promised length makes nothing')
  t.throws(() => decodeCbor(decodeHex('bb0000ffffffffffff')), 'ERR_CBOR_TOO_MANY_ITEMS')
  const pairs = (count: number): Uint8Array => encodeCbor(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index])))
  t.ok(decodeCbor(pairs(511)))
  t.throws(() => decodeCbor(pairs(512)), 'ERR_CBOR_TOO_MANY_ITEMS')
})

test('bytes: the bound and one past it', (t) => {
  t.equal((decodeCbor(encodeCbor(new Uint8Array(65_533))) as Uint8Array).length, 65_533)
  t.throws(() => decodeCbor(encodeCbor(new Uint8Array(65_534))), 'ERR_CBOR_TOO_LARGE')
})

test('errors say where', (t) => {
  try {
    decodeCbor(decodeHex('8301021c'))
    t.fail('should throw')
  } catch (thrown) {
    t.ok(thrown instanceof CborError)
    t.equal((thrown as CborError).offset, 3)
  }
})

test('random bytes give values or coded errors, and values come back', (t) => {
  const random = createSeededRandom(1)
  let values = 0
  for (let turn = 0; turn < 3000; turn++) {
    const bytes = random.bytes(1 + turn % 24)
    try {
      const value = decodeCbor(bytes, { allowTrailing: true })
      values++
      const once = encodeCbor(value, { deterministic: true })
      if (encodeHex(encodeCbor(decodeCbor(once), { deterministic: true })) !== encodeHex(once)) t.fail(encodeHex(bytes))
    } catch (thrown) {
      if (!(thrown instanceof CborError)) t.fail(`${encodeHex(bytes)}: ${String(thrown)}`)
    }
  }
  t.ok(values > 100)
})
