// Writes lib/crypto/p256-comb-table.ts: multiples of the base point of P-256, computed by @noble/curves. `node
// tools/p256-comb-table.mjs`; a test holds the file equal to what this makes.
import { writeFileSync } from 'node:fs'
import { p256 } from '@noble/curves/nist.js'

const file = 'lib/crypto/p256-comb-table.ts'
const TEETH = 4
const COLUMNS = 80
const ROWS = 2

/** The points in base64url: 64 bytes each, x then y. */
export function combTablePoints() {
  const { BASE, Fn } = p256.Point
  const points = []
  for (let row = 0; row < ROWS; row++) {
    for (let entry = 0; entry < 1 << (TEETH - 1); entry++) {
      let sum = 1n << BigInt(COLUMNS * (TEETH - 1))
      for (let tooth = 0; tooth < TEETH - 1; tooth++) {
        const term = 1n << BigInt(COLUMNS * tooth)
        sum += (entry >> tooth) & 1 ? term : -term
      }
      const { x, y } = BASE.multiply(Fn.create(sum << BigInt((COLUMNS / ROWS) * row))).toAffine()
      const digits = [x, y].map((coordinate) => coordinate.toString(16).padStart(64, '0')).join('')
      points.push(Buffer.from(digits, 'hex').toString('base64url'))
    }
  }
  return points
}

/** The whole file. */
export function combTableSource() {
  return `// Made by tools/p256-comb-table.mjs; not to be edited. One point a line; which ones is said at the head of p256-comb.ts.
export const COMB_TABLE =
${combTablePoints().map((point) => `  '${point}'`).join(' +\n')}
`
}

if (process.argv[1]?.endsWith('tools/p256-comb-table.mjs')) writeFileSync(file, combTableSource())
