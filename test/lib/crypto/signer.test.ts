import { decodeHex, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createCallbackSigner, createSigner, createVerifier, ecdsaSignatureFromDer, generatePrivateKey } from '../../../lib/crypto/index.ts'
import { test } from '../../suite.ts'
import { seededRandom } from './seeded-random.ts'

const random = seededRandom(20)
const key = generatePrivateKey(random)
const message = encodeUtf8('a message')

test('signer: what it signs verifies, by its own key only', async (t) => {
  const signature = await createSigner(key, { random }).sign(message)
  t.equal(signature.length, 64)
  t.ok(await createVerifier(key.publicKey).verify(message, signature))
  t.ok(!(await createVerifier(generatePrivateKey(random).publicKey).verify(message, signature)))
})

test('verifier: 64 bytes in range, or false', async (t) => {
  const verifier = createVerifier(key.publicKey)
  const signature = await createSigner(key, { random }).sign(message)
  const half = encodeHex(signature.subarray(0, 32))
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
  const bad = [signature.subarray(0, 63), new Uint8Array([...signature, 0]), new Uint8Array(64), new Uint8Array(0), decodeHex(half + order), decodeHex(order + half), decodeHex(half + '00'.repeat(32))]
  for (const form of bad) t.equal(await verifier.verify(message, form), false, encodeHex(form))
})

test('verifier: a platform one is asked only about signatures in range', async (t) => {
  const asked: Uint8Array[] = []
  const nativeCrypto = { p256Verifier: () => ({ verify: (_: Uint8Array, signature: Uint8Array) => asked.push(signature) > 0 }) }
  const verifier = createVerifier(key.publicKey, { nativeCrypto })
  t.equal(await verifier.verify(message, new Uint8Array(64)), false)
  t.equal(asked.length, 0)
  t.equal(await verifier.verify(message, new Uint8Array(64).fill(1)), true)
})

test('signer: a secure element answers with 64 bytes in range, or its answer is refused', async (t) => {
  const inner = createSigner(key, { random })
  const good = createCallbackSigner(key.publicKey, (bytes) => Promise.resolve(inner.sign(bytes)))
  t.ok(await createVerifier(key.publicKey).verify(message, await good.sign(message)))
  for (const answer of [new Uint8Array(64), new Uint8Array(70).fill(1)]) {
    const bad = createCallbackSigner(key.publicKey, () => answer)
    await t.rejects(Promise.resolve(bad.sign(message)), 'ERR_SIGNATURE_FORMAT')
  }
})

test('signatures in DER become R‖S', (t) => {
  t.equal(encodeHex(ecdsaSignatureFromDer(decodeHex('3006020101020102'))), `${'00'.repeat(31)}01${'00'.repeat(31)}02`)
  t.equal(encodeHex(ecdsaSignatureFromDer(decodeHex(`3046022100${'ff'.repeat(32)}022100${'80'.repeat(32)}`))), 'ff'.repeat(32) + '80'.repeat(32))
  for (const bad of ['', '3006020101020102ff', '300702010102010200', '30060201010201', '3006020181020102', '30080202000102020002']) {
    t.throws(() => ecdsaSignatureFromDer(decodeHex(bad)), 'ERR_DER', bad)
  }
  t.throws(() => ecdsaSignatureFromDer(decodeHex(`3026022101${'00'.repeat(32)}020101`)), 'ERR_SIGNATURE_FORMAT')
})
