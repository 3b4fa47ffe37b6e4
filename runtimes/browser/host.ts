import { type Clock, type Host, type Log, type Random, silentLog } from '../../lib/runtime/index.ts'
import { browserHttp } from './http.ts'
import { browserWebSockets } from './web-sockets.ts'

/** The longest a browser's timer can run; a longer one would fire at once. */
const maxDelayMs = 0x7fffffff

export const browserClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxDelayMs))
    return () => { clearTimeout(timer) }
  },
}

export const browserRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}

/** A browser as a host. Its WebCrypto is not used: it is missing on plain-HTTP pages, such as a camera's own in a LAN. */
export function createBrowserHost(options: { log?: Log } = {}): Host {
  return {
    clock: browserClock,
    random: browserRandom,
    http: browserHttp,
    webSockets: browserWebSockets,
    log: options.log ?? silentLog,
  }
}
