import { ASCII_ROOM, decodeHex, encodeUtf8, writeAscii } from '../bytes/index.ts'
import { singleToHalf } from './half-float.ts'
import { CborSimple, CborTag, type CborValue } from './values.ts'

export interface CborEncodeOptions {
  /** Map keys in the order of RFC 8949 §4.2.1, so that equal values are equal bytes. Default false: keys in their own order. */
  deterministic?: boolean
}

const MAX_DEPTH = 64
const MAX_KEPT_KEYS = 256
const LONGEST_KEPT_KEY = 32
/** Messages share a block of this size until it is used up, since making a byte array costs more than filling it. */
const BLOCK_BYTES = 4096

// The state of the one encoding that runs.
let space = new Uint8Array(0)
/** Where this message starts in `space`; making room moves it, so that places are kept as distances from here. */
let start = 0
let at = 0
let depth = 0
let sorted = false
let running = false

/** Keys repeat from message to message: their encoded form is kept, since bare engines are slow at taking text apart. */
const keys = /* @__PURE__ */ new Map<string, Uint8Array>()

/**
 * One CBOR item (RFC 8949) in preferred serialization: the shortest form of every number that loses nothing, lengths
 * definite. Members of plain objects that are undefined are left out, as JSON does.
 * @returns a view of a buffer that other messages share: copy it before handing its `buffer` on
 * @throws {TypeError} something that CBOR has no form for here, such as a function, a symbol or an object of a class
 * @throws {RangeError} nested deeper than 64 levels, or holding itself; with `deterministic`, a map with two keys of one form
 */
export function encodeCbor(value: CborValue, options: CborEncodeOptions = {}): Uint8Array {
  if (running) throw new TypeError('encodeCbor was called by a getter of what it encodes')
  running = true
  at = start
  depth = 0
  sorted = options.deterministic === true
  try {
    writeItem(value)
    const whole = new Uint8Array(space.buffer, start, at - start)
    start = at
    return whole
  } finally {
    running = false
  }
}

function reserve(more: number): void {
  if (at + more <= space.length) return
  const written = space.subarray(start, at)
  space = new Uint8Array(Math.max(BLOCK_BYTES, (written.length + more) * 2))
  space.set(written)
  start = 0
  at = written.length
}

function writeItem(value: CborValue): void {
  switch (typeof value) {
    case 'string': writeText(value); return
    case 'number': writeNumber(value); return
    case 'boolean': writeByte(value ? 0xf5 : 0xf4); return
    case 'undefined': writeByte(0xf7); return
    case 'bigint': writeBigint(value); return
    case 'object': break
    default: throw new TypeError(`CBOR has no form for a ${typeof value}`)
  }
  if (value === null) writeByte(0xf6)
  else if (value instanceof Uint8Array) writeBytes(value)
  else writeStructure(value)
}

function writeByte(byte: number): void {
  reserve(1)
  space[at++] = byte
}

/** @param argument - an integer from 0 to 2^53 - 1 */
function writeHead(major: number, argument: number): void {
  reserve(9)
  const kind = major << 5
  if (argument < 24) {
    space[at++] = kind | argument
  } else if (argument < 0x100) {
    space[at++] = kind | 24
    space[at++] = argument
  } else if (argument < 0x10000) {
    space[at++] = kind | 25
    space[at++] = argument >> 8
    space[at++] = argument
  } else if (argument < 0x1_0000_0000) {
    space[at++] = kind | 26
    writeWord(argument)
  } else {
    space[at++] = kind | 27
    writeWord(Math.floor(argument / 0x1_0000_0000))
    writeWord(argument % 0x1_0000_0000)
  }
}

function writeWord(word: number): void {
  space[at++] = word >>> 24
  space[at++] = word >>> 16
  space[at++] = word >>> 8
  space[at++] = word
}

function writeNumber(value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) writeFloat(value)
  else if (value < 0) writeHead(1, -1 - value)
  else writeHead(0, value)
}

function writeBigint(value: bigint): void {
  const size = value < 0n ? -1n - value : value
  const negative = value < 0n ? 1 : 0
  if (size <= Number.MAX_SAFE_INTEGER) {
    writeHead(negative, Number(size))
  } else if (size < 1n << 64n) {
    reserve(9)
    space[at++] = (negative << 5) | 27
    writeWord(Number(size >> 32n))
    writeWord(Number(size & 0xffff_ffffn))
  } else {
    const hex = size.toString(16)
    writeHead(6, 2 + negative)
    writeBytes(decodeHex(hex.length % 2 === 0 ? hex : `0${hex}`))
  }
}

