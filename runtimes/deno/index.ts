// Deno as a host: `fetch`, `WebSocket` and timers as browsers have them, and keys in the hands of WebCrypto.
import type { Host, Log } from '../../lib/runtime/index.ts'
import { createBrowserHost } from '../browser/host.ts'
import { webCrypto } from './web-crypto.ts'

export { webCrypto } from './web-crypto.ts'

/** Needs `--allow-net` for the rendezvous alone; WebRTC is asked for by its engine. */
export function createDenoHost(options: { log?: Log } = {}): Host {
  return { ...createBrowserHost(options), nativeCrypto: webCrypto }
}
