import { decodeHex, encodeHex } from '../../../lib/bytes/index.ts'
import { DER, DerReader, encodeDer } from '../../../lib/crypto/der.ts'
import { test } from '../../suite.ts'

test('der: lengths at each form, written and read back', (t) => {
  for (const [length, header] of [[0, '0400'], [127, '047f'], [128, '048180'], [255, '0481ff'], [256, '04820100'], [65_535, '0482ffff']] as const) {
    const written = encodeDer(DER.octetString, new Uint8Array(length))
    t.equal(encodeHex(written.subarray(0, written.length - length)), header)
    t.equal(new DerReader(written).read(DER.octetString).length, length)
  }
  t.throws(() => encodeDer(DER.octetString, new Uint8Array(65_536)), 'RangeError')
})

test('der: nothing looser than DER', (t) => {
  const bad = ['', '04', '0401', '048100', '04817f', '0482007f' + '00'.repeat(127), '04830000ff', '0480', '0480000000', '04ff', '040200']
  for (const hex of bad) t.throws(() => new DerReader(decodeHex(hex)).read(DER.octetString), 'ERR_DER', hex)
  t.throws(() => new DerReader(decodeHex('0500')).read(DER.octetString), 'ERR_DER', 'another tag')
})

test('der: integers in their shortest form', (t) => {
  for (const [hex, content] of [['020100', '00'], ['02017f', '7f'], ['02020080', '80']]) {
    t.equal(encodeHex(new DerReader(decodeHex(hex)).readInteger()), content)
  }
  for (const hex of ['0200', '020180', '0202007f', '02020000', '0202ff00']) t.throws(() => new DerReader(decodeHex(hex)).readInteger(), 'ERR_DER', hex)
})

test('der: bit strings of whole bytes, and nothing left over', (t) => {
  t.equal(encodeHex(new DerReader(decodeHex('03020007')).readBits()), '07')
  for (const hex of ['0300', '03020107']) t.throws(() => new DerReader(decodeHex(hex)).readBits(), 'ERR_DER', hex)
  const reader = new DerReader(decodeHex('050000'))
  reader.read(5)
  t.throws(() => reader.end(), 'ERR_DER')
  t.ok(!reader.has(DER.sequence))
  t.ok(new DerReader(decodeHex('3000')).has(DER.sequence))
})
