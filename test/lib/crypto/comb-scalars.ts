import { ORDER } from '../../../lib/crypto/p256-field.ts'

/** The first and the last scalars, powers of two and their neighbours, long runs of ones and of zeros, leading zeros. */
export function combEdgeScalars(): bigint[] {
  const ends = [1n, 2n, 3n, ORDER - 1n, ORDER - 2n, ORDER - 3n, ORDER >> 1n, (ORDER >> 1n) + 1n]
  const powers = [1n, 39n, 40n, 41n, 63n, 64n, 79n, 80n, 81n, 128n, 159n, 160n, 192n, 224n, 239n, 240n, 254n, 255n].map((bit) => 1n << bit)
  const runs = [(1n << 80n) - 1n, ((1n << 80n) - 1n) << 160n, (1n << 255n) - 1n, BigInt(`0x${'5'.repeat(63)}`), BigInt(`0x${'a'.repeat(63)}`)]
  return [...ends, ...powers.flatMap((power) => [power - 1n, power, power + 1n]), ...runs].filter((k) => k > 0n && k < ORDER)
}

/**
 * Twice a point of the last row of the table, or its opposite: where the blinding gives the last column that point's digits,
 * the last addition is of a point to itself. And the points of all rows.
 */
export function combMeetingScalars(): bigint[] {
  const scalars: bigint[] = []
  for (const row of [0n, 1n]) {
    for (let entry = 0; entry < 8; entry++) {
      const signs = [1, 2, 4].map((bit) => ((entry & bit) === 0 ? -1n : 1n))
      const multiple = ((1n << 240n) + signs[2] * (1n << 160n) + signs[1] * (1n << 80n) + signs[0]) << (40n * row)
      const k = ((row === 1n ? 2n : 1n) * multiple) % ORDER
      scalars.push(k, ORDER - k)
    }
  }
  return scalars
}
