import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port of loopback for a server that has to be told one: free for UDP and TCP alike, and below those that the system gives to
 * whoever asks for any, so that none of them takes it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + randomInt(20_000)
    const [socket, server] = [createSocket('udp4'), createServer()]
    try {
      socket.bind(port, '127.0.0.1')
      await once(socket, 'listening')
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return port
    } catch {
      continue
    } finally {
      socket.close()
      if (server.listening) {
        server.close()
        await once(server, 'close')
      }
    }
  }
}
