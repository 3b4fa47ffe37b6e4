import { decodeBase64url, decodeUtf8, encodeBase64url } from '../bytes/index.ts'
import { JwtError } from './errors.ts'
import { parseStrictObject } from './strict-json.ts'

/** Signature algorithms of RFC 7518 that are known here. */
export type JwtAlgorithm = 'ES256' | 'HS256' | 'RS256'

/** What a token's header may say here. Members that carry or point to keys are never read. */
export interface JwtHeader {
  /** As the token claims; nothing is chosen by it. */
  readonly alg: string
  readonly typ?: string
  /** Opaque, at most 256 characters. */
  readonly kid?: string
}

export type JwtClaims = Readonly<Record<string, unknown>>

/** Bounds on what is parsed. */
export interface JwtLimits {
  /** Characters of a whole token, which are bytes since it is ASCII; default 8,192: what a camera can afford to hold twice. */
  maxBytes?: number
  /** Nesting of objects and arrays in header and claims, which bounds the parser's stack; default 16. */
  maxDepth?: number
}

export const MAX_JWT_BYTES = 8192
export const MAX_JWT_DEPTH = 16
const MAX_KEY_ID_LENGTH = 256

/** A compact JWS taken apart (RFC 7515 §3.1), nothing verified. */
export interface CompactJws {
  readonly header: JwtHeader
  /** What is signed: the first two parts with the dot between them. */
  readonly signingInput: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/** @throws {JwtError} `ERR_JWT_MALFORMED`, `ERR_JWT_HEADER` */
export function parseCompactJws(token: string, limits: JwtLimits = {}): CompactJws {
  const [headerPart, payloadPart, signaturePart] = split(token, limits)
  return {
    header: parseHeader(headerPart, limits),
    signingInput: token.slice(0, headerPart.length + 1 + payloadPart.length),
    payload: decodePart(payloadPart),
    signature: decodePart(signaturePart),
  }
}

/**
 * The header alone, unverified: for choosing a key by `kid`, and for nothing else.
 * @throws {JwtError} `ERR_JWT_MALFORMED`, `ERR_JWT_HEADER`
 */
export function readJwtHeader(token: string, limits: JwtLimits = {}): JwtHeader {
  return parseHeader(split(token, limits)[0], limits)
}

/** @throws {JwtError} `ERR_JWT_MALFORMED` */
export function parseClaims(payload: Uint8Array, { maxDepth = MAX_JWT_DEPTH }: JwtLimits): JwtClaims {
  return parseStrictObject(decodeText(payload), maxDepth)
}

function split(token: string, { maxBytes = MAX_JWT_BYTES }: JwtLimits): [string, string, string] {
  if (token.length > maxBytes) throw new JwtError('ERR_JWT_MALFORMED', `this token has more than ${maxBytes} characters`)
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 0 || second < 0 || token.includes('.', second + 1)) {
    throw new JwtError('ERR_JWT_MALFORMED', 'a token has three parts with dots between them')
  }
  return [token.slice(0, first), token.slice(first + 1, second), token.slice(second + 1)]
}

// Whoever looks for the key by the header first and verifies next should not pay for parsing it twice. `part` is encoded
// anew: a slice would keep the whole token in memory.
let lastHeader: { part: string; maxDepth: number; header: JwtHeader } | undefined

function parseHeader(part: string, { maxDepth = MAX_JWT_DEPTH }: JwtLimits): JwtHeader {
  if (lastHeader?.part !== part || lastHeader.maxDepth !== maxDepth) {
    const bytes = decodePart(part)
    lastHeader = { part: encodeBase64url(bytes), maxDepth, header: readHeader(bytes, maxDepth) }
  }
  return lastHeader.header
}

function readHeader(bytes: Uint8Array, maxDepth: number): JwtHeader {
  const header = parseStrictObject(decodeText(bytes), maxDepth)
  // RFC 7515 §4.1.11: what must be understood is not understood here, whatever it is.
  if (header.crit !== undefined) throw new JwtError('ERR_JWT_HEADER', 'the header of this token demands an extension ("crit"); none is supported')
  const { alg, typ, kid } = header
  if (typeof alg !== 'string') throw new JwtError('ERR_JWT_HEADER', 'the header of this token names no algorithm')
  if (typ !== undefined && typeof typ !== 'string') throw new JwtError('ERR_JWT_HEADER', 'member "typ" of the header is not a string')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KEY_ID_LENGTH)) {
    throw new JwtError('ERR_JWT_HEADER', `member "kid" of the header is not a string of at most ${MAX_KEY_ID_LENGTH} characters`)
  }
  const found: { alg: string; typ?: string; kid?: string } = { alg }
  if (typ !== undefined) found.typ = typ
  if (kid !== undefined) found.kid = kid
  return Object.freeze(found)
}

function decodePart(part: string): Uint8Array {
  try {
    return decodeBase64url(part)
  } catch (cause) {
    throw new JwtError('ERR_JWT_MALFORMED', 'a part of this token is not base64url', { cause })
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch (cause) {
    throw new JwtError('ERR_JWT_MALFORMED', 'a part of this token is not UTF-8', { cause })
  }
}
