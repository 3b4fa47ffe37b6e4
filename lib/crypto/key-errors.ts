import { encodeHex } from '../bytes/index.ts'
import { LenskeyError, messageOf } from '../errors.ts'
import { DECRYPT, LEAVE_OPENSSH, MAKE_KEY, NAME_CURVE } from './key-commands.ts'

/** What a key is for, by the names of things that are not it. */
const otherKinds: Record<string, string> = {
  '2b81040022': 'is on the curve P-384',
  '2b81040023': 'is on the curve P-521',
  '2b8104000a': 'is on the curve secp256k1',
  '2b6570': 'is an Ed25519 key',
  '2a864886f70d010101': 'is an RSA key',
}

export function wrongCurve(oid: Uint8Array): LenskeyError {
  return wrongKind(otherKinds[encodeHex(oid)] ?? 'is of another kind or on another curve')
}

/** @param what - such as "is an RSA key" */
export function wrongKind(what: string): LenskeyError {
  return new LenskeyError('ERR_KEY_CURVE', `this key ${what}; only P-256 (prime256v1) will do${MAKE_KEY}`)
}

/** A private key in a form of its own, by the label of its PEM block. */
export function wrongForm(label: string): LenskeyError {
  if (label !== 'OPENSSH PRIVATE KEY') return wrongKind(label === 'RSA PRIVATE KEY' ? 'is an RSA key' : 'is of another kind')
  return new LenskeyError('ERR_KEY_FORMAT', `this key is in the form of OpenSSH${LEAVE_OPENSSH}`)
}

export function explicitCurve(): LenskeyError {
  return new LenskeyError('ERR_KEY_CURVE', `this key spells out its curve instead of naming it${NAME_CURVE}`)
}

export function encryptedKey(): LenskeyError {
  return new LenskeyError('ERR_KEY_ENCRYPTED', `this private key is protected by a passphrase, which cannot be asked for here${DECRYPT}`)
}

/** @param what - such as "private key" */
export function notThatKey(what: string, detail: string, cause?: unknown): LenskeyError {
  return new LenskeyError('ERR_KEY_FORMAT', `not a ${what}: ${detail}`, { cause })
}

/** Runs a reader of key bytes; bytes that are not DER become a complaint about the key. */
export function readingKey<Result>(what: string, read: () => Result): Result {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof LenskeyError && ['ERR_DER', 'ERR_BASE64URL'].includes(thrown.code)) {
      throw notThatKey(what, `${messageOf(thrown)}; the file is damaged or cut short`, thrown)
    }
    throw thrown
  }
}
