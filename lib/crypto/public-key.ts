import { concatBytes, decodeHex, encodeBase64url, portableBase64url } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import { DER, type DerReader, encodeDer, enterSequence } from './der.ts'
import { DECOMPRESS, KEY_OF_CERTIFICATE, PUBLIC_HALF } from './key-commands.ts'
import { explicitCurve, notThatKey, readingKey, wrongCurve, wrongKind } from './key-errors.ts'
import { isOnP256 } from './p256-field.ts'
import { checkKeyLength, decodePemBody, encodePem, findPemBlocks, type PemBlock } from './pem.ts'

/** A point of P-256, checked to be on the curve. */
export interface P256PublicKey {
  /** 65 bytes: 4, x, y (SEC 1 §2.3.3). */
  readonly point: Uint8Array
}

/** A P-256 key as JSON (RFC 7517, RFC 7518 §6.2). */
export interface EcJwk {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
}

/** Any JSON Web Key, not looked at yet. */
export type UncheckedJwk = Readonly<Record<string, unknown>>

// AlgorithmIdentifier of id-ecPublicKey (1.2.840.10045.2.1) with prime256v1 (1.2.840.10045.3.1.7), RFC 5480 §2.1.
const EC_PUBLIC_KEY = /* @__PURE__ */ decodeHex('2a8648ce3d0201')
const PRIME256V1 = /* @__PURE__ */ decodeHex('2a8648ce3d030107')

/**
 * Reads a public key: SPKI as PEM text or DER bytes, a JWK as object or JSON text, or the bare point as 65 bytes or 130
 * hexadecimal digits.
 * @throws {LenskeyError} `ERR_KEY_FORMAT`, `ERR_KEY_CURVE`, `ERR_KEY_POINT` (not on the curve), `ERR_KEY_USE`, `ERR_KEY_TOO_LARGE`
 */
export function parsePublicKey(input: string | Uint8Array | UncheckedJwk): P256PublicKey {
  return readingKey('public key', () => {
    if (input instanceof Uint8Array) return input.length === 65 && input[0] === 4 ? publicKeyOf(input) : fromSpki(input)
    if (typeof input !== 'string') return fromJwk(input)
    const text = input.trim()
    if (text.startsWith('{')) return fromJwk(parseJwkText(text, 'public key'))
    if (/^04[0-9a-fA-F]{128}$/.test(text)) return publicKeyOf(decodeHex(text))
    const blocks = findPemBlocks(text)
    const block = blocks.find(({ label }) => label === 'PUBLIC KEY')
    if (block !== undefined) return fromSpki(decodePemBody(block))
    throw notThatKey('public key', hintFor(blocks))
  })
}

/**
 * The one form that comes over the network; a program that reads no files carries nothing for the others.
 * @throws {LenskeyError} as {@link parsePublicKey}
 */
export function parsePublicJwk(jwk: UncheckedJwk): P256PublicKey {
  return readingKey('public key', () => fromJwk(jwk))
}

function hintFor(blocks: PemBlock[]): string {
  if (blocks.some(({ label }) => label.includes('PRIVATE KEY'))) {
    return `this is the private one, which stays on the device${PUBLIC_HALF}`
  }
  if (blocks.some(({ label }) => label.includes('CERTIFICATE'))) {
    return `this is a certificate${KEY_OF_CERTIFICATE}`
  }
  return 'there is no BEGIN PUBLIC KEY line, no JWK and no hexadecimal point in it'
}

/** @throws {LenskeyError} `ERR_KEY_POINT` when the point is not on the curve */
export function publicKeyOf(point: Uint8Array): P256PublicKey {
  if (!isOnP256(point)) throw new LenskeyError('ERR_KEY_POINT', 'this public key is not a point of the curve P-256')
  // A copy, which slice() of a Node Buffer would not be.
  return { point: new Uint8Array(point) }
}

function fromSpki(der: Uint8Array): P256PublicKey {
  const spki = enterSequence(der)
  checkAlgorithm(spki.enter(DER.sequence))
  const point = spki.readBits()
  spki.end()
  if (point.length === 33) {
    throw notThatKey('public key', `its point is compressed${DECOMPRESS}`)
  }
  return publicKeyOf(point)
}

