import { encodeHex, encodeUtf8 } from '../bytes/index.ts'
import { hs256Key, type Hs256Key, JwtError, type JwtClaims, readJwtHeader, signJwt, verifyJwt } from '../jwt/index.ts'
import type { Host, Random } from '../runtime/index.ts'
import { SignalingError, SignalingErrorCodes } from './errors.ts'
import { isObject, type JSONObject, type JSONValue } from './json.ts'

/**
 * Puts signaling messages into the envelope that travels as `data`, and takes them out (protocol/webrtc-signaling.md §7.2).
 * One per channel and end; calls must come in the order of the messages.
 */
export interface MessageSigner {
  /** @throws {SignalingError} `VERIFICATION_ERROR` for a second message before the peer's first */
  sign(message: JSONObject): JSONObject
  /** @throws {SignalingError} `VERIFICATION_ERROR`, `DECODE_ERROR` */
  verify(envelope: JSONValue): unknown
}

/** Envelopes without a signature, for clients that the service vouches for. */
export const unsignedMessages: MessageSigner = {
  sign: (message) => ({ type: 'NONE', message }),
  verify(envelope) {
    if (!isObject(envelope)) throw decodeError('not a signing envelope')
    if (envelope.type === 'JWT') throw verificationError('a message without a signature was expected')
    if (envelope.type !== 'NONE' || !isObject(envelope.message)) throw decodeError('not a signing envelope')
    return envelope.message
  },
}

/** The `jwt` member of an envelope that must carry one. */
function jwtOf(envelope: JSONValue): string {
  if (!isObject(envelope)) throw decodeError('not a signing envelope')
  if (envelope.type === 'NONE') throw verificationError('a signed message was expected')
  if (envelope.type !== 'JWT' || typeof envelope.jwt !== 'string') throw decodeError('not a signing envelope')
  return envelope.jwt
}

/**
 * The key id that the first message of a client names, undefined when it names none. Nothing is verified yet.
 * @throws {SignalingError} `VERIFICATION_ERROR`, `DECODE_ERROR`
 */
export function readKeyId(envelope: JSONValue, maxBytes: number): string | undefined {
  try {
    return readJwtHeader(jwtOf(envelope), { maxBytes }).kid
  } catch (thrown) {
    throw thrown instanceof JwtError ? decodeError('the header cannot be read', thrown) : thrown
  }
}

/** Ours have 36 characters. */
const MAX_NONCE_LENGTH = 256

interface MessageClaims {
  message: unknown
  messageSeq: number
  signerNonce: string
  verifierNonce: string | undefined
}

/** HS256 with a shared secret; sequence numbers and nonces of both ends keep messages in their place and session. */
export class SharedSecretSigner implements MessageSigner {
  /** Names this session's end; made by us. */
  readonly nonce: string
  readonly #key: Hs256Key
  readonly #keyId: string | undefined
  readonly #host: Pick<Host, 'clock'>
  readonly #maxBytes: number
  #nextSign = 0
  #nextVerify = 0
  #remoteNonce: string | undefined

  /**
   * @param sharedSecret - any length, as UTF-8
   * @param maxBytes - longest signature accepted, as text
   */
  constructor(sharedSecret: string, keyId: string | undefined, host: Pick<Host, 'random' | 'clock' | 'nativeCrypto'>, maxBytes: number) {
    this.#key = hs256Key(encodeUtf8(sharedSecret), host)
    this.#keyId = keyId === '' ? undefined : keyId
    this.#host = host
    this.#maxBytes = maxBytes
    this.nonce = uuid(host.random)
  }

  /** The peer's nonce, once its first message has been verified. */
  get remoteNonce(): string | undefined {
    return this.#remoteNonce
  }

  sign(message: JSONObject): JSONObject {
    if (this.#nextSign > 0 && this.#remoteNonce === undefined) {
      throw verificationError('only one message may be signed before the peer is verified')
    }
    const claims = { message, messageSeq: this.#nextSign, signerNonce: this.nonce, verifierNonce: this.#remoteNonce }
    const jwt = signJwt({ typ: 'JWT', kid: this.#keyId }, claims, this.#key)
    this.#nextSign++
    return { type: 'JWT', jwt }
  }

  verify(envelope: JSONValue): unknown {
    const { message, messageSeq, signerNonce, verifierNonce } = this.#open(jwtOf(envelope))
    if (messageSeq !== this.#nextVerify) throw verificationError('a message is missing, repeated or out of order')
    if (messageSeq === 0) {
      // Not every peer repeats our nonce in its first message, but one that does must have it right.
      if (verifierNonce !== undefined && verifierNonce !== this.nonce) throw verificationError('the message belongs to another session')
      this.#remoteNonce = signerNonce
    } else if (signerNonce !== this.#remoteNonce || verifierNonce !== this.nonce) {
      throw verificationError('the message belongs to another session')
    }
    this.#nextVerify++
    return message
  }

  #open(jwt: string): MessageClaims {
    let claims: JwtClaims
    try {
      claims = verifyJwt(jwt, this.#key, { maxBytes: this.#maxBytes }).claims
    } catch (thrown) {
      throw verificationError('the signature does not fit the shared secret', thrown)
    }
    const { message, messageSeq, signerNonce, verifierNonce, exp } = claims
    if (!isObject(message) || typeof messageSeq !== 'number' || typeof signerNonce !== 'string') throw decodeError('claims are missing')
    if (signerNonce.length > MAX_NONCE_LENGTH) throw decodeError(`signerNonce has at most ${MAX_NONCE_LENGTH} characters`)
    if (verifierNonce !== undefined && typeof verifierNonce !== 'string') throw decodeError('verifierNonce is a string')
    // Nobody sends one; a peer that does means it.
    if (typeof exp === 'number' && exp * 1000 < this.#host.clock.nowMs() - 60_000) throw verificationError('the message has expired')
    return { message, messageSeq, signerNonce, verifierNonce }
  }
}

/** UUID version 4 (RFC 9562 §5.4). */
function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = 0x40 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  return encodeHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function verificationError(message: string, cause?: unknown): SignalingError {
  return new SignalingError(SignalingErrorCodes.VERIFICATION_ERROR, message, cause)
}

function decodeError(message: string, cause?: unknown): SignalingError {
  return new SignalingError(SignalingErrorCodes.DECODE_ERROR, message, cause)
}
