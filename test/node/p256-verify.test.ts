// Verifying (lib/crypto/p256-verify.ts) beside noble's ECDSA over noble's own curve.
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import tap from 'tap'
import { verifyP256 } from '../../lib/crypto/p256-verify.ts'
import { systemRandom } from './support/openssl.ts'

const ROUNDS = 100
tap.setTimeout(120_000)
const { Fn } = p256.Point
const ORDER = Fn.ORDER

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const hashOf = (message: Uint8Array): bigint => BigInt(`0x${hex(sha256(message))}`) % ORDER
const signatureOf = (r: bigint, s: bigint): Uint8Array => Buffer.concat([Fn.toBytes(r), Fn.toBytes(s)])
const nobleVerifies = (message: Uint8Array, signature: Uint8Array, point: Uint8Array): boolean =>
  p256.verify(signature, message, point, { lowS: false })

function changed(bytes: Uint8Array, from = 0): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const [where, bit] = systemRandom.bytes(2)
  copy[from + (where % (bytes.length - from))] ^= 1 << (bit & 7)
  return copy
}

void tap.test(`${ROUNDS} keys: the same answer as noble for what fits, and for everything one bit away`, (t) => {
  const wrong: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const d = p256.utils.randomSecretKey()
    const point = p256.getPublicKey(d, false)
    const message = systemRandom.bytes(1 + (round % 300))
    const signature = p256.sign(message, d, { lowS: false })
    const s = Fn.fromBytes(signature.subarray(32))
    const other = p256.getPublicKey(p256.utils.randomSecretKey(), false)
    const cases: [Uint8Array, Uint8Array, Uint8Array, boolean][] = [
      [message, signature, point, true],
      [message, signatureOf(Fn.fromBytes(signature.subarray(0, 32)), Fn.neg(s)), point, true],
      [changed(message), signature, point, false],
      [message, changed(signature), point, false],
      [message, signature, changed(point, 1), false],
      [message, signature, other, false],
    ]
    for (const [text, made, key, wanted] of cases) {
      if (verifyP256(text, made, key) !== wanted || nobleVerifies(text, made, key) !== wanted) wrong.push(`${hex(text)} ${hex(made)} ${hex(key)}`)
    }
  }
  t.same(wrong, [])
  t.end()
})

void tap.test('sums that are the identity, a doubling or a single point', (t) => {
  const message = Buffer.from('a message')
  const h = hashOf(message)
  for (const d of [1n, 2n, 3n, 4n, 5n, 7n, ORDER - 1n, ORDER - 2n, ORDER >> 1n, 0xc0ffeen]) {
    const point = p256.getPublicKey(Fn.toBytes(d), false)
    const ratio = Fn.div(h, d)
    // u1·G + u2·d·G with u1 = h/s and u2 = r/s: at r = -h/d the identity, at r = h/d two equal halves.
    for (const r of [ratio, Fn.neg(ratio), 1n, 2n, ORDER - 1n, ORDER - 2n]) {
      for (const s of [1n, 2n, h, r, Fn.neg(h), ORDER - 1n]) {
        const signature = signatureOf(r, s)
        t.equal(verifyP256(message, signature, point), nobleVerifies(message, signature, point), `d ${d}, r ${r}, s ${s}`)
      }
    }
    t.notOk(verifyP256(message, signatureOf(Fn.neg(ratio), 1n), point), 'the identity fits nothing')
  }
  t.end()
})

void tap.test('signatures made for edge scalars verify', (t) => {
  for (const d of [1n, 2n, ORDER - 1n, ORDER - 2n, ORDER >> 1n, (ORDER >> 1n) + 1n, 1n << 255n]) {
    const secret = Fn.toBytes(d)
    for (const message of [new Uint8Array(0), new Uint8Array(1), systemRandom.bytes(64), new Uint8Array(8192)]) {
      t.ok(verifyP256(message, p256.sign(message, secret, { lowS: false }), p256.getPublicKey(secret, false)), d.toString(16))
    }
  }
  t.end()
})

void tap.test('what is no point of the curve verifies nothing', (t) => {
  const d = p256.utils.randomSecretKey()
  const message = new Uint8Array(3)
  const signature = p256.sign(message, d, { lowS: false })
  const point = p256.getPublicKey(d, false)
  for (const bad of [p256.getPublicKey(d, true), point.subarray(1), Uint8Array.of(0), new Uint8Array(65), Uint8Array.of(4, ...new Uint8Array(64)), Uint8Array.of(6, ...point.subarray(1))]) {
    t.notOk(verifyP256(message, signature, bad))
  }
  t.end()
})
