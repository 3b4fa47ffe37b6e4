import { concatBytes, decodeHex, equalBytes } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { NativeCrypto, Random } from '../runtime/index.ts'
import { DER, DerReader, encodeDer, enterSequence } from './der.ts'
import { encryptedKey, notThatKey, readingKey, wrongForm } from './key-errors.ts'
import { drawP256Scalar, noRandom } from './p256.ts'
import { p256Base } from './p256-base.ts'
import { affineOf, isOnP256, isP256Scalar, numberOf, pointOf } from './p256-field.ts'
import { decodePemBody, encodePem, findPemBlocks, type PemBlock } from './pem.ts'
import {
  checkAlgorithm, checkCurve, checkJwkKind, checkJwkUse, encodeAlgorithm, jwkNumber, type P256PublicKey, parseJwkText,
  publicKeyOf, type UncheckedJwk,
} from './public-key.ts'

/** A key in memory. Where a secure element holds the key there is only a `Signer`. */
export interface P256PrivateKey {
  /** The scalar, 32 bytes: the secret itself. */
  readonly d: Uint8Array
  readonly publicKey: P256PublicKey
}

/** What deriving the public half of a key may use. */
export interface KeyHost {
  /** Blinds the derivation; without it the derivation is constant-time only. */
  random?: Random
  nativeCrypto?: NativeCrypto
}

/** What was read from a file, before anything is believed. */
interface FoundKey {
  d: Uint8Array
  /** The public point as the file has it, compressed or not: none, one, or two in PKCS#8. */
  points: Uint8Array[]
}

/**
 * Reads a private key, every row of protocol/webrtc-signaling.md §1.3: PEM as SEC1 (with or without an `EC PARAMETERS`
 * block) or PKCS#8 (with or without the public key), with text around it, CRLF or flattened line ends; a JWK as object or
 * JSON text; or the scalar as 64 hexadecimal digits. The public half is always derived, and compared where the file has one.
 * @throws {LenskeyError} `ERR_KEY_FORMAT`, `ERR_KEY_ENCRYPTED`, `ERR_KEY_CURVE` (not P-256), `ERR_KEY_RANGE` (scalar 0 or
 * past the order), `ERR_KEY_MISMATCH` (public half of another key), `ERR_KEY_USE`, `ERR_KEY_TOO_LARGE`
 */
export function parsePrivateKey(input: string | UncheckedJwk, host: KeyHost = {}): P256PrivateKey {
  const { d, points } = readingKey('private key', () => find(input))
  const key = privateKeyOf(d, host, points.find(isOnP256))
  if (!points.every((point) => isSamePoint(point, key.publicKey.point))) {
    throw new LenskeyError('ERR_KEY_MISMATCH', 'the public key in this file is not that of its private key; the file is damaged')
  }
  return key
}

/**
 * A key by its scalar, 32 bytes.
 * @param believed - a point of the curve that may be its public half
 */
function privateKeyOf(d: Uint8Array, { random, nativeCrypto }: KeyHost, believed?: Uint8Array): P256PrivateKey {
  if (d.length !== 32 || !isP256Scalar(d)) throw new LenskeyError('ERR_KEY_RANGE', 'the private key is 0 or not below the order of P-256')
  const point = nativeCrypto?.p256PublicPoint?.(d) ?? pointOf(p256Base(random ?? noRandom).multiply(numberOf(d), believed && affineOf(believed)))
  return { d: new Uint8Array(d), publicKey: publicKeyOf(point) }
}

function find(input: string | UncheckedJwk): FoundKey {
  if (typeof input !== 'string') return fromJwk(input)
  const text = input.trim()
  if (text.startsWith('{')) return fromJwk(parseJwkText(text, 'private key'))
  if (/^[0-9a-fA-F]{64}$/.test(text)) return { d: decodeHex(text), points: [] }
  const blocks = findPemBlocks(text)
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) {
    throw notThatKey('private key', blocks.some(({ label }) => label === 'PUBLIC KEY')
      ? 'this is the public half; give the file it was made from'
      : 'there is no BEGIN PRIVATE KEY or BEGIN EC PRIVATE KEY line, no JWK and no 64 hexadecimal digits in it')
  }
  if (block.encrypted) throw encryptedKey()
  switch (block.label) {
    case 'PRIVATE KEY':
      return fromPkcs8(decodePemBody(block))
    case 'EC PRIVATE KEY':
      return fromSec1(decodePemBody(block), blocks.find(({ label }) => label === 'EC PARAMETERS'))
    default:
      throw wrongForm(block.label)
  }
}

