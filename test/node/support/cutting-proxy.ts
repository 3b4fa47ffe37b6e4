import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A TCP proxy that can cut everything that goes through it. */
export interface CuttingProxy {
  port: number
  /** Ends every connection at once and lets no new one through for a while. */
  cut(forMs: number): void
}

export async function startCuttingProxy(t: Test, targetPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let closedUntil = 0
  const server = createServer((near) => {
    if (Date.now() < closedUntil) {
      near.destroy()
      return
    }
    const far = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut(forMs) {
      closedUntil = Date.now() + forMs
      for (const socket of sockets) socket.destroy()
    },
  }
}
