// Writes lib/crypto/p256-comb-table.ts: multiples of the base point of P-256, computed by @noble/curves. `node
// tools/p256-comb-table.mjs`; a test holds the file equal to what this makes.
import { writeFileSync } from 'node:fs'
import { p256 } from '@noble/curves/nist.js'

const file = 'lib/crypto/p256-comb-table.ts'
const TEETH = 4
const COLUMNS = 80
const ROWS = 4

/** Coordinates of all points, x then y, 32 bytes each, the low byte first. */
export function combTableBytes() {
  const { BASE, Fn } = p256.Point
  const bytes = []
  for (let row = 0; row < ROWS; row++) {
    for (let entry = 0; entry < 1 << (TEETH - 1); entry++) {
      let sum = 1n << BigInt(COLUMNS * (TEETH - 1))
      for (let tooth = 0; tooth < TEETH - 1; tooth++) {
        const term = 1n << BigInt(COLUMNS * tooth)
        sum += (entry >> tooth) & 1 ? term : -term
      }
      const { x, y } = BASE.multiply(Fn.create(sum << BigInt((COLUMNS / ROWS) * row))).toAffine()
      for (const coordinate of [x, y]) bytes.push(Buffer.from(coordinate.toString(16).padStart(64, '0'), 'hex').reverse())
    }
  }
  return Buffer.concat(bytes)
}

/** The whole file. */
export function combTableSource() {
  const lines = combTableBytes().toString('base64url').match(/.{1,120}/g).map((line) => `  '${line}'`)
  return `// Made by tools/p256-comb-table.mjs; not to be edited. What it holds stands at the head of p256-comb.ts.
export const COMB_TABLE =
${lines.join(' +\n')}
`
}

if (process.argv[1]?.endsWith('tools/p256-comb-table.mjs')) writeFileSync(file, combTableSource())
