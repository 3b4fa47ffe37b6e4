// Tokens and keys beside jose, node:crypto and @noble/curves (goals: "Speed of tokens and keys").
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { ecdsa, weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose'
import { createSigner, parsePrivateKey, parseRsaPublicKey, publicKeyToPem } from '../lib/crypto/index.ts'
import { DeviceTokenGenerator } from '../lib/device/token-generator.ts'
import { checkClaims, es256VerifyingKey, rs256VerifyingKey, verifyJwt } from '../lib/jwt/index.ts'
import { nodeCrypto } from '../runtimes/node/native-crypto.ts'
import { keyPem } from './first-token/key.ts'
import { costsOver, type ProcessCost, type Rates, ratesOf, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const random = { bytes: (length: number) => randomBytes(length) }
const host = { clock: { nowMs: () => Date.now() }, random }
const key = parsePrivateKey(keyPem)

export async function run(): Promise<BenchRow[]> {
  return [...await signingRows(), ...await verifyingRows(), ...await rsaRows(), ...firstTokenRows()]
}

async function signingRows(): Promise<BenchRow[]> {
  const native = new DeviceTokenGenerator('wp-product', 'wd-device', keyPem, { ...host, nativeCrypto: nodeCrypto })
  // The window that @noble/curves takes by itself.
  const inJavaScript = new DeviceTokenGenerator('wp-product', 'wd-device', createSigner(key, { random, tableWindow: 6 }), host)
  const token = await native.generateToken()
  const kid = (JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()) as { kid: string }).kid
  const message = Buffer.from(token.slice(0, token.lastIndexOf('.')))
  const nodeKey = { key: createPrivateKey(keyPem), dsaEncoding: 'ieee-p1363' } as const
  const joseKey = await importPKCS8(keyPem, 'ES256')
  // As raw as it gets, with the random source that we hand in.
  const noble = ecdsa(weierstrass(p256.Point.CURVE(), { randomBytes: nobleRandom }), sha256, { randomBytes: nobleRandom, lowS: false })

  // Two by two: the garbage of a third would be collected in somebody else's slice.
  const fast = await ratesOf({ ours: () => native.generateToken(), 'node:crypto, raw signature': () => sign('sha256', message, nodeKey) })
  const joined = await ratesOf({
    ours: () => native.generateToken(),
    jose: () => new SignJWT({ scope: 'device:connect turn', resource: 'urn:nabto:webrtc:wp-product:wd-device' })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid }).setIssuedAt().setNotBefore('0 s').setExpirationTime('24 h').sign(joseKey),
  })
  const slow = await ratesOf({ ours: () => inJavaScript.generateToken(), '@noble/curves, raw signature': () => noble.sign(message, key.d) })
  const row = withJose(atLeast(0.9, 'node:crypto, raw signature', 'device token, native', fast), joined)
  return [
    { ...row, goal: `${row.goal}, ≥ 2 × jose`, met: row.met && joined.ratio('ours', 'jose') >= 2 },
    atLeast(0.95, '@noble/curves, raw signature', 'device token, JavaScript', slow),
  ]
}

const nobleRandom = (length = 32): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(length))

async function verifyingRows(): Promise<BenchRow[]> {
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
async function rsaRows(): Promise<BenchRow[]> {
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

function atLeast<Peer extends string>(share: number, peer: Peer, row: string, rates: Rates<'ours' | Peer>): BenchRow {
  const ratio = rates.ratio('ours', peer)
  return {
    row, value: round(rates.of('ours')), unit: 'per second', better: 'higher',
    peers: [{ name: peer, value: round(rates.of(peer)) }],
    ratio: round(ratio), goal: `≥ ${share} × ${peer}`, met: ratio >= share,
  }
}

const withJose = (row: BenchRow, rates: Rates<'ours' | 'jose'>): BenchRow => ({ ...row, peers: [...row.peers, { name: 'jose', value: round(rates.of('jose')) }] })

/** A fresh process that reads the key and makes one token, over one that does nothing. */
function firstTokenRows(): BenchRow[] {
  const program = (name: string): string[] => [`build/bench/first-token/${name}.js`]
  const costs = costsOver(program('empty'), {
    ours: program('ours'), 'node:crypto': program('node-crypto'), jose: program('jose'), '@noble/curves': program('noble'),
  })
  const row = (name: string, unit: 'ms' | 'MB', of: (cost: ProcessCost) => number, most: number): BenchRow => {
    const value = of(costs.ours)
    const peers = (['node:crypto', 'jose', '@noble/curves'] as const).map((peer) => ({ name: peer, value: round(of(costs[peer])) }))
    return { row: name, value: round(value), unit, better: 'lower', peers, ratio: round(value / most), goal: `≤ ${most} ${unit}`, met: value <= most }
  }
  return [
    row('first token, time over an empty process', 'ms', ({ ms }) => ms, 10),
    row('first token, memory over an empty process', 'MB', ({ megabytes }) => megabytes, 3),
  ]
}
