import { decodeBase64url, decodeUtf8, encodeBase64url, encodeUtf8 } from '../bytes/index.ts'
import { type CoapClient, contentFormats } from '../coap/index.ts'
import { fingerprintOf, type P256PublicKey, parsePublicJwk, type UncheckedJwk } from '../crypto/index.ts'
import { LenskeyError } from '../errors.ts'
import { isFingerprint } from '../iam/limits.ts'
import type { SessionFingerprints } from '../iam/password.ts'
import { es256VerifyingKey, type JwtClaims, JwtError, MAX_JWT_BYTES, MAX_JWT_DEPTH, readJwtHeader, verifyJwt } from '../jwt/index.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'
import type { NativeCrypto, Random } from '../runtime/index.ts'

/**
 * Nothing of it is verified, whichever it is:
 * - `ERR_CHALLENGE_UNSUPPORTED`: the device has no such proof, or somebody between took it away
 * - `ERR_CHALLENGE_REFUSED`: the device gave none this time; the message has its code
 * - `ERR_CHALLENGE_MALFORMED`: no proof in the form of protocol/edge-webrtc.md §5
 * - `ERR_CHALLENGE_ALGORITHM`: not signed by ES256
 * - `ERR_CHALLENGE_KEY`: no usable key in it
 * - `ERR_CHALLENGE_DEVICE`: the key of another device
 * - `ERR_CHALLENGE_SIGNATURE`: not signed by the key that it shows
 * - `ERR_CHALLENGE_NONCE`: an answer to another challenge
 * - `ERR_CHALLENGE_CLIENT_FINGERPRINT`: the device is connected to somebody else than this client
 * - `ERR_CHALLENGE_DEVICE_FINGERPRINT`: this client is connected to somebody else than the device
 */
export type ChallengeErrorCode =
  | 'ERR_CHALLENGE_UNSUPPORTED' | 'ERR_CHALLENGE_REFUSED' | 'ERR_CHALLENGE_MALFORMED' | 'ERR_CHALLENGE_ALGORITHM' | 'ERR_CHALLENGE_KEY'
  | 'ERR_CHALLENGE_DEVICE' | 'ERR_CHALLENGE_SIGNATURE' | 'ERR_CHALLENGE_NONCE' | 'ERR_CHALLENGE_CLIENT_FINGERPRINT'
  | 'ERR_CHALLENGE_DEVICE_FINGERPRINT'

export class ChallengeError extends LenskeyError {
  declare readonly code: ChallengeErrorCode

  constructor(code: ChallengeErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'ChallengeError'
  }
}

const NONCE_BYTES = 32
/** An answer of the largest token there may be, with its JSON around it. */
const MAX_ANSWER_BYTES = MAX_JWT_BYTES + 64

/**
 * Makes sure that the other end of this session is the device, and nobody between (protocol/edge-webrtc.md §5): before this
 * has resolved, no credential goes out and no picture counts as the device's.
 * @param deviceFingerprint - of the device's key, 64 digits, known beforehand; undefined takes any key, for a session whose
 * certificates something else has proved to be those of the device, such as a login by password
 * @param session - by the descriptions in force: the client's is the local one
 * @returns the key of the device
 * @throws {ChallengeError}
 * @throws {LenskeyError} what `CoapClient.request` rejects with
 */
export async function verifyDevice(
  exchange: Pick<CoapClient, 'request'>, deviceFingerprint: string | undefined, session: SessionFingerprints,
  { random, nativeCrypto }: { random: Random; nativeCrypto?: NativeCrypto }, { timeoutMs }: { timeoutMs?: number } = {},
): Promise<P256PublicKey> {
  const nonce = encodeBase64url(random.bytes(NONCE_BYTES))
  const { code, payload } = await exchange.request('POST', '/webrtc/challenge', {
    contentFormat: contentFormats.json, payload: encodeUtf8(JSON.stringify({ challenge: nonce })), timeoutMs,
  })
  if (code === '4.04') throw new ChallengeError('ERR_CHALLENGE_UNSUPPORTED', 'this device cannot prove itself, or somebody between keeps it from doing so; do not trust this connection')
  if (code !== '2.05') throw new ChallengeError('ERR_CHALLENGE_REFUSED', `the device answered ${code} when it should have proved itself; connect again`)
  return verifyChallengeAnswer(readAnswer(payload), nonce, deviceFingerprint, session, nativeCrypto)
}

