import { decodePemBody, encodePem, findPemBlocks, MAX_KEY_TEXT_LENGTH } from '../../../lib/crypto/pem.ts'
import { test } from '../../suite.ts'

const bytes = Uint8Array.from({ length: 100 }, (_, at) => (at * 7) & 255)
const pem = encodePem('TEST', bytes)

test('pem: every tail length written and read back, in lines of 64', (t) => {
  for (let length = 1; length < 100; length++) {
    const text = encodePem('TEST', bytes.subarray(0, length))
    const [block] = findPemBlocks(text)
    t.same(decodePemBody(block), bytes.slice(0, length))
    t.ok(text.split('\n').every((line) => line.length <= 64))
  }
})

test('pem: what people paste', (t) => {
  const ways = {
    CRLF: pem.replace(/\n/g, '\r\n'),
    'spaces for line ends': pem.replace(/\n/g, ' '),
    'no line ends': pem.replace(/\n/g, ''),
    'written-out line ends': pem.replace(/\n/g, '\\n'),
    'text around': `Bag Attributes\n  friendlyName: camera\n${pem}\nregards`,
    indented: pem.replace(/^/gm, '    '),
  }
  for (const [name, text] of Object.entries(ways)) {
    const [block, ...others] = findPemBlocks(text)
    t.equal(others.length, 0)
    t.equal(block.label, 'TEST')
    t.same(decodePemBody(block), bytes, name)
  }
})

test('pem: several blocks, and none', (t) => {
  t.same(findPemBlocks(pem + encodePem('OTHER', bytes)).map(({ label }) => label), ['TEST', 'OTHER'])
  t.same(findPemBlocks('no key here'), [])
})

test('pem: damaged blocks', (t) => {
  for (let cut = pem.indexOf('BEGIN ') + 6; cut < pem.length - 1; cut++) t.throws(() => findPemBlocks(pem.slice(0, cut)), 'ERR_KEY_FORMAT', `cut at ${cut}`)
  for (const body of ['', '!!!!', 'AAA=A', 'AAAAA', 'AAA', 'AB==', 'A===', 'AA=', '-_-_']) {
    const read = (): unknown => decodePemBody({ label: 'TEST', encrypted: false, body })
    if (body === 'AAA') t.same(read(), Uint8Array.of(0, 0), 'missing padding is harmless')
    else t.throws(read, ['AAAAA', 'AB=='].includes(body) ? 'ERR_BASE64URL' : 'ERR_KEY_FORMAT', body)
  }
})

test('pem: the text has its limit, and the search stays linear', (t) => {
  t.equal(findPemBlocks(' '.repeat(MAX_KEY_TEXT_LENGTH - pem.length) + pem).length, 1)
  t.throws(() => findPemBlocks(' '.repeat(MAX_KEY_TEXT_LENGTH - pem.length + 1) + pem), 'ERR_KEY_TOO_LARGE')
  t.throws(() => findPemBlocks('-----BEGIN '.repeat(5900)), 'ERR_KEY_FORMAT')
})
