import { decodeUtf8Part, encodeHex } from '../bytes/index.ts'
import { encodeCbor } from './encode.ts'
import { CborError, type CborErrorCode } from './errors.ts'
import { halfToNumber } from './half-float.ts'
import { keyAt } from './text.ts'
import { CborSimple, CborTag, type CborValue } from './values.ts'

/** Bounds for input from the network; each protects memory or the stack, each has an error code of its own. */
export interface CborDecodeOptions {
  /** Arrays, maps and tags inside one another; default 16. */
  maxDepth?: number
  /** Items of all kinds, at all levels; default 1024. */
  maxItems?: number
  /** Bytes of input; default 65,536. */
  maxBytes?: number
  /** Leaves what follows the first item unread instead of refusing it; default false. */
  allowTrailing?: boolean
}

const INDEFINITE = 31
const BREAK = 0xff

// The state of the one decoding that runs: locals of a module are the fastest there is, on old engines too.
const nothing = /* @__PURE__ */ new Uint8Array(0)
let bytes: Uint8Array = nothing
let at = 0
let end = 0
let depth = 0
let items = 0
let maxDepth = 0
let maxItems = 0

/**
 * Reads one CBOR item (RFC 8949), definite or indefinite, in whatever encoding of its numbers and lengths. Map keys come once
 * each; `__proto__` is a key like any other.
 * @throws {CborError}
 */
export function decodeCbor(input: Uint8Array, options: CborDecodeOptions = {}): CborValue {
  const maxBytes = options.maxBytes ?? 65_536
  bytes = input
  at = 0
  end = input.length
  depth = 0
  items = 0
  maxDepth = options.maxDepth ?? 16
  maxItems = options.maxItems ?? 1024
  try {
    if (end > maxBytes) throw failure('ERR_CBOR_TOO_LARGE', `more than ${maxBytes} bytes`, maxBytes)
    const value = readItem()
    if (at < end && options.allowTrailing !== true) throw failure('ERR_CBOR_TRAILING', 'bytes after the item')
    return value
  } finally {
    bytes = nothing
  }
}

function failure(code: CborErrorCode, message: string, offset = at): CborError {
  return new CborError(code, message, offset)
}

function readItem(): CborValue {
  if (at >= end) throw failure('ERR_CBOR_TRUNCATED', 'an item is missing')
  if (++items > maxItems) throw failure('ERR_CBOR_TOO_MANY_ITEMS', `more than ${maxItems} items`)
  const initial = bytes[at++]
  const info = initial & 31
  switch (initial >> 5) {
    case 0: return info < 24 ? info : readInteger(info)
    case 1: {
      if (info < 24) return -1 - info
      const size = readInteger(info)
      return typeof size === 'bigint' ? -1n - size : size === Number.MAX_SAFE_INTEGER ? -1n - BigInt(size) : -1 - size
    }
    case 2: return info === INDEFINITE ? joinChunks(readChunks(2)) : readBytes(readLength(info))
    case 3: return info === INDEFINITE ? readChunks(3).join('') : readText(readLength(info))
    case 4: return readArray(info)
    case 5: return readMap(info)
    case 6: return readTag(info)
    default: return readSimple(info)
  }
}

function readUnsigned(width: number): number {
  if (end - at < width) throw failure('ERR_CBOR_TRUNCATED', `${width} more bytes expected`)
  let value = bytes[at++]
  for (let more = width; more > 1; more--) value = value * 256 + bytes[at++]
  return value
}

/** The argument of an initial byte whose low bits are 24 to 27. */
function readInteger(info: number): number | bigint {
  if (info < 27) return readUnsigned(widthOf(info))
  widthOf(info)
  if (end - at < 8) throw failure('ERR_CBOR_TRUNCATED', '8 more bytes expected')
  const high = readUnsigned(4)
  const low = readUnsigned(4)
  return high <= 0x1fffff ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low)
}

function widthOf(info: number): number {
  if (info > 27) throw failure('ERR_CBOR_MALFORMED', 'a length of a kind that does not exist', at - 1)
  return 1 << (info - 24)
}

function readLength(info: number): number {
  const length = info < 24 ? info : info === 24 && at < end ? bytes[at++] : Number(readInteger(info))
  if (length > end - at) throw failure('ERR_CBOR_TRUNCATED', `${length} more bytes expected`)
  return length
}

function readBytes(length: number): Uint8Array {
  const start = at
  at += length
  return bytes.slice(start, at)
}

function readText(length: number): string {
  const start = at
  at += length
  try {
    return decodeUtf8Part(bytes, start, at)
  } catch {
    throw failure('ERR_CBOR_TEXT', 'text is not UTF-8', start)
  }
}

/** Definite strings of the same kind up to the break (RFC 8949 §3.2.3). */
function readChunks(major: 2): Uint8Array[]
function readChunks(major: 3): string[]
function readChunks(major: 2 | 3): (Uint8Array | string)[] {
  const chunks: (Uint8Array | string)[] = []
  while (!takeBreak()) {
    if (++items > maxItems) throw failure('ERR_CBOR_TOO_MANY_ITEMS', `more than ${maxItems} items`)
    const initial = bytes[at]
    if (initial >> 5 !== major || (initial & 31) === INDEFINITE) throw failure('ERR_CBOR_MALFORMED', 'not a chunk of this string')
    at++
    const length = readLength(initial & 31)
    chunks.push(major === 2 ? readBytes(length) : readText(length))
  }
  return chunks
}

