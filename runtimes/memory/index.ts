import { type Host, type Log, silentLog } from '../../lib/runtime/index.ts'
import { createMemoryClock, type MemoryClock } from './clock.ts'
import { createMemoryNetwork, type MemoryNetwork } from './network.ts'
import { createSeededRandom } from './random.ts'

export * from './clock.ts'
export * from './network.ts'
export * from './peer-connection.ts'
export * from './random.ts'
export * from './storage.ts'

/** A host for tests, ours and our users': time is wound by hand, randomness has a seed, the network is in memory. */
export interface MemoryHost extends Host {
  clock: MemoryClock
}

/** Several hosts share a clock and a network when they are handed the same ones. */
export function createMemoryHost(options: { seed?: number; clock?: MemoryClock; network?: MemoryNetwork; log?: Log } = {}): MemoryHost {
  const { seed = 1, clock = createMemoryClock(), log = silentLog } = options
  const { http, webSockets } = options.network ?? createMemoryNetwork({ clock })
  return { clock, random: createSeededRandom(seed), http, webSockets, log }
}
