// Signatures on a bare engine, all ready: prints milliseconds per signature as JSON.
import '../test/noble-shims.ts'
import { p256Base } from '../lib/crypto/p256-comb.ts'
import { signP256 } from '../lib/crypto/p256-sign.ts'
import { createSeededRandom } from '../runtimes/memory/random.ts'
import { nobleP256 } from '../test/lib/crypto/noble-p256.ts'

declare const print: (line: string) => void

const ROUNDS = 25
/** The clock counts in milliseconds. */
const SIGNATURES = 8

const random = createSeededRandom(1)
const message = new Uint8Array(330)
const d = new Uint8Array(32).fill(7)
const [base, noble6, noble1] = [p256Base(random), nobleP256(random, 6), nobleP256(random)]
const ways = { comb: () => signP256(base, message, d), noble6: () => noble6.sign(message, d), noble1: () => noble1.sign(message, d) }
const found: Record<keyof typeof ways, number[]> = { comb: [], noble6: [], noble1: [] }
for (let round = -1; round < ROUNDS; round++) {
  for (const name of ['comb', 'noble6', 'noble1'] as const) {
    const startMs = Date.now()
    for (let count = 0; count < SIGNATURES; count++) ways[name]()
    if (round >= 0) found[name].push((Date.now() - startMs) / SIGNATURES)
  }
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]
print(JSON.stringify({ comb: median(found.comb), noble6: median(found.noble6), noble1: median(found.noble1) }))
