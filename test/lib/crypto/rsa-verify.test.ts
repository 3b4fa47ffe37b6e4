import { decodeBase64url, decodeHex, encodeBase64url, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createRsaVerifier, parseRsaPublicKey, type RsaPublicKey, sha256 } from '../../../lib/crypto/index.ts'
import type { NativeCrypto } from '../../../lib/runtime/index.ts'
import cookbook from '../../vectors/jose-cookbook/4_1.rsa_v15_signature.json' with { type: 'json' }
import { test } from '../../suite.ts'

const { key: jwk } = cookbook.input
const key = parseRsaPublicKey(jwk)
const message = encodeUtf8(cookbook.signing['sig-input'])
const signature = decodeBase64url(cookbook.signing.sig)
const modulus = BigInt(`0x${[...key.n].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`)

/** A modulus of so many bits: all ones, which is odd. */
const ones = (bits: number): string => {
  const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(0xff)
  bytes[0] = 0xff >> ((8 - (bits % 8)) % 8)
  return encodeBase64url(bytes)
}
const bytesOf = (value: bigint, length: number): Uint8Array => {
  const digits = value.toString(16).padStart(length * 2, '0')
  return Uint8Array.from({ length }, (_byte, at) => parseInt(digits.slice(at * 2, at * 2 + 2), 16))
}

test('rsa: RFC 7520 §4.1, changed in every byte of the signature', async (t) => {
  const verifier = createRsaVerifier(key)
  t.equal(await verifier.verify(message, signature), true)
  t.equal(await verifier.verify(encodeUtf8('another message'), signature), false)
  for (let at = 0; at < signature.length; at += 5) {
    const changed = signature.slice()
    changed[at] ^= 1
    t.equal(await verifier.verify(message, changed), false, `byte ${at}`)
  }
})

test('rsa: only exactly as long as the modulus, and below it', async (t) => {
  const verifier = createRsaVerifier(key)
  for (const wrong of [
    new Uint8Array(0), signature.subarray(1), signature.subarray(0, 255), Uint8Array.of(0, ...signature), Uint8Array.of(...signature, 0),
    new Uint8Array(256), bytesOf(1n, 256), key.n, bytesOf(modulus - 1n, 256), new Uint8Array(256).fill(0xff),
  ]) t.equal(await verifier.verify(message, wrong), false, `${wrong.length} bytes`)
  const s = BigInt(`0x${[...signature].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`)
  if (s + modulus < 1n << 2048n) t.equal(await verifier.verify(message, bytesOf(s + modulus, 256)), false, 'the same modulo n')
})

test('rsa: bounds of a key', (t) => {
  const parse = (changes: Record<string, unknown>): RsaPublicKey => parseRsaPublicKey({ kty: 'RSA', n: jwk.n, e: jwk.e, ...changes })
  t.same(parse({}), key)
  t.same(parse({ d: 'private members are not looked at', use: 'sig', alg: 'RS256', key_ops: ['verify'] }), key)
  for (const bits of [2048, 2049, 3072, 8192]) t.equal(parse({ n: ones(bits) }).n.length, Math.ceil(bits / 8), `${bits} bits`)
  for (const n of [ones(2047), ones(1024), ones(8193), ones(16_384), encodeBase64url(new Uint8Array(256).fill(0xfe))]) t.throws(() => parse({ n }), 'ERR_KEY_RSA')
  for (const e of ['Aw', 'EQ', 'AQAB', '_____w']) t.ok(parse({ e }), e)
  for (const e of ['AQ', 'Ag', 'BA', 'AQAA', 'AQAAAAE']) t.throws(() => parse({ e }), 'ERR_KEY_RSA', `exponent ${e}`)
  for (const changes of [
    { n: undefined }, { n: 7 }, { n: '' }, { n: `AA${jwk.n.slice(2)}` }, { n: `${jwk.n}=` }, { e: '' }, { e: 'AAEAAQ' }, { e: 65_537 },
    { kty: 'EC' }, { kty: undefined },
  ]) t.throws(() => parse(changes), 'ERR_KEY_FORMAT', JSON.stringify(changes).slice(0, 40))
  for (const changes of [{ use: 'enc' }, { alg: 'RS384' }, { alg: 'PS256' }, { alg: 'ES256' }, { key_ops: ['sign'] }, { key_ops: [] }, { key_ops: 'verify' }]) {
    t.throws(() => parse(changes), 'ERR_KEY_USE', JSON.stringify(changes))
  }
})

test('rsa: what the platform can do is left to it, within our bounds', async (t) => {
  const asked: number[] = []
  const nativeCrypto: NativeCrypto = {
    rs256Verifier: (n, e) => {
      t.same([n, e], [key.n, key.e])
      return { verify: (_message, given) => asked.push(given.length) > 0 }
    },
  }
  const verifier = createRsaVerifier(key, { nativeCrypto })
  t.equal(await verifier.verify(message, signature), true)
  t.equal(await verifier.verify(message, signature.subarray(1)), false)
  t.equal(await verifier.verify(message, key.n), false)
  t.same(asked, [256])
})

test('rsa: a forged cube root, which readers of the padding take for a signature (CVE-2006-4339)', async (t) => {
  const weak = parseRsaPublicKey({ kty: 'RSA', n: ones(2048), e: 'Aw' })
  const start = Uint8Array.of(0, 1, ...new Array<number>(8).fill(0xff), 0, ...decodeHex('3031300d060960864801650304020105000420'), ...sha256(message))
  const least = BigInt(`0x${encodeHex(start)}`) << BigInt((256 - start.length) * 8)
  let [low, high] = [0n, 1n << 700n]
  while (low < high) {
    const middle = (low + high) >> 1n
    if (middle ** 3n < least) low = middle + 1n
    else high = middle
  }
  const cube = bytesOf(low ** 3n, 256)
  t.same(cube.subarray(0, start.length), start, 'the padding and the hash are there, with garbage behind them')
  t.equal(await createRsaVerifier(weak).verify(message, bytesOf(low, 256)), false)
})
