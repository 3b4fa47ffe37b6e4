import { decodeUtf8 } from '../bytes/index.ts'
import { parsePublicKey, parseRsaPublicKey, type UncheckedJwk } from '../crypto/index.ts'
import { LenskeyError, messageOf } from '../errors.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import { es256VerifyingKey, type JwtVerifyingKey, rs256VerifyingKey } from './keys.ts'
import { parseStrictObject } from './strict-json.ts'

/**
 * - `ERR_JWKS_MALFORMED`: not a key set, or one past its bounds
 * - `ERR_JWKS_UNAVAILABLE`: the key server gave none, and there is none from before that is still to be used
 * - `ERR_JWKS_KEY_UNKNOWN`: the set has no usable key of that name
 */
export type JwksErrorCode = 'ERR_JWKS_MALFORMED' | 'ERR_JWKS_UNAVAILABLE' | 'ERR_JWKS_KEY_UNKNOWN'

export class JwksError extends LenskeyError {
  declare readonly code: JwksErrorCode

  constructor(code: JwksErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'JwksError'
  }
}

/** Where the key is that a token names. */
export interface JwtKeySource {
  /**
   * @param kid - as the token claims it; nothing but the name of a key
   * @throws {JwksError} `ERR_JWKS_KEY_UNKNOWN`, `ERR_JWKS_UNAVAILABLE`
   */
  keyFor(kid: string): Promise<JwtVerifyingKey>
}

export interface KeySetLimits {
  /** Of the whole set; default 65,536. */
  maxBytes?: number
  /** Default 32: a server that changes keys has two or three. */
  maxKeys?: number
}

export const DEFAULT_KEY_SET_LIMITS: Required<KeySetLimits> = { maxBytes: 65_536, maxKeys: 32 }

const MAX_DEPTH = 8
const MAX_KEY_ID_LENGTH = 256

/** Keys by their names. */
export type KeySet = ReadonlyMap<string, JwtVerifyingKey>

/**
 * Reads a JWK set (RFC 7517 §5). The algorithm of each key is that of its kind, RS256 for RSA and ES256 for P-256, whatever a
 * token says; a key marked for something else, without a name, published with its private half or otherwise unfit is passed
 * over, and so are keys that share a name, since nobody could tell which is meant.
 * @throws {JwksError} `ERR_JWKS_MALFORMED`
 */
export function parseKeySet(bytes: Uint8Array, host: { nativeCrypto?: NativeCrypto } = {}, limits: KeySetLimits = {}): KeySet {
  const { maxBytes, maxKeys } = { ...DEFAULT_KEY_SET_LIMITS, ...limits }
  if (bytes.length > maxBytes) throw malformed(`it has more than ${maxBytes} bytes`)
  const { keys } = readObject(bytes)
  if (!Array.isArray(keys)) throw malformed('it has no list "keys"')
  if (keys.length > maxKeys) throw malformed(`it has more than ${maxKeys} keys`)
  const found = new Map<string, JwtVerifyingKey | undefined>()
  for (const jwk of keys as unknown[]) {
    if (typeof jwk !== 'object' || jwk === null) continue
    const { kid } = jwk as UncheckedJwk
    if (typeof kid !== 'string' || kid.length > MAX_KEY_ID_LENGTH) continue
    found.set(kid, found.has(kid) ? undefined : keyOf(jwk as UncheckedJwk, host))
  }
  const usable = new Map<string, JwtVerifyingKey>()
  for (const [kid, key] of found) if (key !== undefined) usable.set(kid, key)
  return usable
}

function keyOf(jwk: UncheckedJwk, host: { nativeCrypto?: NativeCrypto }): JwtVerifyingKey | undefined {
  if (jwk.d !== undefined) return undefined
  try {
    return jwk.kty === 'RSA' ? rs256VerifyingKey(parseRsaPublicKey(jwk), host) : es256VerifyingKey(parsePublicKey(jwk), host)
  } catch {
    return undefined
  }
}

function readObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    return parseStrictObject(decodeUtf8(bytes), MAX_DEPTH)
  } catch (cause) {
    throw malformed(`it is no plain JSON object (${messageOf(cause)})`, cause)
  }
}

function malformed(detail: string, cause?: unknown): JwksError {
  return new JwksError('ERR_JWKS_MALFORMED', `this is no set of keys: ${detail}`, { cause })
}
