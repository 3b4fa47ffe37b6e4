import { LenskeyError } from '../errors.ts'
import type { NativeCrypto, Random } from '../runtime/index.ts'
import { enterSequence } from './der.ts'
import { p256Base } from './p256-base.ts'
import { isP256Scalar } from './p256-field.ts'
import { signP256 } from './p256-sign.ts'
import { verifyP256 } from './p256-verify.ts'
import type { P256PrivateKey } from './private-key.ts'
import type { P256PublicKey } from './public-key.ts'

/** Makes ES256 signatures. Whether the key is in memory or in a secure element is its own affair. */
export interface Signer {
  readonly publicKey: P256PublicKey
  /** ECDSA P-256 with SHA-256 over `message`; R‖S, 64 bytes (RFC 7518 §3.4). */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface SignerHost {
  random: Random
  nativeCrypto?: NativeCrypto
  /** Of `@noble/curves`, see `DEFAULT_TABLE_WINDOW`; in bundles that have our own curve in its place it has no meaning. */
  tableWindow?: number
}

/** A signer over a key in memory: the platform's where it has one, else in JavaScript with the nonces of RFC 6979. */
export function createSigner({ d, publicKey }: P256PrivateKey, { random, nativeCrypto, tableWindow }: SignerHost): Signer {
  const native = nativeCrypto?.p256Signer?.(d, publicKey.point)
  if (native !== undefined) {
    return {
      publicKey,
      sign(message) {
        const signature = native.sign(message)
        return signature instanceof Uint8Array ? checked(signature) : signature.then(checked)
      },
    }
  }
  const base = p256Base(random, tableWindow)
  // A copy, so that the caller may wipe its own.
  const secret = new Uint8Array(d)
  return { publicKey, sign: (message) => signP256(base, message, secret) }
}

function checked(signature: Uint8Array): Uint8Array {
  if (isSignature(signature)) return signature
  throw new LenskeyError('ERR_SIGNATURE_FORMAT', 'a signer gives a Uint8Array of 64 bytes, R then S; see ecdsaSignatureFromDer')
}

/**
 * A signer over a secure element or a key service.
 * @param callback - gives R‖S, 64 bytes; a chip that answers in DER needs `ecdsaSignatureFromDer`
 * @throws {LenskeyError} `ERR_SIGNATURE_FORMAT` from `sign` when the answer has another form
 */
export function createCallbackSigner(
  publicKey: P256PublicKey, callback: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Signer {
  return {
    publicKey,
    sign: async (message) => checked(await callback(message)),
  }
}

/** Checks ES256 signatures of one key. */
export interface Verifier {
  readonly publicKey: P256PublicKey
  /** False for anything but 64 bytes with R and S in 1 to n - 1 that fit; a high S is as good as a low one. */
  verify(message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

export function createVerifier(publicKey: P256PublicKey, host: { nativeCrypto?: NativeCrypto } = {}): Verifier {
  const { point } = publicKey
  const held = host.nativeCrypto?.p256Verifier?.(point) ?? {
    verify: (message: Uint8Array, signature: Uint8Array) => verifyP256(message, signature, point),
  }
  return { publicKey, verify: (message, signature) => isSignature(signature) && held.verify(message, signature) }
}

/** Whether bytes have the form of a signature, R and S in range. */
function isSignature(bytes: Uint8Array): boolean {
  return bytes.length === 64 && isP256Scalar(bytes, 0) && isP256Scalar(bytes, 32)
}

/**
 * R‖S from an ECDSA-Sig-Value (RFC 3279 §2.2.3), as secure elements and OpenSSL give it.
 * @throws {LenskeyError} `ERR_DER` when it is not strict DER, `ERR_SIGNATURE_FORMAT` when a number has more than 32 bytes
 */
export function ecdsaSignatureFromDer(der: Uint8Array): Uint8Array {
  const numbers = enterSequence(der)
  const parts = [numbers.readInteger(), numbers.readInteger()]
  numbers.end()
  const signature = new Uint8Array(64)
  for (const [index, part] of parts.entries()) {
    if (part.length > 32) throw new LenskeyError('ERR_SIGNATURE_FORMAT', 'a number in this signature is longer than 32 bytes')
    signature.set(part, 32 * (index + 1) - part.length)
  }
  return signature
}
