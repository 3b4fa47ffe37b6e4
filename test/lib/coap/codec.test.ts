import { decodeHex, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import {
  type CoapDatagram, CoapFormatError, type CoapMessage, coapOptions, createCoapStreamReader, decodeCoapFrame, decodeCoapMessage, encodeCoapFrame, encodeCoapMessage, toCoapStream,
} from '../../../lib/coap/index.ts'
import { createSeededRandom } from '../../../runtimes/memory/random.ts'
import { type Assert, test } from '../../suite.ts'

const none = new Uint8Array(0)
const get: CoapDatagram = {
  type: 'CON', messageId: 0x7d34, code: '0.01', token: decodeHex('20'), payload: none,
  options: [{ number: 11, value: 'temperature' }],
}

/** Without a member that is undefined, so that structures compare. */
function plain<Message extends CoapMessage>(message: Message): Message {
  const copy = { ...message }
  if (copy.badOption === undefined) delete (copy as { badOption?: number }).badOption
  return copy
}

test('the example of RFC 7252 Appendix A, both ways', (t) => {
  const request = '41017d34' + '20' + 'bb74656d7065726174757265'
  t.equal(encodeHex(encodeCoapMessage(get)), request)
  t.same(plain(decodeCoapMessage(decodeHex(request))), get)
  const answer: CoapDatagram = { type: 'ACK', messageId: 0x7d34, code: '2.05', token: decodeHex('20'), options: [], payload: encodeUtf8('22.3 C') }
  t.equal(encodeHex(encodeCoapMessage(answer)), '61457d3420ff32322e332043')
  t.same(plain(decodeCoapMessage(encodeCoapMessage(answer))), answer)
})

test('every option of the table comes back, and in the order of numbers', (t) => {
  const options = Object.values(coapOptions).map(({ number, format, bytes }) => {
    const value = format === 'string' ? 'é'.repeat(Math.max(1, bytes[0])) : format === 'uint' ? 200 : new Uint8Array(bytes[1])
    return { number, value }
  })
  const message = { ...get, options: [...options].reverse() }
  t.same(plain(decodeCoapMessage(encodeCoapMessage(message))), { ...get, options })
})

test('numbers in options are as short as can be', (t) => {
  const sizes = [0, 1, 255, 256, 65535, 65536, 16777215, 16777216, 4294967295].map((value) => {
    const bytes = encodeCoapMessage({ ...get, options: [{ number: coapOptions.size1.number, value }] })
    t.same(decodeCoapMessage(bytes).options, [{ number: 60, value }])
    return bytes.length - 7
  })
  t.same(sizes, [0, 1, 1, 2, 2, 3, 3, 4, 4])
})

test('option numbers and lengths in all their forms', (t) => {
  for (const number of [2, 12 + 2, 13 + 2, 268, 269, 270, 65_000, 65_534]) {
    for (const length of [0, 12, 13, 268, 269, 1000]) {
      const option = { number: number - number % 2 + 1000 * (number % 2), value: new Uint8Array(length).fill(7) }
      if (option.number < 300) option.number = 2048 + option.number
      t.same(plain(decodeCoapMessage(encodeCoapMessage({ ...get, options: [option] }))).options, [option])
    }
  }
})

test('every cut of a message is truncated, malformed or a shorter message', (t) => {
  const whole = encodeCoapMessage({ ...get, token: decodeHex('0102030405060708'), options: [...get.options, { number: 60, value: 70_000 }], payload: encodeUtf8('abc') })
  let coded = 0
  for (let length = 0; length < whole.length; length++) {
    try {
      decodeCoapMessage(whole.subarray(0, length))
    } catch (thrown) {
      if (!(thrown instanceof CoapFormatError)) throw thrown
      coded++
    }
  }
  t.ok(coded > 20)
  for (const length of [0, 3, 11]) t.throws(() => decodeCoapMessage(whole.subarray(0, length)), 'ERR_COAP_TRUNCATED')
})

test('what the format forbids is malformed', (t) => {
  const cases = ['01017d34', '81017d34', '49017d34010203040506070809', '40007d3400', '41007d3401', '40017d34ff', '40017d34f0', '40017d340f', '40017d34e0feff' + 'e0fe00', '40017d34' + 'b161ff']
  for (const hex of cases) t.throws(() => decodeCoapMessage(decodeHex(hex)), 'ERR_COAP_MALFORMED', hex)
  for (const hex of ['40017d34d0', '40017d34e000', '40017d340d', '40017d340e00', '40017d34b5616263']) t.throws(() => decodeCoapMessage(decodeHex(hex)), 'ERR_COAP_TRUNCATED', hex)
})

test('an option that is not understood is kept as bytes, and named when it is critical', (t) => {
  const bad = (...options: CoapMessage['options']): number | undefined => decodeCoapMessage(encodeCoapMessage({ ...get, options })).badOption
  t.equal(bad({ number: 9, value: none }), 9)
  t.equal(bad({ number: 10, value: none }), undefined)
  t.equal(bad({ number: 17, value: 50 }, { number: 17, value: 60 }), 17, 'twice and may not be')
  t.equal(bad({ number: 11, value: 'a' }, { number: 11, value: 'b' }), undefined)
  const read = (hex: string): CoapMessage => decodeCoapMessage(decodeHex(hex))
  t.equal(read('40017d34' + '72' + '1234').badOption, undefined)
  t.equal(read('40017d34' + '73' + '123456').badOption, 7, 'Uri-Port of three bytes')
  t.equal(read('40017d34' + 'b1' + 'ff').badOption, 11, 'Uri-Path that is not UTF-8')
  t.same(read('40017d34' + 'c3' + '010203').options, [{ number: 12, value: decodeHex('010203') }], 'Content-Format of three bytes is nobody\'s')
})

test('bounds: options and bytes, at the bound and one past it', (t) => {
  const paths = (count: number): Uint8Array => encodeCoapMessage({ ...get, options: Array.from({ length: count }, () => ({ number: 11, value: 'a' })) })
  t.equal(decodeCoapMessage(paths(64)).options.length, 64)
  t.throws(() => decodeCoapMessage(paths(65)), 'ERR_COAP_TOO_LARGE')
  const large = (length: number): Uint8Array => encodeCoapFrame({ code: '2.05', token: none, options: [], payload: new Uint8Array(length) })
  t.equal(decodeCoapFrame(large(65_533)).payload.length, 65_533)
  t.throws(() => decodeCoapFrame(large(65_534)), 'ERR_COAP_TOO_LARGE')
})

test('wrong arguments are range errors', (t) => {
  for (const change of [
    { token: new Uint8Array(9) }, { messageId: 65_536 }, { code: '8.00' }, { code: '2.32' }, { code: 'GET' }, { options: [{ number: 65_536, value: none }] },
    { options: [{ number: 11, value: 'a'.repeat(256) }] }, { options: [{ number: 60, value: 2 ** 32 }] }, { options: [{ number: 60, value: -1 }] }, { options: [{ number: 12, value: 1.5 }] },
  ]) t.throws(() => encodeCoapMessage({ ...get, ...change }), 'RangeError', JSON.stringify(change))
})

test('frames of RFC 8323: requests and signals', (t) => {
  const { code, token, options, payload } = get
  t.equal(encodeHex(encodeCoapFrame({ code, token, options, payload })), '010120bb74656d7065726174757265')
  t.same(plain(decodeCoapFrame(decodeHex('010120bb74656d7065726174757265'))), { code, token, options, payload })
  const csm = { code: '7.01', token: none, options: [{ number: 2, value: 65_536 }, { number: 4, value: none }], payload: none }
  t.equal(encodeHex(encodeCoapFrame(csm)), '00e12301000020')
  t.same(plain(decodeCoapFrame(encodeCoapFrame(csm))), csm)
  t.equal(decodeCoapFrame(decodeHex('00e110')).badOption, 1, 'an odd number is critical in a signal too')
  t.same(decodeCoapFrame(encodeCoapFrame({ code: '7.04', token: none, options: [{ number: 2, value: 'host' }, { number: 4, value: 5 }], payload: none })).options.length, 2)
  t.throws(() => decodeCoapFrame(decodeHex('1001')), 'ERR_COAP_MALFORMED')
  t.throws(() => decodeCoapFrame(decodeHex('00')), 'ERR_COAP_TRUNCATED')
  t.throws(() => decodeCoapFrame(decodeHex('0901000000000000000000')), 'ERR_COAP_MALFORMED')
})

test('frames in a stream, whatever its chunks', (t) => {
  const frames = [0, 11, 12, 13, 267, 268, 269, 5000, 65_000].map((length) => encodeCoapFrame({ code: '2.05', token: decodeHex('0102'), options: [], payload: new Uint8Array(length) }))
  t.equal(encodeHex(toCoapStream(frames[0])), '02450102')
  t.equal(encodeHex(toCoapStream(frames[1]).subarray(0, 3)), 'c24501')
  t.equal(encodeHex(toCoapStream(frames[2]).subarray(0, 3)), 'd20045')
  for (const chunk of [1, 3, 1000, 100_000]) {
    const reader = createCoapStreamReader()
    const found: Uint8Array[] = []
    for (const frame of chunk === 1 ? frames.slice(0, 7) : frames) {
      const bytes = toCoapStream(frame)
      for (let at = 0; at < bytes.length; at += chunk) found.push(...reader.read(bytes.subarray(at, at + chunk)))
    }
    t.same(found.map((frame) => frame.length), (chunk === 1 ? frames.slice(0, 7) : frames).map((frame) => frame.length))
  }
  t.throws(() => createCoapStreamReader({ maxBytes: 100 }).read(decodeHex('e0ffff45')), 'ERR_COAP_TOO_LARGE')
  t.throws(() => createCoapStreamReader().read(decodeHex('f0ffffffff45')), 'ERR_COAP_TOO_LARGE')
})

function survive(t: Assert, decode: (bytes: Uint8Array) => CoapMessage, encode: (message: CoapMessage) => Uint8Array, start: number[]): void {
  const random = createSeededRandom(2)
  let messages = 0
  for (let turn = 0; turn < 3000; turn++) {
    const bytes = random.bytes(2 + turn % 30)
    bytes.set(start)
    try {
      const message = decode(bytes)
      messages++
      if (message.options.every(({ value }) => typeof value !== 'object') && encodeHex(encode(decode(encode(message)))) !== encodeHex(encode(message))) t.fail(encodeHex(bytes))
    } catch (thrown) {
      if (!(thrown instanceof CoapFormatError)) t.fail(`${encodeHex(bytes)}: ${String(thrown)}`)
    }
  }
  t.ok(messages > 10)
}

test('random bytes give messages or coded errors', (t) => {
  survive(t, decodeCoapMessage, (message) => encodeCoapMessage(message as CoapDatagram), [0x41])
  survive(t, decodeCoapFrame, encodeCoapFrame, [0x01])
})
