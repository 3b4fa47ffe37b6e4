/**
 * What CBOR can say, in JavaScript. Integers are numbers as long as they are safe, and bigints beyond, bignums included; byte
 * strings are Uint8Arrays; a map is a plain object when all its keys are text, and a Map otherwise.
 */
export type CborValue =
  | undefined | null | boolean | number | bigint | string | Uint8Array | CborTag | CborSimple
  | readonly CborValue[] | ReadonlyMap<CborValue, CborValue> | { readonly [key: string]: CborValue }

/** A tagged item (RFC 8949 §3.4) whose tag has no meaning here; tags 2 and 3 are bigints instead. */
export class CborTag {
  readonly tag: number | bigint
  readonly value: CborValue

  constructor(tag: number | bigint, value: CborValue) {
    this.tag = tag
    this.value = value
  }
}

/** A simple value without a meaning (RFC 8949 §3.3): 0 to 19 and 32 to 255. */
export class CborSimple {
  readonly value: number

  constructor(value: number) {
    if (!(Number.isInteger(value) && value >= 0 && value < 256 && (value < 20 || value > 31))) {
      throw new RangeError('a simple value is 0 to 19 or 32 to 255')
    }
    this.value = value
  }
}
