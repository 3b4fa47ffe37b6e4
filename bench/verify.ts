// Verifying tokens beside jose, node:crypto and @noble/curves (goals: "Speed of tokens and keys").
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { importSPKI, jwtVerify, SignJWT } from 'jose'
import { parsePrivateKey, parseRsaPublicKey, publicKeyToPem } from '../lib/crypto/index.ts'
import { DeviceTokenGenerator } from '../lib/device/token-generator.ts'
import { checkClaims, es256VerifyingKey, rs256VerifyingKey, verifyJwt } from '../lib/jwt/index.ts'
import { nodeCrypto } from '../runtimes/node/native-crypto.ts'
import { keyPem } from './first-token/key.ts'
import { ratesOf } from './measure.ts'
import { atLeast, type BenchRow, withJose } from './row.ts'

const host = { clock: { nowMs: () => Date.now() }, random: { bytes: (length: number) => randomBytes(length) } }
const key = parsePrivateKey(keyPem)

export async function run(): Promise<BenchRow[]> {
  return [...await es256Rows(), ...await rs256Rows()]
}

async function es256Rows(): Promise<BenchRow[]> {
  const generator = new DeviceTokenGenerator('wp-product', 'wd-device', keyPem, { ...host, nativeCrypto: nodeCrypto })
  const token = await generator.generateToken()
  const dot = token.lastIndexOf('.')
  const message = Buffer.from(token.slice(0, dot))
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  const publicPem = publicKeyToPem(key.publicKey)
  const nodeKey = { key: createPublicKey(publicPem), dsaEncoding: 'ieee-p1363' } as const
  const joseKey = await importSPKI(publicPem, 'ES256')
  const [native, inJavaScript] = [es256VerifyingKey(key.publicKey, { nativeCrypto: nodeCrypto }), es256VerifyingKey(key.publicKey)]
  const verifyWith = (by: typeof native) => async (): Promise<void> => {
    const { claims } = await verifyJwt(token, by)
    checkClaims(claims, { nowSeconds: Date.now() / 1000, required: ['exp', 'iat'] })
  }
  const fast = await ratesOf({ ours: verifyWith(native), 'node:crypto, raw signature': () => verify('sha256', message, nodeKey, signature) })
  const joined = await ratesOf({ ours: verifyWith(native), jose: () => jwtVerify(token, joseKey, { algorithms: ['ES256'] }) })
  const slow = await ratesOf({
    ours: verifyWith(inJavaScript),
    '@noble/curves, raw signature': () => p256.verify(signature, message, key.publicKey.point, { lowS: false }),
  })
  return [
    withJose(atLeast(0.9, 'node:crypto, raw signature', 'ES256 token verified, native', fast), joined),
    atLeast(0.9, '@noble/curves, raw signature', 'ES256 token verified, JavaScript', slow),
  ]
}

/** What an OAuth server signs: a key of 2048 bits. */
async function rs256Rows(): Promise<BenchRow[]> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const token = await new SignJWT({ sub: 'someone' }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).setIssuedAt().setExpirationTime('1 h').sign(privateKey)
  const dot = token.lastIndexOf('.')
  const [message, signature] = [Buffer.from(token.slice(0, dot)), Buffer.from(token.slice(dot + 1), 'base64url')]
  const parsed = parseRsaPublicKey({ ...publicKey.export({ format: 'jwk' }) })
  const [native, inJavaScript] = [rs256VerifyingKey(parsed, { nativeCrypto: nodeCrypto }), rs256VerifyingKey(parsed)]
  const verifyWith = (by: typeof native) => async (): Promise<void> => {
    const { claims } = await verifyJwt(token, by)
    checkClaims(claims, { nowSeconds: Date.now() / 1000, required: ['exp', 'iat'] })
  }
  const fast = await ratesOf({ ours: verifyWith(native), 'node:crypto, raw signature': () => verify('sha256', message, publicKey, signature) })
  const joined = await ratesOf({ ours: verifyWith(native), jose: () => jwtVerify(token, publicKey, { algorithms: ['RS256'] }) })
  const slow = await ratesOf({ ours: verifyWith(inJavaScript), jose: () => jwtVerify(token, publicKey, { algorithms: ['RS256'] }) })
  return [
    withJose(atLeast(0.9, 'node:crypto, raw signature', 'RS256 token verified, native', fast), joined),
    atLeast(1, 'jose', 'RS256 token verified, JavaScript', slow),
  ]
}
