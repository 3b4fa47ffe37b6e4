import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { decodeHex, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { hmacSha256, sha256 } from '../../../lib/crypto/index.ts'
import { test } from '../../suite.ts'
import { seededRandom } from './seeded-random.ts'

test('sha256: FIPS 180-4, the examples of NIST', (t) => {
  const examples: [string, string][] = [
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
    ['abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu', 'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1'],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ]
  for (const [text, hash] of examples) t.equal(encodeHex(sha256(encodeUtf8(text))), hash, `${text.length} bytes`)
})

test('hmac: RFC 4231', (t) => {
  const cases: [string, string, string][] = [
    ['0b'.repeat(20), encodeHex(encodeUtf8('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [encodeHex(encodeUtf8('Jefe')), encodeHex(encodeUtf8('what do ya want for nothing?')), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    ['0102030405060708090a0b0c0d0e0f10111213141516171819', 'cd'.repeat(50), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
    ['aa'.repeat(131), encodeHex(encodeUtf8('Test Using Larger Than Block-Size Key - Hash Key First')), '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
  ]
  for (const [key, text, wanted] of cases) t.equal(encodeHex(hmacSha256(decodeHex(key), decodeHex(text))), wanted)
})

test('sha256, hmac: as @noble/hashes at every length around the blocks, and nothing else is touched', (t) => {
  const random = seededRandom(7)
  const store = random.bytes(400)
  const before = store.slice()
  for (let length = 0; length <= 260; length++) {
    const message = store.subarray(3, 3 + length)
    t.same(sha256(message), nobleSha256(message), `hash, ${length} bytes`)
    const key = store.subarray(140, 140 + (length % 135))
    t.same(hmacSha256(key, message), hmac(nobleSha256, key, message), `mac, ${length} bytes`)
  }
  t.same(store, before)
})
