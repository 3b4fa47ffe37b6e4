import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiRequest, Rendezvous } from '../../../lib/cloud/index.ts'

/** The API of devices and clients (protocol/webrtc-signaling.md §2). @param publicUrl - undefined: callers name the service as they reached it */
export function addConnectApi(server: FastifyInstance, rendezvous: Rendezvous, publicUrl: string | undefined): void {
  const endpoints = {
    '/v1/device/connect': (request: ApiRequest) => rendezvous.connectDevice(request),
    '/v1/client/connect': (request: ApiRequest) => rendezvous.connectClient(request),
    '/v1/ice-servers': (request: ApiRequest) => rendezvous.iceServers(request),
  }
  for (const [path, answer] of Object.entries(endpoints)) {
    server.post(path, (request, reply) => {
      void reply.header('cache-control', 'no-store')
      rendezvous.countRequest(request.ip)
      return answer({
        authorization: request.headers.authorization,
        body: request.body,
        address: request.ip,
        webSocketBase: webSocketBase(request, publicUrl),
      })
    })
  }
}

/** The `Host` a caller names comes back to that caller alone. */
function webSocketBase(request: FastifyRequest, publicUrl: string | undefined): string {
  return (publicUrl ?? `${request.protocol}://${request.host}`).replace(/^http/, 'ws')
}
