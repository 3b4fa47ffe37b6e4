import { LenskeyError } from '../errors.ts'

export type CborErrorCode =
  /** The bytes end in the middle of an item. */
  | 'ERR_CBOR_TRUNCATED'
  /** Not well-formed (RFC 8949 §3, Appendix F). */
  | 'ERR_CBOR_MALFORMED'
  /** A text string that is not UTF-8. */
  | 'ERR_CBOR_TEXT'
  /** A map with a key twice (RFC 8949 §5.6). */
  | 'ERR_CBOR_DUPLICATE_KEY'
  /** Bytes after the item. */
  | 'ERR_CBOR_TRAILING'
  /** More levels of nesting than `maxDepth`. */
  | 'ERR_CBOR_TOO_DEEP'
  /** More items than `maxItems`. */
  | 'ERR_CBOR_TOO_MANY_ITEMS'
  /** More bytes than `maxBytes`. */
  | 'ERR_CBOR_TOO_LARGE'

/** Bytes that are no CBOR item, or one beyond the bounds. */
export class CborError extends LenskeyError {
  declare readonly code: CborErrorCode
  /** Where in the bytes. */
  readonly offset: number

  constructor(code: CborErrorCode, message: string, offset: number) {
    super(code, `${message} at offset ${offset}`)
    this.name = 'CborError'
    this.offset = offset
  }
}
