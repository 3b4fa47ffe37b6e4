// The login benchmark on a bare engine: prints milliseconds per login as JSON.
import '../test/noble-shims.ts'
import { createSeededRandom } from '../runtimes/memory/random.ts'
import { logins, multiplications } from './spake2-work.ts'

declare const print: (line: string) => void

const ROUNDS = 15

const random = createSeededRandom(1)
const works = { ours: logins(random, 1), peer: multiplications(random, 1) }
const found: Record<keyof typeof works, number[]> = { ours: [], peer: [] }
for (let round = -1; round < ROUNDS; round++) {
  for (const name of ['ours', 'peer'] as const) {
    const startMs = Date.now()
    works[name]()
    if (round >= 0) found[name].push(Date.now() - startMs)
  }
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]
print(JSON.stringify({ ours: median(found.ours), peer: median(found.peer) }))
