import { type AddressInfo } from 'node:net'
import { fastify, type FastifyInstance } from 'fastify'
import { notFound } from '../../../lib/cloud/errors.ts'
import type { RendezvousLimits } from '../../../lib/cloud/index.ts'
import type { Log } from '../../../lib/runtime/index.ts'
import { sendError } from './answers.ts'
import type { SeatSockets } from './seat-sockets.ts'

/** The HTTP side of a rendezvous, without routes yet. */
export function createServer(limits: RendezvousLimits, trustedProxies: string[] | undefined, log: Log): FastifyInstance {
  const server = fastify({
    bodyLimit: limits.httpBodyBytes,
    trustProxy: trustedProxies ?? false,
    requestTimeout: 10_000,
    connectionTimeout: limits.httpIdleMs,
    keepAliveTimeout: 5_000,
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: 'idle',
    frameworkErrors: (error, _request, reply) => void sendError(reply, error, log),
    http: { headersTimeout: 10_000, maxHeaderSize: 16_384 },
  })
  server.server.maxConnections = limits.sockets + limits.httpConnections
  server.setErrorHandler((error, _request, reply) => sendError(reply, error, log))
  server.setNotFoundHandler((_request, reply) => sendError(reply, notFound('there is nothing at this address'), log))
  return server
}

export interface HttpServiceParts {
  listen: { host: string; port: number }
  sockets: SeatSockets
  /** Tells every socket to come back (1001). */
  endSeats: () => void
  /** How long `close` waits for sockets to end, and then as long for requests; default 5 seconds. */
  drainTimeoutMs?: number
  /** Called first. */
  onClosing?: () => void
}

export interface RunningHttpService {
  /** As reached on the listening address. */
  url: string
  address: AddressInfo
  /** Takes no more connections, tells every socket to come back (1001), waits for them. */
  close(): Promise<void>
}

/** @throws Node's own errors when the address cannot be taken */
export async function listenOn(server: FastifyInstance, { listen, sockets, endSeats, drainTimeoutMs = 5000, onClosing }: HttpServiceParts): Promise<RunningHttpService> {
  await server.listen({ host: listen.host, port: listen.port })
  const address = server.server.address() as AddressInfo
  return {
    url: urlOf(address),
    address,
    async close() {
      onClosing?.()
      sockets.drain()
      const closed = server.close()
      endSeats()
      await sockets.emptied(drainTimeoutMs)
      server.server.closeIdleConnections()
      const giveUp = setTimeout(() => server.server.closeAllConnections(), drainTimeoutMs)
      await closed
      clearTimeout(giveUp)
    },
  }
}

function urlOf({ address, port, family }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