function joinChunks(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

function takeBreak(): boolean {
  if (at >= end) throw failure('ERR_CBOR_TRUNCATED', 'the end of an item of unknown length is missing')
  if (bytes[at] !== BREAK) return false
  at++
  return true
}

/** @param perEntry - how many items one entry has */
function readCount(info: number, perEntry: 1 | 2): number {
  const count = info < 24 ? info : Number(readInteger(info))
  // Checked before anything is made: each item takes a byte at least.
  if (count * perEntry > maxItems - items) throw failure('ERR_CBOR_TOO_MANY_ITEMS', `more than ${maxItems} items`)
  if (count * perEntry > end - at) throw failure('ERR_CBOR_TRUNCATED', `${count} entries expected`)
  return count
}

function enter(): void {
  if (++depth > maxDepth) throw failure('ERR_CBOR_TOO_DEEP', `more than ${maxDepth} levels`, at - 1)
}

function readArray(info: number): CborValue[] {
  enter()
  const values: CborValue[] = []
  if (info === INDEFINITE) while (!takeBreak()) values.push(readItem())
  else for (let left = readCount(info, 1); left > 0; left--) values.push(readItem())
  depth--
  return values
}

function readMap(info: number): Record<string, CborValue> | Map<CborValue, CborValue> {
  enter()
  const offset = at - 1
  const object: Record<string, CborValue> = {}
  let left = info === INDEFINITE ? -1 : readCount(info, 2)
  let entries = 0
  while (left < 0 ? !takeBreak() : left > 0) {
    // Anything but a definite text string: this is not the usual map.
    if (at < end && (bytes[at] >> 5 !== 3 || bytes[at] === 0x7f)) return readMixedMap(object, offset, entries, left)
    const key = readKey()
    setMember(object, key, readItem())
    entries++
    left--
  }
  depth--
  return checkKeys(object, entries, offset)
}

/** Counted once at the end: asking before each member costs an engine ten times as much. */
function checkKeys(object: Record<string, CborValue>, entries: number, offset: number): Record<string, CborValue> {
  if (Object.keys(object).length !== entries) throw twice(offset)
  return object
}

function readKey(): string {
  if (at >= end) throw failure('ERR_CBOR_TRUNCATED', 'a key is missing')
  if (++items > maxItems) throw failure('ERR_CBOR_TOO_MANY_ITEMS', `more than ${maxItems} items`)
  const length = readLength(bytes[at++] & 31)
  const start = at
  at += length
  try {
    return keyAt(bytes, start, length)
  } catch {
    throw failure('ERR_CBOR_TEXT', 'text is not UTF-8', start)
  }
}

/** @param offset - of the map, or of the key where it is known */
const twice = (offset: number): CborError => failure('ERR_CBOR_DUPLICATE_KEY', 'a map with a key twice', offset)

function setMember(object: Record<string, CborValue>, key: string, value: CborValue): void {
  // An assignment to this one would reach the prototype.
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}

/** The rest of a map that starts at `offset` and whose first members are in `object`. */
function readMixedMap(object: Record<string, CborValue>, offset: number, entries: number, entriesLeft: number): Record<string, CborValue> | Map<CborValue, CborValue> {
  const map = new Map<CborValue, CborValue>(Object.entries(checkKeys(object, entries, offset)))
  // Keys that are objects here are compared by how they are spelled deterministically.
  const spellings = new Set<string>()
  let onlyText = true
  for (let left = entriesLeft; left < 0 ? !takeBreak() : left > 0; left--) {
    const keyOffset = at
    const key = readItem()
    if (typeof key !== 'string') onlyText = false
    const spelling = typeof key === 'object' && key !== null ? encodeHex(encodeCbor(key, { deterministic: true })) : undefined
    if (spelling === undefined ? map.has(key) : spellings.has(spelling)) throw twice(keyOffset)
    if (spelling !== undefined) spellings.add(spelling)
    map.set(key, readItem())
  }
  depth--
  if (!onlyText) return map
  const whole: Record<string, CborValue> = {}
  for (const [key, value] of map) setMember(whole, key as string, value)
  return whole
}

function readTag(info: number): CborValue {
  enter()
  const tag = info < 24 ? info : readInteger(info)
  const offset = at
  const value = readItem()
  depth--
  if (tag !== 2 && tag !== 3) return new CborTag(tag, value)
  if (!(value instanceof Uint8Array)) throw failure('ERR_CBOR_MALFORMED', 'a bignum that is no byte string', offset)
  const size = value.length === 0 ? 0n : BigInt(`0x${encodeHex(value)}`)
  const big = tag === 2 ? size : -1n - size
  // Not compared as it is: quickjs-ng says of large negative BigInts that they are above small numbers.
  const number = Number(big)
  return Number.isSafeInteger(number) ? number : big
}

function readSimple(info: number): CborValue {
  switch (info) {
    case 20: return false
    case 21: return true
    case 22: return null
    case 23: return undefined
    case 24: {
      const value = readUnsigned(1)
      if (value < 32) throw failure('ERR_CBOR_MALFORMED', 'a simple value below 32 in two bytes', at - 2)
      return new CborSimple(value)
    }
    case 25: return halfToNumber(readUnsigned(2))
    case 26: return new DataView(bytes.buffer, bytes.byteOffset + skip(4), 4).getFloat32(0)
    case 27: return new DataView(bytes.buffer, bytes.byteOffset + skip(8), 8).getFloat64(0)
    case INDEFINITE: throw failure('ERR_CBOR_MALFORMED', 'an end where nothing is open', at - 1)
    default:
      if (info > 27) throw failure('ERR_CBOR_MALFORMED', 'a simple value of a kind that does not exist', at - 1)
      return new CborSimple(info)
  }
}

/** Where the next `width` bytes start; they are taken. */
function skip(width: number): number {
  if (end - at < width) throw failure('ERR_CBOR_TRUNCATED', `${width} more bytes expected`)
  const start = at
  at += width
  return start
}