/** Reads the content of an AlgorithmIdentifier and refuses all but P-256. */
export function checkAlgorithm(algorithm: DerReader): void {
  const kind = algorithm.read(DER.oid)
  if (!same(kind, EC_PUBLIC_KEY)) throw wrongCurve(kind)
  checkCurve(algorithm)
}

/** Reads ECParameters (RFC 5480 §2.1.1) and refuses all but the name of P-256. */
export function checkCurve(parameters: DerReader): void {
  if (!parameters.has(DER.oid)) throw explicitCurve()
  const curve = parameters.read(DER.oid)
  if (!same(curve, PRIME256V1)) throw wrongCurve(curve)
  parameters.end()
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at])

/** AlgorithmIdentifier of a P-256 key. */
export function encodeAlgorithm(): Uint8Array {
  return encodeDer(DER.sequence, encodeDer(DER.oid, EC_PUBLIC_KEY), encodeDer(DER.oid, PRIME256V1))
}

function fromJwk(jwk: UncheckedJwk): P256PublicKey {
  checkJwkKind(jwk)
  if (jwk.d !== undefined) throw notThatKey('public key', 'this is the private one, which stays on the device. Give the JWK without its member "d"')
  checkJwkUse(jwk, 'verify')
  return publicKeyOf(concatBytes(Uint8Array.of(4), jwkNumber(jwk, 'x', 'public key'), jwkNumber(jwk, 'y', 'public key')))
}

/** @throws {LenskeyError} `ERR_KEY_FORMAT` when the text is not a JSON object */
export function parseJwkText(text: string, what: string): UncheckedJwk {
  checkKeyLength(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    // The cause would quote the text, which may hold a secret.
    throw notThatKey(what, `a JWK that is not well-formed JSON (${cause instanceof Error ? cause.name : 'error'})`)
  }
  if (typeof value !== 'object' || value === null) throw notThatKey(what, 'a JWK is a JSON object')
  return value as UncheckedJwk
}

export function checkJwkKind({ kty, crv, keys }: UncheckedJwk): void {
  if (keys !== undefined) throw notThatKey('single key', 'this is a JWK set; give one key of its "keys"')
  if (kty !== 'EC') throw wrongKind(kty === 'RSA' ? 'is an RSA key' : 'is no EC key')
  if (crv !== 'P-256') throw wrongKind('is on another curve')
}

/** RFC 7517 §4.2 to §4.4: a key says what it may be used for. */
export function checkJwkUse({ use, key_ops: operations, alg }: UncheckedJwk, operation: 'sign' | 'verify'): void {
  const allowed = (use === undefined || use === 'sig') && (alg === undefined || alg === 'ES256') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes(operation)))
  if (!allowed) throw new LenskeyError('ERR_KEY_USE', `this JWK is marked for another use than to ${operation} ES256 signatures ("use", "key_ops", "alg")`)
}

/** A 32-byte member (RFC 7518 §6.2.1.2: always the full size). */
export function jwkNumber(jwk: UncheckedJwk, name: 'x' | 'y' | 'd', what: string): Uint8Array {
  const text = jwk[name]
  const bytes = typeof text === 'string' && text.length === 43 ? portableBase64url.decode(text) : undefined
  if (bytes === undefined) throw notThatKey(what, `member "${name}" of the JWK is not 43 characters of base64url`)
  return bytes
}

/** SubjectPublicKeyInfo (RFC 5480 §2), always 91 bytes: named curve, uncompressed point. */
export function encodeSpki({ point }: P256PublicKey): Uint8Array {
  return encodeDer(DER.sequence, encodeAlgorithm(), encodeDer(DER.bitString, Uint8Array.of(0), point))
}

/** `BEGIN PUBLIC KEY` text, the form in which keys are registered. */
export function publicKeyToPem(key: P256PublicKey): string {
  return encodePem('PUBLIC KEY', encodeSpki(key))
}

export function publicKeyToJwk({ point }: P256PublicKey): EcJwk {
  return { kty: 'EC', crv: 'P-256', x: encodeBase64url(point.subarray(1, 33)), y: encodeBase64url(point.subarray(33)) }
}
