import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, importSPKI, jwtVerify, SignJWT } from 'jose'
import tap from 'tap'
import {
  createP256Comb, createSigner, createVerifier, deviceKeyId, ecdsaSignatureFromDer, generatePrivateKey, parsePrivateKey, parsePublicKey, privateKeyToPem,
  publicKeyToJwk, publicKeyToPem,
} from '../../lib/crypto/index.ts'
import { DeviceTokenGenerator } from '../../lib/device/index.ts'
import { es256SigningKey, es256VerifyingKey, hs256Key, signJwt, verifyJwt } from '../../lib/jwt/index.ts'
import { nodeCrypto } from '../../runtimes/node/native-crypto.ts'
import { encodePem } from '../../lib/crypto/pem.ts'
import { openssl, opensslKeys, systemRandom as random } from './support/openssl.ts'

const folder = mkdtempSync(join(tmpdir(), 'lenskey-keys-'))
tap.teardown(() => rmSync(folder, { recursive: true }))
const clock = { nowMs: () => Date.now() }
const paths = { JavaScript: { clock, random }, comb: { clock, random, nativeCrypto: createP256Comb(random) }, OpenSSL: { clock, random, nativeCrypto: nodeCrypto } }

/** DER of an R‖S signature, for `openssl dgst`. */
function toDer(signature: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): number[] => {
    const trimmed = Array.from(bytes).slice(Math.min(31, bytes.findIndex((byte) => byte !== 0)))
    const content = trimmed[0] >= 0x80 ? [0, ...trimmed] : trimmed
    return [2, content.length, ...content]
  }
  const content = [...integer(signature.subarray(0, 32)), ...integer(signature.subarray(32))]
  return Uint8Array.from([0x30, content.length, ...content])
}

void tap.test('keys made by openssl: every form gives the same token-making key, verified by openssl and by jose', async (t) => {
  const { forms, publicPem } = opensslKeys(folder)
  const { publicKey } = parsePrivateKey(forms.SEC1)
  const spki = openssl(folder, 'ec', '-in', 'key.pem', '-pubout', '-outform', 'DER')
  t.equal(deviceKeyId(publicKey), `device:${createHash('sha256').update(spki).digest('hex')}`)
  t.equal(publicKeyToPem(publicKey), publicPem)
  t.same(parsePublicKey(spki), publicKey)
  writeFileSync(join(folder, 'pub.pem'), publicPem)
  const josePublic = await importSPKI(publicPem, 'ES256')
  for (const [path, host] of Object.entries(paths)) {
    for (const [form, text] of Object.entries(forms)) {
      const token = await new DeviceTokenGenerator('wp-1', 'wd-1', text, host).generateToken()
      const { payload, protectedHeader } = await jwtVerify(token, josePublic, { algorithms: ['ES256'] })
      t.equal(protectedHeader.kid, deviceKeyId(publicKey), `${form}, ${path}: jose`)
      t.equal(payload.resource, 'urn:nabto:webrtc:wp-1:wd-1')
      const dot = token.lastIndexOf('.')
      writeFileSync(join(folder, 'message'), token.slice(0, dot))
      writeFileSync(join(folder, 'signature'), toDer(Buffer.from(token.slice(dot + 1), 'base64url')))
      t.match(openssl(folder, 'dgst', '-sha256', '-verify', 'pub.pem', '-signature', 'signature', 'message').toString(), /Verified OK/, `${form}, ${path}: openssl`)
    }
  }
})

void tap.test('keys made by openssl that must be refused', (t) => {
  const run = (...args: string[]): string => openssl(folder, ...args).toString()
  const refused = {
    ERR_KEY_ENCRYPTED: [
      run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-aes256', '-pass', 'pass:secret'),
      run('ec', '-in', 'key.pem', '-aes128', '-passout', 'pass:secret'),
    ],
    ERR_KEY_CURVE: [
      run('ecparam', '-name', 'secp384r1', '-genkey', '-noout'),
      run('ecparam', '-name', 'secp256k1', '-genkey'),
      run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'),
      run('genpkey', '-algorithm', 'ed25519'),
      run('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'),
      run('ec', '-in', 'key.pem', '-param_enc', 'explicit'),
    ],
    ERR_KEY_FORMAT: [run('ec', '-in', 'key.pem', '-pubout')],
  }
  for (const [code, keys] of Object.entries(refused)) {
    for (const key of keys) {
      t.throws(() => parsePrivateKey(key), { code, message: /openssl|public half/ }, key.slice(0, 40))
    }
  }
  t.end()
})

