// Every kind of token, and every way in which one can be wrong.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importPKCS8, SignJWT } from 'jose'
import { deviceAudience } from '../../../lib/access/index.ts'
import type { DeviceIds } from '../../../lib/cloud/index.ts'
import { privateKeyToPem } from '../../../lib/crypto/index.ts'
import { makeSigningKey, type SigningKey } from './oidc-issuer.ts'
import type { TestKey } from './service.ts'

type Claims = Record<string, unknown>
type Make = () => Promise<string>

/** One kind of token: its name, and how each of its variants is made, anew for each door. */
export interface TokenKind {
  name: string
  variants: [name: string, make: Make][]
}

export const RIGHT = 'right'

/** What is the same in all signed tokens: who signs, and claims for a device. */
export interface SignedKind {
  name: string
  key: Signer
  claims: (device: DeviceIds) => Claims
  /** What makes them a token for somebody else. */
  wrongAudience: Record<string, Claims>
  /** Whose signature is good for another device alone. */
  keyOf?: (device: DeviceIds) => Signer
  right?: Make
}

export interface Devices {
  asked: DeviceIds
  otherDevice: DeviceIds
  otherProduct: DeviceIds
}

type Signer = Pick<SigningKey, 'alg' | 'kid' | 'privateKey' | 'publicKey'>

/** A registered key, for tokens of a device or of the owner of a product. */
export async function registeredSigner({ key, publicPem }: TestKey, kid: string): Promise<Signer> {
  return { alg: 'ES256', kid, privateKey: await importPKCS8(privateKeyToPem(key), 'ES256'), publicKey: publicPem }
}

/** The key of the token exchange, as only somebody can have it who reads its data folder. */
export async function stsSigner(dataDir: string, publicKey: string): Promise<Signer> {
  const { keys: [{ kid, pem }] } = JSON.parse(readFileSync(join(dataDir, 'sts-keys.json'), 'utf8')) as { keys: { kid: string; pem: string }[] }
  return { alg: 'ES256', kid, privateKey: await importPKCS8(pem, 'ES256'), publicKey }
}

export async function signedKind(kind: SignedKind, devices: Devices): Promise<TokenKind> {
  const { name, key, claims, wrongAudience, keyOf = () => key } = kind
  const stranger = { ...await makeSigningKey('', key.alg), kid: key.kid.replace(/[0-9a-z]{4}$/, '0000') }
  const now = (): number => Math.floor(Date.now() / 1000)
  const good = (changes: Claims = {}): Claims => ({ iat: now(), exp: now() + 300, ...claims(devices.asked), ...changes })
  const forOther = (device: DeviceIds): Make => () => sign({ ...good(), ...claims(device) }, keyOf(device))
  return { name, variants: [
    [RIGHT, kind.right ?? (() => sign(good(), key))],
    ['other device', forOther(devices.otherDevice)],
    ['other product', forOther(devices.otherProduct)],
    ['expired', () => sign(good({ iat: now() - 600, exp: now() - 90 }), key)],
    ['no end', () => sign(good({ exp: undefined }), key)],
    ['not yet valid', () => sign(good({ nbf: now() + 90 }), key)],
    ...Object.entries(wrongAudience).map(([what, changes]): [string, Make] => [what, () => sign(good(changes), key)]),
    ['HS256 by the public key', () => new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(Buffer.from(key.publicKey))],
    ['alg none', () => Promise.resolve(`${part({ alg: 'none', kid: key.kid })}.${part(good())}.`)],
    ['unknown key', () => sign(good(), stranger)],
    ['signed by another key', () => sign(good(), { ...stranger, kid: key.kid })],
    ...[devices.otherDevice, devices.otherProduct].filter((device) => keyOf(device) !== key).map((device): [string, Make] =>
      [`by the key of the other ${device === devices.otherDevice ? 'device' : 'product'}`, () => sign(good(), keyOf(device))]),
    ['altered signature', async () => altered(await sign(good(), key))],
    ['altered claims', async () => {
      const [header, , signature] = (await sign(good(), key)).split('.')
      return `${header}.${part(good({ exp: now() + 299 }))}.${signature}`
    }],
  ] }
}

/** A text that is looked up, or sealed. */
export function opaqueKind(name: string, variants: Record<string, string | Make>): TokenKind {
  return { name, variants: Object.entries(variants).map(([what, make]) => [what, typeof make === 'string' ? () => Promise.resolve(make) : make]) }
}

export const audienceOf = (device: DeviceIds): string => deviceAudience(device)
export const resourceOf = ({ productId, deviceId }: DeviceIds): string => `urn:nabto:webrtc:${productId}:${deviceId}`
export const listOf = ({ productId, deviceId }: DeviceIds): string => `${productId}.${deviceId}`

/** One character in the middle is another. */
export function altered(text: string): string {
  const at = text.length - 20
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function sign(claims: Claims, { alg, kid, privateKey }: Signer): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey)
}
