// Signing alone (lib/crypto/p256-sign.ts) beside what it replaces: all of noble's ECDSA over noble's own curve, and OpenSSL. With
// P256_SIGNATURES=10000 it is that many, and OpenSSL checks all of them.
import { createPublicKey, verify } from 'node:crypto'
import { ecdsa } from '@noble/curves/abstract/weierstrass.js'
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import tap from 'tap'
import { p256With } from '../../lib/crypto/p256.ts'
import { signP256 } from '../../lib/crypto/p256-sign.ts'
import { seededRandom } from '../lib/crypto/seeded-random.ts'
import { systemRandom } from './support/openssl.ts'

const PAIRS = Number(process.env.P256_SIGNATURES ?? 5000)
const BY_OPENSSL = Number(process.env.P256_SIGNATURES ?? 500)
const ORDER = p256.Point.Fn.ORDER
tap.setTimeout(60_000 + PAIRS * 200)

const curve = p256With(systemRandom, 8)
const whole = ecdsa(p256.Point, sha256, { lowS: false })
p256.Point.BASE.precompute(8)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const scalar = (value: bigint): Uint8Array => p256.Point.Fn.toBytes(value)

function opensslVerifies(message: Uint8Array, signature: Uint8Array, d: Uint8Array): boolean {
  const point = Buffer.from(p256.getPublicKey(d, false))
  const jwk = { kty: 'EC', crv: 'P-256', x: point.toString('base64url', 1, 33), y: point.toString('base64url', 33) }
  return verify('sha256', message, { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, signature)
}

void tap.test(`${PAIRS} random keys and messages: the very bytes of noble, and OpenSSL verifies`, (t) => {
  const wrong: string[] = []
  let highS = 0
  for (let pair = 0; pair < PAIRS; pair++) {
    const d = p256.utils.randomSecretKey()
    const message = systemRandom.bytes(pair % 300)
    const signature = signP256(curve, message, d)
    if (signature[32] >= 0x80) highS++
    const same = hex(signature) === hex(whole.sign(message, d))
    if (!same || (pair < BY_OPENSSL && !opensslVerifies(message, signature, d))) wrong.push(`${hex(d)} ${hex(message)}`)
  }
  t.same(wrong, [], 'no pair differs')
  t.ok(highS > PAIRS * 0.4 && highS < PAIRS * 0.6, `S falls on both sides: ${highS} high ones`)
  t.end()
})

void tap.test('edge scalars', (t) => {
  const leadingZeros = [1, 2, 8, 16, 24, 30].map((zeros) => BigInt(`0x${hex(systemRandom.bytes(32 - zeros))}`) + 1n)
  for (const value of [1n, 2n, 3n, ORDER - 1n, ORDER - 2n, ORDER >> 1n, (ORDER >> 1n) + 1n, 1n << 255n, ...leadingZeros]) {
    const d = scalar(value % ORDER)
    for (const message of [new Uint8Array(0), new Uint8Array(1), systemRandom.bytes(64), new Uint8Array(8192)]) {
      const signature = signP256(curve, message, d)
      t.equal(hex(signature), hex(whole.sign(message, d)), `as noble: ${value.toString(16)}, ${message.length} bytes`)
      t.ok(opensslVerifies(message, signature, d), 'OpenSSL verifies')
    }
  }
  for (const value of [new Uint8Array(32), Buffer.from(ORDER.toString(16), 'hex'), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)]) {
    t.throws(() => signP256(curve, new Uint8Array(1), value), `no scalar: ${hex(value)}`)
  }
  t.end()
})

void tap.test('the signature does not depend on the blinding, whatever the source gives', (t) => {
  const d = scalar(0xc0ffeen)
  const message = Buffer.from('a message')
  const wanted = hex(whole.sign(message, d))
  const constant = (byte: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(byte) })
  for (const random of [constant(0), constant(1), constant(255), seededRandom(1), seededRandom(2), systemRandom]) {
    for (const window of [1, 4]) t.equal(hex(signP256(p256With(random, window), message, d)), wanted)
  }
  t.end()
})

void tap.test('a source that fails after the start is an error at the next signature', (t) => {
  for (const failing of [() => { throw new Error('gone') }, () => new Uint8Array(0), (length: number) => new Uint8Array(length - 1)]) {
    for (const healthyDraws of [1, 2]) {
      let left = healthyDraws
      const random = { bytes: (length: number): Uint8Array => (left-- > 0 ? systemRandom.bytes(length) : failing(length)) }
      t.throws(() => signP256(p256With(random), new Uint8Array(1), scalar(5n)), `${healthyDraws} good draws`)
    }
  }
  t.end()
})

void tap.test('nonces: no R comes twice for different keys or messages, the same pair gives the same', (t) => {
  const seen = new Set<string>()
  for (let value = 1n; value <= 10n; value++) {
    for (let text = 0; text < 10; text++) {
      const sign = (): string => hex(signP256(curve, Uint8Array.of(text), scalar(value)))
      const first = sign()
      t.equal(sign(), first)
      seen.add(first.slice(0, 64))
    }
  }
  t.equal(seen.size, 100)
  t.end()
})
