import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { type Clock, type Host, type Log, type Random, silentLog } from '../../lib/runtime/index.ts'
import { nodeHttp } from './http.ts'
import { nodeCrypto } from './native-crypto.ts'
import { nodeWebSockets } from './web-sockets.ts'

/** Longest delay that Node's timers know; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.ceil(delayMs), MAX_DELAY_MS))
    return () => {
      clearTimeout(timer)
    }
  },
}

export const nodeRandom: Random = { bytes: (length) => randomFillSync(new Uint8Array(length)) }

/** Node's clock, randomness, network and crypto. */
export function createNodeHost(options: { log?: Log } = {}): Host {
  const { log = silentLog } = options
  return { clock: nodeClock, random: nodeRandom, http: nodeHttp, webSockets: nodeWebSockets, log, nativeCrypto: nodeCrypto }
}
