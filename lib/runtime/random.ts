/** A cryptographically secure source. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** A number in [0, 1) with 32 random bits: jitter, not secrets. */
export function randomFraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  return (a * 0x1000000 + b * 0x10000 + c * 0x100 + d) / 0x100000000
}
