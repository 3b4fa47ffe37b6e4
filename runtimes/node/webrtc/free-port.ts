import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { LenskeyError } from '../../../lib/errors.ts'
import type { EngineSettings } from './options.ts'

let turn: Promise<void> = Promise.resolve()

/**
 * Runs `use`, which binds a UDP port in native code, after a look whether there is one to bind: libdatachannel ends the process
 * when there is none. One at a time, so that nobody of this process takes the port in between.
 *
 * @throws {LenskeyError} `ERR_WEBRTC_NO_PORT`
 */
export function withFreePort(settings: EngineSettings, use: () => void): Promise<void> {
  const result = turn.then(async () => {
    if (!(await hasFreePort(settings))) {
      throw new LenskeyError('ERR_WEBRTC_NO_PORT', 'no UDP port is free for one more connection: close others, or widen the port range')
    }
    use()
  })
  turn = result.catch(() => undefined)
  return result
}

async function hasFreePort({ loopbackOnly, portRange }: EngineSettings): Promise<boolean> {
  const { first, last } = portRange ?? { first: 0, last: 0 }
  for (let port = first; port <= last; port++) {
    const socket = createSocket('udp4')
    try {
      socket.bind({ port, address: loopbackOnly ? '127.0.0.1' : '0.0.0.0', exclusive: true })
      await once(socket, 'listening')
      return true
    } catch {
      // Taken: the next one.
    } finally {
      socket.close()
    }
  }
  return false
}