/** PrivateKeyInfo (RFC 5208 §5) and OneAsymmetricKey (RFC 5958 §2). */
function fromPkcs8(der: Uint8Array): FoundKey {
  const info = enterSequence(der)
  checkVersion(info, 0, 1)
  checkAlgorithm(info.enter(DER.sequence))
  const found = readEcPrivateKey(info.read(DER.octetString), { curveKnown: true })
  if (info.has(DER.context0)) info.read(DER.context0) // attributes
  if (info.has(DER.implicit1)) found.points.push(info.readBits(DER.implicit1))
  info.end()
  return found
}

function fromSec1(der: Uint8Array, parameters: PemBlock | undefined): FoundKey {
  if (parameters === undefined) return readEcPrivateKey(der, { curveKnown: false })
  checkCurve(new DerReader(decodePemBody(parameters)))
  return readEcPrivateKey(der, { curveKnown: true })
}

/** ECPrivateKey (RFC 5915 §3). */
function readEcPrivateKey(der: Uint8Array, { curveKnown }: { curveKnown: boolean }): FoundKey {
  const key = enterSequence(der)
  checkVersion(key, 1)
  const d = key.read(DER.octetString)
  if (key.has(DER.context0)) checkCurve(key.enter(DER.context0))
  else if (!curveKnown) throw notThatKey('private key', 'it does not name its curve')
  const points: Uint8Array[] = []
  if (key.has(DER.context1)) {
    const publicPart = key.enter(DER.context1)
    points.push(publicPart.readBits())
    publicPart.end()
  }
  key.end()
  if (d.length === 0 || d.length > 32) throw notThatKey('private key', 'it is not an ECPrivateKey of 32 bytes')
  // Some tools drop leading zeros of the scalar.
  return { d: concatBytes(new Uint8Array(32 - d.length), d), points }
}

function checkVersion(reader: DerReader, ...known: number[]): void {
  const version = reader.readInteger()
  if (version.length !== 1 || !known.includes(version[0])) throw notThatKey('private key', 'its version is unknown')
}

function fromJwk(jwk: UncheckedJwk): FoundKey {
  checkJwkKind(jwk)
  if (jwk.d === undefined) throw notThatKey('private key', 'this JWK has no member "d": it is the public half')
  checkJwkUse(jwk, 'sign')
  const d = jwkNumber(jwk, 'd', 'private key')
  if (jwk.x === undefined && jwk.y === undefined) return { d, points: [] }
  return { d, points: [concatBytes(Uint8Array.of(4), jwkNumber(jwk, 'x', 'private key'), jwkNumber(jwk, 'y', 'private key'))] }
}

/** @param found - uncompressed, compressed or hybrid (SEC 1 §2.3.3, X9.62) */
function isSamePoint(found: Uint8Array, derived: Uint8Array): boolean {
  const parity = derived[64] & 1
  const compressed = found.length === 33 && found[0] === 2 + parity
  const full = found.length === 65 && (found[0] === 4 || found[0] === 6 + parity)
  return (compressed || full) && found.every((byte, at) => at === 0 || byte === derived[at])
}

/**
 * A new key. Draws again in the one case in 2^32 that a draw is past the order, so that every key is equally likely.
 * @throws {LenskeyError} `ERR_RANDOM` when the source keeps giving the same, or what no random source gives
 */
export function generatePrivateKey(random: Random, nativeCrypto?: NativeCrypto): P256PrivateKey {
  const d = drawP256Scalar(random)
  if (equalBytes(d, drawP256Scalar(random))) throw new LenskeyError('ERR_RANDOM', 'the random source gives the same bytes again')
  return privateKeyOf(d, { random, nativeCrypto })
}

/** `BEGIN PRIVATE KEY` text: PKCS#8 with the public key in it, which every tool reads. */
export function privateKeyToPem({ d, publicKey }: P256PrivateKey): string {
  const publicPart = encodeDer(DER.context1, encodeDer(DER.bitString, Uint8Array.of(0), publicKey.point))
  const ecPrivateKey = encodeDer(DER.sequence, encodeDer(DER.integer, Uint8Array.of(1)), encodeDer(DER.octetString, d), publicPart)
  return encodePem('PRIVATE KEY', encodeDer(
    DER.sequence, encodeDer(DER.integer, Uint8Array.of(0)), encodeAlgorithm(), encodeDer(DER.octetString, ecPrivateKey),
  ))
}
