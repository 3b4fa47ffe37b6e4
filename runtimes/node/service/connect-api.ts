import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiRequest, Rendezvous } from '../../../lib/cloud/index.ts'

export interface ConnectApiOptions {
  /** Default: callers name the service as they reached it. */
  publicUrl?: string
  /** For one device that has its seat already: it gives out no others, and pages of other sites stay outside. Default false. */
  ownOnly?: boolean
}

/** The API of devices and clients (protocol/webrtc-signaling.md §2), for pages of any site (§11.13). */
export function addConnectApi(server: FastifyInstance, rendezvous: Rendezvous, { publicUrl, ownOnly = false }: ConnectApiOptions): void {
  const forClients = [
    { method: 'POST', path: '/client/connect', answer: (request: ApiRequest) => rendezvous.connectClient(request) },
    { method: 'POST', path: '/ice-servers', answer: (request: ApiRequest) => rendezvous.iceServers(request) },
  ]
  const forDevices = [
    { method: 'POST', path: '/device/connect', answer: (request: ApiRequest) => rendezvous.connectDevice(request) },
    { method: 'PUT', path: '/device/server-connect-tokens', answer: (request: ApiRequest) => rendezvous.putServerConnectTokens(request) },
  ]
  void server.register(async (api) => {
    if (!ownOnly) await api.register(cors, {
      origin: '*', methods: ['POST', 'PUT'], allowedHeaders: ['authorization', 'content-type'], exposedHeaders: ['retry-after'], maxAge: 86_400,
    })
    for (const { method, path, answer } of ownOnly ? forClients : [...forDevices, ...forClients]) {
      api.route({ method, url: path, handler: (request, reply) => {
        void reply.header('cache-control', 'no-store')
        const address = addressOf(request)
        rendezvous.countRequest(address)
        return answer({
          authorization: request.headers.authorization,
          body: request.body,
          address,
          webSocketBase: webSocketBase(request, publicUrl),
        })
      } })
    }
  }, { prefix: '/v1' })
}

/** Of the caller; empty for callers that went away while they were heard, who thus count as one. */
export function addressOf(request: FastifyRequest): string {
  return request.socket.remoteAddress === undefined ? '' : request.ip
}

/** The `Host` a caller names comes back to that caller alone. */
function webSocketBase(request: FastifyRequest, publicUrl: string | undefined): string {
  return (publicUrl ?? `${request.protocol}://${request.host}`).replace(/^http/, 'ws')
}
