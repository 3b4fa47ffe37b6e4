import { concatBytes, decodeBase64url, decodeHex, decodeUtf8, encodeBase64url, encodeBase64urlText, encodeHex, encodeUtf8, equalBytes, portableBase64url, portableUtf8 } from '../../../lib/bytes/index.ts'
import { test } from '../../suite.ts'

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 255)

test('base64url: RFC 4648 §10 vectors without padding, and every tail length', (t) => {
  for (const [plain, coded] of [['', ''], ['f', 'Zg'], ['fo', 'Zm8'], ['foo', 'Zm9v'], ['foob', 'Zm9vYg'], ['fooba', 'Zm9vYmE'], ['foobar', 'Zm9vYmFy']]) {
    t.equal(encodeBase64url(encodeUtf8(plain)), coded)
    t.same(decodeBase64url(coded), encodeUtf8(plain))
  }
  t.equal(encodeBase64url(Uint8Array.of(0xfb, 0xff, 0xfe)), '-__-')
  for (let length = 0; length < 300; length++) t.same(decodeBase64url(encodeBase64url(counting(length))), counting(length))
})

test('base64url: the host coder and the portable one agree', (t) => {
  for (let length = 0; length < 300; length++) {
    const bytes = counting(length + 7).subarray(7)
    t.equal(encodeBase64url(bytes), portableBase64url.encode(bytes))
    t.same(portableBase64url.decode(encodeBase64url(bytes)), bytes.slice())
  }
  for (const text of ['', 'plain', 'æ€\u{1f4f7}', '\ud800']) {
    t.equal(encodeBase64urlText(text), encodeBase64url(encodeUtf8(text)))
    t.equal(portableBase64url.encodeText(text), encodeBase64url(encodeUtf8(text)))
  }
  const decoded = decodeBase64url('AAAA')
  decoded.slice().fill(1)
  t.same(decoded, new Uint8Array(3), 'a plain Uint8Array, whose slice copies')
  t.equal(Object.getPrototypeOf(decoded), Uint8Array.prototype)
  t.equal(Object.getPrototypeOf(encodeUtf8('a')), Uint8Array.prototype)
})

test('base64url: one spelling per byte string', (t) => {
  for (const bad of ['A', 'AAAAA', 'Zg==', 'Zh', 'Zm9', 'Z g', 'Zg\n', '+/AA', 'Zgé', 'Zg\u0000']) {
    t.throws(() => decodeBase64url(bad), 'ERR_BASE64URL', JSON.stringify(bad))
    t.throws(() => portableBase64url.decode(bad), 'ERR_BASE64URL', JSON.stringify(bad))
  }
})

test('hex: both cases in, lower case out', (t) => {
  t.equal(encodeHex(Uint8Array.of(0, 1, 0xab, 0xff)), '0001abff')
  t.same(decodeHex('0001ABff'), Uint8Array.of(0, 1, 0xab, 0xff))
  for (const bad of ['0', '0g', ' 0', '0x00']) t.throws(() => decodeHex(bad), 'ERR_HEX', bad)
})

test('utf8: the host coder and the portable one agree', (t) => {
  for (const text of ['', 'plain', 'æøå', '€', '\u{1f4f7} camera', '\ufeffmark', '\ud800 lone', 'tail \udfff', '\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}']) {
    t.same(encodeUtf8(text), portableUtf8.encode(text), JSON.stringify(text))
    const whole = encodeUtf8(text)
    t.equal(decodeUtf8(whole), portableUtf8.decode(whole))
    for (let cut = 0; cut < whole.length; cut++) {
      const outcome = (decode: (bytes: Uint8Array) => string): string => {
        try {
          return decode(whole.slice(0, cut))
        } catch (thrown) {
          return (thrown as { code: string }).code
        }
      }
      t.equal(outcome(decodeUtf8), outcome(portableUtf8.decode), `cut at ${cut}`)
    }
  }
})

test('utf8: overlong forms, surrogates and values past the last code point are refused by both coders', (t) => {
  for (const bad of ['c080', 'c1bf', 'e08080', 'e09fbf', 'eda080', 'edbfbf', 'f0808080', 'f08fbfbf', 'f4908080', 'f5808080', 'ff', '80', 'c2', 'e282', 'f09f93', '61c2']) {
    t.throws(() => decodeUtf8(decodeHex(bad)), 'ERR_UTF8', bad)
    t.throws(() => portableUtf8.decode(decodeHex(bad)), 'ERR_UTF8', bad)
  }
})

test('bytes: concat and equal', (t) => {
  t.same(concatBytes(), new Uint8Array(0))
  t.same(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3))
  t.ok(equalBytes(counting(40), counting(40)))
  t.ok(!equalBytes(counting(40), counting(39)))
  for (let at = 0; at < 40; at++) {
    const other = counting(40)
    other[at] ^= 1
    t.ok(!equalBytes(other, counting(40)))
  }
})
