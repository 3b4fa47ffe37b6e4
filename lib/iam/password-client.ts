import { decodeHex, encodeUtf8, equalBytes } from '../bytes/index.ts'
import { encodeCbor } from '../cbor/index.ts'
import { type CoapClient, type CoapResponse, contentFormats } from '../coap/index.ts'
import { edgeKeys, type EdgeW, sha256, type Spake2Transcript, startSpake2 } from '../crypto/index.ts'
import { LenskeyError } from '../errors.ts'
import type { NativeCrypto, Random } from '../runtime/index.ts'
import { isFingerprint } from './limits.ts'
import type { SessionFingerprints } from './password.ts'

/**
 * - `ERR_PASSWORD_WRONG`: no such user, or another password
 * - `ERR_PASSWORD_THROTTLED`: too many attempts; later it may work
 * - `ERR_PASSWORD_UNSUPPORTED`: the device has no password authentication
 * - `ERR_PASSWORD_DEVICE`: the other side does not know the password: it is not the device that this user belongs to
 * - `ERR_PASSWORD_FAILED`: the device could not go through with it; the message has its code
 */
export type PasswordErrorCode =
  | 'ERR_PASSWORD_WRONG' | 'ERR_PASSWORD_THROTTLED' | 'ERR_PASSWORD_UNSUPPORTED' | 'ERR_PASSWORD_DEVICE' | 'ERR_PASSWORD_FAILED'

export class PasswordError extends LenskeyError {
  declare readonly code: PasswordErrorCode

  constructor(code: PasswordErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'PasswordError'
  }
}

export interface PasswordClientHost {
  random: Random
  nativeCrypto?: NativeCrypto
  /** See `DEFAULT_TABLE_WINDOW`. */
  tableWindow?: number
}

export interface AuthenticateOptions {
  /**
   * How the device writes the one hash in 256 that begins with a zero byte. `minimal`, the default, is what all known
   * devices do, and ours take either. There is no falling back: a second confirmation would tell whoever answers 4.01,
   * without a guess, whether the hash of the password begins with a zero byte.
   */
  encoding?: EdgeW
  /** Of each round; a device under attack makes the first one wait. Default 60,000. */
  timeoutMs?: number
}

/**
 * Logs a connection in as a user (protocol/iam.md §6), the client's end. The password never travels, and whoever answers in
 * place of the device learns whether one guess of theirs was right, and no more. Resolves once the device has proved that
 * it knows the password too.
 * @param username - empty for the open-pairing password
 * @param fingerprints - of both DTLS certificates, from the descriptions in force
 * @throws {PasswordError}
 * @throws {LenskeyError} what `CoapClient.request` rejects with
 */
export async function authenticatePassword(
  exchange: Pick<CoapClient, 'request'>, username: string, password: string, fingerprints: SessionFingerprints,
  host: PasswordClientHost, { encoding = 'minimal', timeoutMs = 60_000 }: AuthenticateOptions = {},
): Promise<void> {
  if (![fingerprints.client, fingerprints.device].every(isFingerprint)) throw new TypeError('fingerprints are 64 hexadecimal digits')
  const side = startSpake2('A', sha256(encodeUtf8(password), host.nativeCrypto), host)
  const share = answerOf(await exchange.request('POST', '/p2p/pwd-auth/1', {
    contentFormat: contentFormats.cbor, payload: encodeCbor({ T: side.share, Username: username }), timeoutMs,
  }))
  let transcript: Spake2Transcript
  try {
    transcript = side.transcript(share, decodeHex(fingerprints.client), decodeHex(fingerprints.device))
  } catch (cause) {
    throw new PasswordError('ERR_PASSWORD_DEVICE', 'the answer of the device is no point of the curve, or its mask alone', { cause })
  }
  const { confirmA, confirmB } = edgeKeys(transcript, encoding, host.nativeCrypto)
  const confirmation = answerOf(await exchange.request('POST', '/p2p/pwd-auth/2', {
    contentFormat: contentFormats.octetStream, payload: confirmA, timeoutMs,
  }))
  if (!equalBytes(confirmation, confirmB)) {
    throw new PasswordError('ERR_PASSWORD_DEVICE', 'the device accepted the password without knowing it; it is not the one it pretends to be')
  }
}

function answerOf({ code, payload = new Uint8Array(0) }: CoapResponse): Uint8Array {
  switch (code) {
    case '2.01':
      return payload
    case '4.01':
      throw new PasswordError('ERR_PASSWORD_WRONG', 'no such user, or not the password of this user')
    case '4.29':
      throw new PasswordError('ERR_PASSWORD_THROTTLED', 'too many failed attempts; wait ten seconds and try again')
    case '4.04':
      throw new PasswordError('ERR_PASSWORD_UNSUPPORTED', 'this device does not take passwords')
    default:
      throw new PasswordError('ERR_PASSWORD_FAILED', `the device answered ${code}; connect again, and look into its log when that does not help`)
  }
}
