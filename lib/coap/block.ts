/** Value of the options Block1 and Block2 (RFC 7959 §2.2). */
export interface Block {
  /** Counts blocks of `size` bytes from 0. */
  readonly number: number
  readonly more: boolean
  /** 16, 32 … 1024. */
  readonly size: number
}

/** Most blocks that the option can number. */
export const MAX_BLOCKS = 1 << 20

export function blockValue({ number, more, size }: Block): number {
  return number * 16 + (more ? 8 : 0) + (31 - Math.clz32(size) - 4)
}

/** Undefined for the reserved size (RFC 7959 §2.2). */
export function blockOf(value: number): Block | undefined {
  const exponent = value & 7
  return exponent === 7 ? undefined : { number: value >> 4, more: (value & 8) !== 0, size: 16 << exponent }
}

/** The largest block of at most `bytes` bytes. */
export function blockSizeWithin(bytes: number): number {
  return bytes >= 1024 ? 1024 : bytes < 32 ? 16 : 1 << (31 - Math.clz32(bytes))
}
