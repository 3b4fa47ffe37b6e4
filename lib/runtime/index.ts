import type { Clock } from './clock.ts'
import type { Http } from './http.ts'
import type { Log } from './log.ts'
import type { NativeCrypto } from './native-crypto.ts'
import type { Random } from './random.ts'
import type { WebSockets } from './web-socket.ts'

export * from './clock.ts'
export * from './http.ts'
export * from './log.ts'
export * from './native-crypto.ts'
export * from './random.ts'
export * from './storage.ts'
export * from './web-socket.ts'

/** What a device or a client needs of the machine it runs on. A function asks for the parts it uses, not for all of it. */
export interface Host {
  clock: Clock
  random: Random
  http: Http
  webSockets: WebSockets
  log: Log
  nativeCrypto?: NativeCrypto
}
