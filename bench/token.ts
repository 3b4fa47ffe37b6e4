// Tokens and keys beside jose, node:crypto and @noble/curves (goals: "Speed of tokens and keys").
import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import { ecdsa, weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { importPKCS8, SignJWT } from 'jose'
import { createSigner, parsePrivateKey } from '../lib/crypto/index.ts'
import { DeviceTokenGenerator } from '../lib/device/token-generator.ts'
import { nodeCrypto } from '../runtimes/node/native-crypto.ts'
import { keyPem } from './first-token/key.ts'
import { costsOver, type ProcessCost, ratesOf, round } from './measure.ts'
import { atLeast, type BenchRow, withJose } from './row.ts'

const random = { bytes: (length: number) => randomBytes(length) }
const host = { clock: { nowMs: () => Date.now() }, random }
const key = parsePrivateKey(keyPem)

export async function run(): Promise<BenchRow[]> {
  return [...await signingRows(), ...firstTokenRows()]
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
