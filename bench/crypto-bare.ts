// Signatures, checks of signatures and hashes on a bare engine, all ready: prints milliseconds of each as JSON.
import '../test/noble-shims.ts'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { p256Base } from '../lib/crypto/p256-comb.ts'
import { signP256 } from '../lib/crypto/p256-sign.ts'
import { verifyP256 } from '../lib/crypto/p256-verify.ts'
import { sha256 } from '../lib/crypto/sha256.ts'
import { createSeededRandom } from '../runtimes/memory/random.ts'
import { nobleP256 } from '../test/lib/crypto/noble-p256.ts'

declare const print: (line: string) => void

const ROUNDS = 15
/** The clock counts in milliseconds. */
const TURNS = 8

const random = createSeededRandom(1)
const message = new Uint8Array(330)
const long = new Uint8Array(8192)
const d = new Uint8Array(32).fill(7)
const [base, noble6, noble1] = [p256Base(random), nobleP256(random, 6), nobleP256(random)]
const point = noble6.getPublicKey(d, false)
const signature = signP256(base, message, d)

function must(holds: boolean): void {
  if (!holds) throw new Error('a signature of our own is not taken')
}

const works: Record<string, () => unknown> = {
  comb: () => signP256(base, message, d),
  noble6: () => noble6.sign(message, d),
  noble1: () => noble1.sign(message, d),
  verify: () => { must(verifyP256(message, signature, point)) },
  nobleVerify: () => { must(noble6.verify(signature, message, point)) },
  hash: () => sha256(long),
  nobleHash: () => nobleSha256(long),
}
const found = Object.entries(works).map(([name, work]) => ({ name, work, ms: [] as number[] }))
for (let round = -1; round < ROUNDS; round++) {
  for (const { work, ms } of found) {
    const startMs = Date.now()
    for (let count = 0; count < TURNS; count++) work()
    if (round >= 0) ms.push((Date.now() - startMs) / TURNS)
  }
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]
print(JSON.stringify({ ...Object.fromEntries(found.map(({ name, ms }) => [name, median(ms)])), hashedBytes: long.length }))
