// Whatever is cut, lost, repeated or late: one working session, every message once and in order.
import type { Fault } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { runSession } from '../support/faulty-session.ts'

test('a connection cut, lost or half-open after each single frame of a session, in both directions', async (t) => {
  const { transfers, failure } = await runSession(() => undefined)
  t.equal(failure, undefined)
  t.ok(transfers.length > 30, `${transfers.length} frames`)
  const faults: Fault[] = ['cut before', 'cut after', 'half-open', 'drop', 'duplicate', { delayMs: 400 }]
  for (const fault of faults) {
    for (const { socket, direction, index } of transfers) {
      const outcome = await runSession((transfer) =>
        transfer.socket === socket && transfer.direction === direction && transfer.index === index ? fault : undefined)
      if (outcome.failure !== undefined) t.fail(`${JSON.stringify(fault)} at socket ${socket} ${direction} ${index}: ${outcome.failure}`)
    }
  }
})
