import { LenskeyError } from '../errors.ts'

// What hosts code text with, several times faster than the language can. The names are not in the language, so they are
// looked up, not assumed. Bundles for bare engines have no-host-coders.ts in place of this file.
interface HostCoders {
  TextEncoder?: new () => { encode(text: string): Uint8Array; encodeInto(text: string, bytes: Uint8Array): { written: number } }
  TextDecoder?: new (label: 'utf-8', options: { fatal: true; ignoreBOM: true }) => { decode(bytes: Uint8Array): string }
  /** Node's. */
  Buffer?: {
    from(text: string, encoding: 'utf8' | 'base64url'): NodeBytes
    from(buffer: ArrayBufferLike, offset: number, length: number): NodeBytes
    /** Not documented, and there since the first Buffers: text out of any byte array without a view of the part. */
    prototype: { utf8Slice?: (this: Uint8Array, start: number, end: number) => string }
  }
}

interface NodeBytes extends Uint8Array {
  toString(encoding?: 'base64url' | 'utf8'): string
}

/** Strict UTF-8; undefined where the host has none. */
export function hostUtf8(): { encode: (text: string) => Uint8Array; decode: (bytes: Uint8Array) => string } | undefined {
  const { TextEncoder, TextDecoder, Buffer: buffer } = globalThis as HostCoders
  if (TextEncoder === undefined || TextDecoder === undefined) return undefined
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const decodeStrictly = (bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes)
    } catch (cause) {
      throw new LenskeyError('ERR_UTF8', 'not well-formed UTF-8', { cause })
    }
  }
  if (buffer === undefined) return { encode: (text) => encoder.encode(text), decode: decodeStrictly }
  return {
    encode: (text) => plainBytes(buffer.from(text, 'utf8')),
    decode(bytes) {
      const text = buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
      // Where Node finds something malformed it puts U+FFFD, which may also just stand there.
      return text.includes('\ufffd') ? decodeStrictly(bytes) : text
    },
  }
}

/** From here on a call to the host's encoder is faster than a loop. */
const LONG = 32

interface Utf8Parts {
  decodePart: (bytes: Uint8Array, start: number, end: number) => string
  writeAscii: (text: string, bytes: Uint8Array, start: number) => boolean
}

/** Parts of byte arrays, without a view of each; undefined where the host cannot. */
export function hostUtf8Parts(portable: {
  decode: (bytes: Uint8Array) => string
  writeShortAscii: Utf8Parts['writeAscii']
  /** How many bytes may be used behind the text. */
  room: number
}): Utf8Parts | undefined {
  const { TextEncoder, Buffer: buffer } = globalThis as HostCoders
  if (TextEncoder === undefined) return undefined
  const encoder = new TextEncoder()
  const slice = buffer?.prototype.utf8Slice
  return {
    decodePart(bytes, start, end) {
      const text = slice?.call(bytes, start, end)
      return text === undefined || text.includes('\ufffd') ? portable.decode(bytes.subarray(start, end)) : text
    },
    writeAscii(text, bytes, start) {
      const { length } = text
      if (length < LONG) return portable.writeShortAscii(text, bytes, start)
      // Text that is not ASCII takes more bytes than it has units, and with this room more are written even if it is cut.
      return encoder.encodeInto(text, bytes.subarray(start, start + length + portable.room)).written === length
    },
  }
}

/**
 * Strict base64url; undefined where the host has none.
 * @param decodeStrictly - says why not, for text that the host reads and we refuse
 */
export function hostBase64url(
  decodeStrictly: (text: string) => Uint8Array,
): { encode: (bytes: Uint8Array) => string; encodeText: (text: string) => string; decode: (text: string) => Uint8Array } | undefined {
  const { Buffer: buffer } = globalThis as HostCoders
  if (buffer === undefined) return undefined
  const encode = (bytes: Uint8Array): string => buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
  return {
    encode,
    encodeText: (text) => buffer.from(text, 'utf8').toString('base64url'),
    decode(text) {
      const bytes = plainBytes(buffer.from(text, 'base64url'))
      // The host skips what it does not know: only what it would write itself is strict.
      return encode(bytes) === text ? bytes : decodeStrictly(text)
    },
  }
}

/** The same bytes without what a Buffer does differently, such as a `slice` that does not copy. */
function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
