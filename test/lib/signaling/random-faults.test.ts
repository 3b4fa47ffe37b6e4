// Whatever is cut, lost, repeated or late: one working session, every message once and in order.
import { createSeededRandom, type Fault } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { runSession } from '../support/faulty-session.ts'

test('1,000 random scripts of faults', async (t) => {
  for (let seed = 1; seed <= 1000; seed++) {
    const random = createSeededRandom(seed)
    const rate = 2 + random.bytes(1)[0] % 24
    const faults: Fault[] = ['cut before', 'cut after', 'half-open', 'drop', 'duplicate', { delayMs: random.bytes(1)[0] * 4 }]
    const outcome = await runSession(() => {
      const [chance, which] = random.bytes(2)
      return chance < rate * 4 ? faults[which % faults.length] : undefined
    }, 40_000)
    if (outcome.failure !== undefined) t.fail(`seed ${seed}: ${outcome.failure}`)
  }
  t.ok(true)
})