function readAnswer(payload: Uint8Array = new Uint8Array(0)): string {
  if (payload.length > MAX_ANSWER_BYTES) throw malformed(`has more than ${MAX_ANSWER_BYTES} bytes`)
  let response: unknown
  try {
    response = parseStrictObject(decodeUtf8(payload), 2).response
  } catch (cause) {
    throw malformed('is no JSON object', cause)
  }
  if (typeof response !== 'string') throw malformed('has no member "response"')
  return response
}

/**
 * Checks the answer to a challenge, all of it.
 * @param deviceFingerprint - undefined as for {@link verifyDevice}
 * @throws {ChallengeError} see {@link ChallengeErrorCode}
 */
export async function verifyChallengeAnswer(
  answer: string, nonce: string, deviceFingerprint: string | undefined, session: SessionFingerprints, nativeCrypto?: NativeCrypto,
): Promise<P256PublicKey> {
  if (![session.client, session.device, deviceFingerprint ?? session.device].every(isFingerprint)) throw new TypeError('fingerprints are 64 hexadecimal digits')
  const key = keyOf(answer)
  if (deviceFingerprint !== undefined && fingerprintOf(key, nativeCrypto) !== deviceFingerprint.toLowerCase()) {
    throw new ChallengeError('ERR_CHALLENGE_DEVICE', 'another device answered; compare the fingerprint you expect with the one on the device')
  }
  const claims = await claimsOf(answer, key, nativeCrypto)
  if (claims.nonce !== nonce) throw new ChallengeError('ERR_CHALLENGE_NONCE', 'this proof was made for another challenge; somebody replays it')
  if (claims.client_fingerprint !== session.client.toLowerCase()) {
    throw new ChallengeError('ERR_CHALLENGE_CLIENT_FINGERPRINT', 'the device is not connected to this client but to somebody between; close the connection')
  }
  if (claims.device_fingerprint !== session.device.toLowerCase()) {
    throw new ChallengeError('ERR_CHALLENGE_DEVICE_FINGERPRINT', 'this client is not connected to the device but to somebody between; close the connection')
  }
  return key
}

/** The key that the answer says it is signed with. It counts for nothing until its fingerprint has been compared. */
function keyOf(answer: string): P256PublicKey {
  let jwk: unknown
  try {
    const { alg } = readJwtHeader(answer)
    if (alg !== 'ES256') throw new ChallengeError('ERR_CHALLENGE_ALGORITHM', 'the proof is not signed by ES256')
    jwk = parseStrictObject(decodeUtf8(decodeBase64url(answer.slice(0, answer.indexOf('.')))), MAX_JWT_DEPTH).jwk
  } catch (thrown) {
    throw thrown instanceof JwtError ? malformed('is no token', thrown) : thrown
  }
  if (typeof jwk !== 'object' || jwk === null) throw new ChallengeError('ERR_CHALLENGE_KEY', 'the proof shows no key')
  try {
    const { x, y, ...others } = jwk as UncheckedJwk
    return parsePublicJwk({ ...others, x: padded(x), y: padded(y) })
  } catch (cause) {
    throw new ChallengeError('ERR_CHALLENGE_KEY', 'the proof shows a key that is no P-256 key for signatures', { cause })
  }
}

/**
 * Devices of others leave out the leading zeros of a coordinate, which one key in 128 has. Putting them back cannot make it
 * another key than the one expected.
 */
function padded(coordinate: unknown): unknown {
  if (typeof coordinate !== 'string' || coordinate.length === 0 || coordinate.length > 42) return coordinate
  const bytes = decodeBase64url(coordinate)
  const whole = new Uint8Array(32)
  whole.set(bytes, 32 - bytes.length)
  return encodeBase64url(whole)
}

async function claimsOf(answer: string, key: P256PublicKey, nativeCrypto: NativeCrypto | undefined): Promise<JwtClaims> {
  try {
    return (await verifyJwt(answer, es256VerifyingKey(key, { nativeCrypto }))).claims
  } catch (thrown) {
    if (!(thrown instanceof JwtError)) throw thrown
    if (thrown.code !== 'ERR_JWT_SIGNATURE') throw malformed('is no token', thrown)
    throw new ChallengeError('ERR_CHALLENGE_SIGNATURE', 'the proof is not signed by the device, or was changed on its way', { cause: thrown })
  }
}

function malformed(why: string, cause?: unknown): ChallengeError {
  return new ChallengeError('ERR_CHALLENGE_MALFORMED', `what the device sent as its proof ${why}`, { cause })
}