void tap.test('the advice in the errors works', (t) => {
  const { forms } = opensslKeys(folder)
  t.throws(() => parsePrivateKey(encodePem('OPENSSH PRIVATE KEY', Uint8Array.of(1))), /ssh-keygen -p/)
  t.throws(() => parsePublicKey(encodePem('CERTIFICATE', Uint8Array.of(1))), /openssl x509 -in/)
  t.throws(() => parsePublicKey(forms.SEC1), /openssl pkey -in key\.pem -pubout/)
  const same = (file: string): void => { t.same(parsePrivateKey(openssl(folder, 'pkey', '-in', file).toString()), parsePrivateKey(forms.SEC1)) }
  openssl(folder, 'ec', '-in', 'key.pem', '-aes128', '-passout', 'pass:secret', '-out', 'locked.pem')
  openssl(folder, 'pkey', '-in', 'locked.pem', '-passin', 'pass:secret', '-out', 'plain.pem')
  same('plain.pem')
  openssl(folder, 'ec', '-in', 'key.pem', '-param_enc', 'explicit', '-out', 'explicit.pem')
  openssl(folder, 'ec', '-in', 'explicit.pem', '-param_enc', 'named_curve', '-out', 'named.pem')
  same('named.pem')
  openssl(folder, 'ec', '-in', 'key.pem', '-pubout', '-conv_form', 'compressed', '-out', 'compressed.pem')
  openssl(folder, 'ec', '-pubin', '-in', 'compressed.pem', '-conv_form', 'uncompressed', '-pubout', '-out', 'full.pem')
  t.same(parsePublicKey(openssl(folder, 'ec', '-pubin', '-in', 'full.pem', '-pubout').toString()), parsePrivateKey(forms.SEC1).publicKey)
  t.match(openssl(folder, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256').toString(), /BEGIN PRIVATE KEY/)
  t.end()
})

void tap.test('keys made here are read by openssl and by jose', async (t) => {
  for (const host of Object.values(paths)) {
    const key = generatePrivateKey(random, 'nativeCrypto' in host ? host.nativeCrypto : undefined)
    writeFileSync(join(folder, 'ours.pem'), privateKeyToPem(key))
    t.equal(openssl(folder, 'pkey', '-in', 'ours.pem', '-pubout').toString(), publicKeyToPem(key.publicKey))
    t.equal(openssl(folder, 'pkey', '-in', 'ours.pem').toString(), privateKeyToPem(key))
    t.match(openssl(folder, 'pkey', '-in', 'ours.pem', '-check', '-noout').toString(), /valid/)
    const token = await signJwt({}, { a: 1 }, es256SigningKey(createSigner(key, host)))
    t.match(await jwtVerify(token, await importJWK({ ...publicKeyToJwk(key.publicKey) }, 'ES256')), { payload: { a: 1 } })
  }
})

void tap.test('tokens made by jose', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const token = await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).setIssuedAt().sign(privateKey)
  const ours = parsePublicKey({ ...(await exportJWK(publicKey)) })
  t.same(parsePrivateKey({ ...(await exportJWK(privateKey)) }).publicKey, ours)
  for (const host of [{}, { nativeCrypto: nodeCrypto }]) t.match(await verifyJwt(token, es256VerifyingKey(ours, host)), { header: { kid: 'k' }, claims: { a: 1 } })
  const secret = Buffer.from('a secret of at least thirty-two bytes')
  const symmetric = await new SignJWT({ b: 2 }).setProtectedHeader({ alg: 'HS256' }).sign(secret)
  for (const host of [{}, { nativeCrypto: nodeCrypto }]) t.same(verifyJwt(symmetric, hs256Key(secret, host)).claims, { b: 2 })
  const empty = new Uint8Array(0)
  t.same(verifyJwt(signJwt({}, { c: 3 }, hs256Key(empty, { nativeCrypto: nodeCrypto })), hs256Key(empty)).claims, { c: 3 })
})

void tap.test('signatures of openssl verify with high S and with low S', async (t) => {
  const { publicPem } = opensslKeys(folder)
  const publicKey = parsePublicKey(publicPem)
  const verifiers = [createVerifier(publicKey), createVerifier(publicKey, { nativeCrypto: nodeCrypto })]
  const message = Buffer.from('a message')
  writeFileSync(join(folder, 'message'), message)
  let high = 0
  for (let round = 0; round < 40; round++) {
    const signature = ecdsaSignatureFromDer(openssl(folder, 'dgst', '-sha256', '-sign', 'key.pem', 'message'))
    if (signature[32] >= 0x80) high++
    for (const verifier of verifiers) t.ok(await verifier.verify(message, signature))
  }
  // All 40 on one side has a chance of 1 in 2^39.
  t.ok(high > 0 && high < 40, `${high} of 40 had a high S`)
})

void tap.test('200 random keys and messages: what one path signs, the other verifies', async (t) => {
  const broken: string[] = []
  for (let round = 0; round < 200; round++) {
    const portable = generatePrivateKey(random)
    const native = parsePrivateKey(privateKeyToPem(portable), { nativeCrypto: nodeCrypto })
    const message = random.bytes(round % 200)
    const bySelf = await createSigner(portable, { random }).sign(message)
    const byOpenssl = await createSigner(native, { random, nativeCrypto: nodeCrypto }).sign(message)
    const results = [
      await createVerifier(native.publicKey, { nativeCrypto: nodeCrypto }).verify(message, bySelf),
      await createVerifier(portable.publicKey).verify(message, byOpenssl),
    ]
    if (results.includes(false)) broken.push(privateKeyToPem(portable))
  }
  t.same(broken, [])
})

void tap.test('node:crypto: bytes handed to it may be changed afterwards', async (t) => {
  const key = generatePrivateKey(random, nodeCrypto)
  const d = key.d.slice()
  const signer = createSigner({ d, publicKey: key.publicKey }, { random, nativeCrypto: nodeCrypto })
  d.fill(0)
  const message = Buffer.from('x')
  t.ok(await createVerifier(key.publicKey).verify(message, await signer.sign(message)))
})