function writeFloat(value: number): void {
  reserve(9)
  const view = new DataView(space.buffer)
  if (Math.fround(value) !== value && !Number.isNaN(value)) {
    space[at] = 0xfb
    view.setFloat64(at + 1, value)
    at += 9
    return
  }
  view.setFloat32(at + 1, value)
  const half = singleToHalf(view.getUint32(at + 1))
  if (half < 0) {
    space[at] = 0xfa
    at += 5
  } else {
    space[at++] = 0xf9
    space[at++] = half >> 8
    space[at++] = half
  }
}

function writeBytes(value: Uint8Array): void {
  writeHead(2, value.length)
  reserve(value.length)
  space.set(value, at)
  at += value.length
}

function writeText(text: string): void {
  const { length } = text
  // Nearly all text is ASCII, whose length in bytes is known before it is written.
  if (length < 0x100) {
    reserve(length + 2 + ASCII_ROOM)
    const head = length < 24 ? 1 : 2
    if (writeAscii(text, space, at + head)) {
      if (head === 1) {
        space[at] = 0x60 | length
      } else {
        space[at] = 0x78
        space[at + 1] = length
      }
      at += head + length
      return
    }
  }
  const utf8 = encodeUtf8(text)
  writeHead(3, utf8.length)
  reserve(utf8.length)
  space.set(utf8, at)
  at += utf8.length
}

function writeKey(text: string): void {
  const known = keys.get(text)
  if (known !== undefined) {
    reserve(known.length)
    space.set(known, at)
    at += known.length
    return
  }
  const before = at - start
  writeText(text)
  if (text.length > LONGEST_KEPT_KEY) return
  if (keys.size >= MAX_KEPT_KEYS) keys.clear()
  keys.set(text, space.slice(start + before, at))
}

function writeStructure(value: Exclude<CborValue, string | number | bigint | boolean | null | undefined | Uint8Array>): void {
  if (++depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels, or holding itself`)
  if (Array.isArray(value)) {
    const values = value as readonly CborValue[]
    writeHead(4, values.length)
    for (let index = 0; index < values.length; index++) writeItem(values[index])
  } else if (isPlain(value)) {
    writeObject(value)
  } else if (value instanceof Map) {
    writeMap(value as ReadonlyMap<CborValue, CborValue>)
  } else if (value instanceof CborTag) {
    writeTagHead(value.tag)
    writeItem(value.value)
  } else if (value instanceof CborSimple) {
    writeSimple(value.value)
  } else {
    throw new TypeError('CBOR has no form for an object of a class')
  }
  depth--
}

function writeTagHead(tag: number | bigint): void {
  if (tag < 0 || tag >= 1n << 64n || !(typeof tag === 'bigint' || Number.isSafeInteger(tag))) throw new RangeError('a tag is a 64-bit integer')
  reserve(9)
  const head = at
  writeBigint(BigInt(tag))
  space[head] |= 6 << 5
}

function writeSimple(value: number): void {
  if (value < 24) {
    writeByte(0xe0 | value)
  } else {
    writeByte(0xf8)
    writeByte(value)
  }
}

function isPlain(value: object): value is { readonly [key: string]: CborValue } {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function writeObject(value: { readonly [key: string]: CborValue }): void {
  const all = Object.keys(value)
  const names = sorted || all.length > 23 ? all.filter((name) => value[name] !== undefined) : all
  if (sorted) {
    writeSorted(names.map((name): [string, CborValue] => [name, value[name]]))
    return
  }
  const head = at - start
  writeHead(5, names.length)
  let skipped = 0
  for (let index = 0; index < names.length; index++) {
    const member = value[names[index]]
    if (member === undefined) {
      skipped++
    } else {
      writeKey(names[index])
      writeItem(member)
    }
  }
  // A head of up to 23 members is one byte that ends in their number, so that they need not be looked at twice.
  if (skipped > 0) space[start + head] -= skipped
}

function writeMap(value: ReadonlyMap<CborValue, CborValue>): void {
  if (sorted) {
    writeSorted([...value])
    return
  }
  writeHead(5, value.size)
  for (const [key, member] of value) {
    writeItem(key)
    writeItem(member)
  }
}

/** Each key is written, taken back and compared; then the entries go in the order of the keys' bytes. */
function writeSorted(entries: readonly [CborValue, CborValue][]): void {
  const before = at - start
  const spelled = entries.map(([key, member]) => {
    at = start + before
    writeItem(key)
    return { key: space.slice(start + before, at), member }
  })
  at = start + before
  spelled.sort((a, b) => byBytes(a.key, b.key))
  writeHead(5, spelled.length)
  for (const { key, member } of spelled) {
    reserve(key.length)
    space.set(key, at)
    at += key.length
    writeItem(member)
  }
}

function byBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length)
  for (let index = 0; index < shorter; index++) if (a[index] !== b[index]) return a[index] - b[index]
  if (a.length === b.length) throw new RangeError('a map has two keys of one form')
  return a.length - b.length
}
