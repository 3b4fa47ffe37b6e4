import { decodeUtf8Part, encodeUtf8 } from '../bytes/index.ts'
import { CoapFormatError } from './errors.ts'
import type { CoapOption } from './message.ts'
import { type CoapOptionDefinition, optionTable } from './options.ts'

export interface Body {
  options: CoapOption[]
  payload: Uint8Array
  badOption: number | undefined
}

const PAYLOAD_MARKER = 0xff
/** Longest head of an option: its byte, and two more each for number and length. */
const OPTION_HEAD = 5

/** How many bytes `writeBody` takes at most. */
export function roomForBody({ options, payload }: { readonly options: readonly CoapOption[]; readonly payload: Uint8Array }): number {
  let room = 1 + payload.length
  for (const { value } of options) room += OPTION_HEAD + (typeof value === 'string' ? value.length * 3 : typeof value === 'number' ? 4 : value.length)
  return room
}

/** Options and payload (RFC 7252 §3.1). @returns the place behind them */
export function writeBody(
  { code, options, payload }: { readonly code: string; readonly options: readonly CoapOption[]; readonly payload: Uint8Array }, bytes: Uint8Array, start: number,
): number {
  const table = optionTable(code)
  let at = start
  let last = 0
  for (const { number, value } of inOrder(options)) {
    at = writeOption(number, number - last, value, table[number], bytes, at)
    last = number
  }
  if (payload.length > 0) {
    bytes[at++] = PAYLOAD_MARKER
    bytes.set(payload, at)
    at += payload.length
  }
  return at
}

function inOrder(options: readonly CoapOption[]): readonly CoapOption[] {
  for (let index = 1; index < options.length; index++) {
    if (options[index].number < options[index - 1].number) return [...options].sort((a, b) => a.number - b.number)
  }
  return options
}

function writeOption(number: number, delta: number, value: CoapOption['value'], definition: CoapOptionDefinition | undefined, bytes: Uint8Array, start: number): number {
  if (!(number >= 0 && number <= 0xffff)) throw new RangeError('an option number has 16 bits')
  // Nearly all values are shorter than 13 bytes, and their place is known before they are written.
  const content = typeof value === 'string' ? encodeText(value) : typeof value === 'number' ? encodeUint(value) : value
  const { length } = content
  if (definition !== undefined && (length < definition.bytes[0] || length > definition.bytes[1])) {
    throw new RangeError(`${definition.name} has ${definition.bytes[0]} to ${definition.bytes[1]} bytes`)
  }
  let at = start + 1
  bytes[start] = (nibble(delta) << 4) | nibble(length)
  at = writeExtension(delta, bytes, at)
  at = writeExtension(length, bytes, at)
  for (let index = 0; index < length; index++) bytes[at++] = content[index]
  return at
}

function encodeText(text: string): ArrayLike<number> {
  if (text.length > 32) return encodeUtf8(text)
  const units = new Array<number>(text.length)
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 127) return encodeUtf8(text)
    units[index] = unit
  }
  return units
}

/** Without leading zeros, so that zero is nothing (RFC 7252 §3.2). */
function encodeUint(value: number): ArrayLike<number> {
  if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)) throw new RangeError('a number in an option has 32 bits')
  if (value === 0) return []
  if (value < 0x100) return [value]
  if (value < 0x10000) return [value >> 8, value & 255]
  return value < 0x1000000 ? [value >> 16, (value >> 8) & 255, value & 255] : [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255]
}

function nibble(size: number): number {
  return size < 13 ? size : size < 269 ? 13 : 14
}

function writeExtension(size: number, bytes: Uint8Array, start: number): number {
  let at = start
  if (size >= 269) {
    bytes[at++] = (size - 269) >> 8
    bytes[at++] = size - 269
  } else if (size >= 13) {
    bytes[at++] = size - 13
  }
  return at
}

/** @throws {CoapFormatError} */
export function readBody(bytes: Uint8Array, tokenStart: number, start: number, code: string, maxOptions: number): Body & { token: Uint8Array } {
  const table = optionTable(code)
  const options: CoapOption[] = []
  const end = bytes.length
  let badOption: number | undefined
  let at = start
  let number = 0
  while (at < end) {
    const first = bytes[at++]
    if (first === PAYLOAD_MARKER) {
      if (at === end) throw new CoapFormatError('ERR_COAP_MALFORMED', 'a payload marker without a payload', at)
      break
    }
    if (options.length >= maxOptions) throw new CoapFormatError('ERR_COAP_TOO_LARGE', `more than ${maxOptions} options`, at - 1)
    let delta = first >> 4
    let length = first & 15
    if (delta >= 13) {
      delta = readExtension(bytes, at, delta)
      at += delta < 269 ? 1 : 2
    }
    if (length >= 13) {
      length = readExtension(bytes, at, length)
      at += length < 269 ? 1 : 2
    }
    if (length > end - at) throw new CoapFormatError('ERR_COAP_TRUNCATED', `an option of ${length} bytes`, end)
    number += delta
    if (number > 0xffff) throw new CoapFormatError('ERR_COAP_MALFORMED', 'an option number of more than 16 bits', at)
    const definition = number < table.length ? table[number] : undefined
    let value: CoapOption['value'] | undefined
    if (definition !== undefined && length >= definition.bytes[0] && length <= definition.bytes[1] && (delta > 0 || options.length === 0 || definition.repeatable === true)) {
      value = readValue(bytes, at, length, definition)
    }
    if (value === undefined) {
      value = bytes.subarray(at, at + length)
      if ((number & 1) === 1 && badOption === undefined) badOption = number
    }
    options.push({ number, value })
    at += length
  }
  return { token: bytes.subarray(tokenStart, start), options, payload: bytes.subarray(at, end), badOption }
}

function readExtension(bytes: Uint8Array, at: number, nibbleValue: number): number {
  if (nibbleValue === 15) throw new CoapFormatError('ERR_COAP_MALFORMED', 'a reserved option length', at - 1)
  const width = nibbleValue - 12
  if (at + width > bytes.length) throw new CoapFormatError('ERR_COAP_TRUNCATED', 'an option is cut', bytes.length)
  return width === 1 ? bytes[at] + 13 : bytes[at] * 256 + bytes[at + 1] + 269
}

/** Undefined when the bytes are not of the option's format. */
function readValue(bytes: Uint8Array, at: number, length: number, { format }: CoapOptionDefinition): CoapOption['value'] | undefined {
  if (format === 'uint') {
    let value = 0
    for (let index = at; index < at + length; index++) value = value * 256 + bytes[index]
    return value
  }
  if (format !== 'string') return bytes.subarray(at, at + length)
  try {
    return decodeUtf8Part(bytes, at, at + length)
  } catch {
    return undefined
  }
}
