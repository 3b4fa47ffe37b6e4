import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import tap from 'tap'
import { createRsaVerifier, parseRsaPublicKey } from '../../lib/crypto/index.ts'
import { rs256VerifyingKey, verifyJwt } from '../../lib/jwt/index.ts'
import { nodeCrypto } from '../../runtimes/node/native-crypto.ts'

const paths = { JavaScript: {}, OpenSSL: { nativeCrypto: nodeCrypto } }

for (const [name, host] of Object.entries(paths)) {
  void tap.test(`RS256 of OpenSSL and jose, verified in ${name}`, async (t) => {
    for (const [modulusLength, publicExponent] of [[2048, 65_537], [2056, 3], [3072, 65_537], [4096, 65_537]]) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent })
      const key = parseRsaPublicKey({ ...publicKey.export({ format: 'jwk' }) })
      const verifier = createRsaVerifier(key, host)
      for (const message of [Buffer.alloc(0), Buffer.from('a message'), Buffer.alloc(10_000, 7)]) {
        const signature = sign('sha256', message, privateKey)
        t.equal(await verifier.verify(message, signature), true, `${modulusLength} bits, ${message.length} bytes`)
        t.equal(await verifier.verify(Buffer.concat([message, Buffer.from('!')]), signature), false)
        t.equal(await verifier.verify(message, sign('sha512', message, privateKey)), false, 'another hash')
        t.equal(await verifier.verify(message, sign('sha256', message, { key: privateKey, padding: 6 })), false, 'PSS')
      }
      const token = await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })))
      t.match(await verifyJwt(token, rs256VerifyingKey(parseRsaPublicKey({ ...await exportJWK(publicKey) }), host)), { claims: { a: 1 } })
    }
  })
}
