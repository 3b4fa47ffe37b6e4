/**
 * The part of Node's Buffer that codes text, several times faster than the language can. The name is not in the language,
 * so it is looked up, not assumed.
 */
export interface HostBuffer {
  Buffer?: {
    from(text: string, encoding: 'utf8' | 'base64url'): HostBytes
    from(buffer: ArrayBufferLike, offset: number, length: number): HostBytes
  }
}

interface HostBytes extends Uint8Array {
  toString(encoding?: 'base64url'): string
}

/** The same bytes without what a Buffer does differently, such as a `slice` that does not copy. */
export function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
