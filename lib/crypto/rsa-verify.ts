import { decodeHex, encodeHex, portableBase64url } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import { notThatKey, readingKey } from './key-errors.ts'
import type { UncheckedJwk } from './public-key.ts'
import { sha256 } from './sha256.ts'

/** An RSA key that signatures are checked with. We make none: only other people's servers sign with RSA. */
export interface RsaPublicKey {
  /** Modulus, 256 to 1,024 bytes, big-endian, the first one not 0. */
  readonly n: Uint8Array
  /** Public exponent in the same form; odd, 3 to 2^32 - 1. */
  readonly e: Uint8Array
}

/** Below it a key is within reach of factoring (RFC 7518 §3.3). */
export const MIN_RSA_BITS = 2048
/** Above it one signature costs a camera seconds. */
export const MAX_RSA_BITS = 8192

// SHA-256's DigestInfo up to the hash (RFC 8017 §9.2, note 1).
const SHA256_BYTES = 32
const DIGEST_INFO = /* @__PURE__ */ decodeHex('3031300d060960864801650304020105000420')

/**
 * Reads an RSA public key for RS256 (RFC 7518 §6.3.1); private members are not looked at.
 * @throws {LenskeyError} `ERR_KEY_FORMAT`, `ERR_KEY_USE`, `ERR_KEY_RSA`: a size, an exponent or a make that is not to be trusted
 */
export function parseRsaPublicKey(jwk: UncheckedJwk): RsaPublicKey {
  if (jwk.kty !== 'RSA') throw notThatKey('RSA public key', 'member "kty" of the JWK is not "RSA"')
  checkUse(jwk)
  const [n, e] = readingKey('RSA public key', () => [number(jwk, 'n', MAX_RSA_BITS / 8), number(jwk, 'e', 4)])
  const bits = n.length * 8 - Math.clz32(n[0]) + 24
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) throw badKey(`has ${bits} bits; ${MIN_RSA_BITS} to ${MAX_RSA_BITS} will do`)
  if (n[n.length - 1] % 2 === 0) throw badKey('has an even modulus')
  if (e[e.length - 1] % 2 === 0 || (e.length === 1 && e[0] < 3)) throw badKey('has an exponent that is even or below 3')
  if (isFromBrokenGenerator(toBigInt(n))) throw badKey('was made by a generator whose keys can be factored (CVE-2017-15361)')
  return { n, e }
}

/** RFC 7517 §4.2 to §4.4: a key says what it may be used for. */
function checkUse({ use, key_ops: operations, alg }: UncheckedJwk): void {
  const allowed = (use === undefined || use === 'sig') && (alg === undefined || alg === 'RS256') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  if (!allowed) throw new LenskeyError('ERR_KEY_USE', 'this JWK is marked for another use than to verify RS256 signatures ("use", "key_ops", "alg")')
}

/** Base64urlUInt (RFC 7518 §2): the fewest bytes, so none of them is a leading zero. */
function number(jwk: UncheckedJwk, name: 'n' | 'e', maxBytes: number): Uint8Array {
  const text = jwk[name]
  if (typeof text === 'string' && text.length > Math.ceil((maxBytes * 4) / 3)) throw badKey(`has a member "${name}" of more than ${maxBytes} bytes`)
  const bytes = typeof text === 'string' ? portableBase64url.decode(text) : undefined
  if (bytes === undefined || bytes.length === 0 || bytes[0] === 0) {
    throw notThatKey('RSA public key', `member "${name}" of the JWK is not a number in base64url without leading zeros`)
  }
  return bytes
}

const badKey = (what: string): LenskeyError => new LenskeyError('ERR_KEY_RSA', `this RSA key ${what}`)

const SMALL_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
  151, 157, 163, 167,
]

/**
 * The mark of the generator: modulo every small prime its moduli are powers of 65,537 (Nemec and others, 2017). Of good keys
 * one in about 2^27 would look like it by chance.
 */
function isFromBrokenGenerator(n: bigint): boolean {
  return SMALL_PRIMES.every((prime) => {
    const rest = Number(n % BigInt(prime))
    let power = 1
    do {
      if (power === rest) return true
      power = (power * 65_537) % prime
    } while (power !== 1)
    return false
  })
}

/** Checks RS256 signatures of one key. */
export interface RsaVerifier {
  /** False for anything but exactly as many bytes as the modulus has, of a number below it. */
  verify(message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2): the platform's where it has one, else in JavaScript. */
export function createRsaVerifier({ n, e }: RsaPublicKey, { nativeCrypto }: { nativeCrypto?: NativeCrypto } = {}): RsaVerifier {
  const fits = (signature: Uint8Array): boolean => signature.length === n.length && isBelow(signature, n)
  const native = nativeCrypto?.rs256Verifier?.(n, e)
  if (native !== undefined) return { verify: (message, signature) => fits(signature) && native.verify(message, signature) }
  const [modulus, exponent, template] = [toBigInt(n), toBigInt(e), encodedMessage(n.length)]
  return {
    verify: (message, signature) => fits(signature) &&
      power(toBigInt(signature), exponent, modulus) === template + toBigInt(sha256(message, nativeCrypto)),
  }
}

/** Of two numbers of as many bytes, big-endian, whether the first is the smaller one. Both are public. */
function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, index) => byte !== b[index])
  return at !== -1 && a[at] < b[at]
}

/**
 * EMSA-PKCS1-v1_5 (RFC 8017 §9.2) of a hash that is 0; others are added to it. What a signature holds is compared with the one
 * text that it may hold, and never parsed: parsers that look past odd padding are how such signatures have been forged.
 */
function encodedMessage(length: number): bigint {
  const text = new Uint8Array(length).fill(0xff)
  const hash = length - SHA256_BYTES
  text[0] = 0
  text[1] = 1
  text.fill(0, hash)
  text.set(DIGEST_INFO, hash - DIGEST_INFO.length)
  text[hash - DIGEST_INFO.length - 1] = 0
  return toBigInt(text)
}

const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x${encodeHex(bytes)}`)

/** Square and multiply, from the exponent's highest bit down. Everything is public, so it need not take the same time for all. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = base
  for (const bit of exponent.toString(2).slice(1)) {
    result = (result * result) % modulus
    if (bit === '1') result = (result * base) % modulus
  }
  return result
}
