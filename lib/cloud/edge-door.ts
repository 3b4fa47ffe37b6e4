import { type EdgeCloseCode, EdgeCloseCodes } from '../edge/close-codes.ts'
import type { EdgeLogin } from '../edge/login.ts'
import { messageOf } from '../errors.ts'
import type { Clock, Log } from '../runtime/index.ts'
import type { AdmitClient } from './client-login.ts'
import { EdgeClient, type EdgeDoorway, type EdgeSocket } from './edge-client.ts'
import { RendezvousError } from './errors.ts'
import { CloseReasons, type RendezvousLimits } from './limits.ts'
import type { Relay } from './relay.ts'
import type { SeatEvents } from './seats.ts'

/** Where browsers of the Edge dialect come in (protocol/edge-webrtc.md §1). */
export interface EdgeDoor {
  /** Takes a WebSocket that was opened with the subprotocol `json`. */
  connect(socket: EdgeSocket): SeatEvents
  /** Ends everybody with 1001. */
  close(): void
}

export interface EdgeDoorParts {
  admit: AdmitClient
  relay: Pick<Relay, 'seat'>
  limits: RendezvousLimits
}

export function createEdgeDoor({ clock, log }: { clock: Clock; log: Log }, { admit, relay, limits }: EdgeDoorParts): EdgeDoor {
  const clients = new Set<EdgeClient>()

  async function logIn(login: EdgeLogin, client: EdgeClient): Promise<void> {
    const { grant, deviceOnline } = await admit(login)
    if (client.over) return
    if (deviceOnline) client.enter(relay.seat(grant, client.seatSocket), grant.channelId)
    else client.end(EdgeCloseCodes.deviceOffline, 'the device is not connected')
  }

  const doorway: EdgeDoorway = {
    clock, log, limits,
    logIn(login, client) {
      logIn(login, client).catch((thrown: unknown) => {
        const isRefusal = thrown instanceof RendezvousError && thrown.status < 500
        if (!isRefusal) log('error', 'rendezvous.edge.failed', { error: messageOf(thrown) })
        client.end(closeCodeOf(thrown), isRefusal ? thrown.message : 'the service failed')
      })
    },
    ended: (client) => void clients.delete(client),
  }

  return {
    connect(socket) {
      const client = new EdgeClient(doorway, socket)
      clients.add(client)
      return client
    },
    close() {
      for (const client of clients) client.end(EdgeCloseCodes.goingAway, CloseReasons.draining.reason)
    },
  }
}

/** §1.2 */
function closeCodeOf(thrown: unknown): EdgeCloseCode {
  if (!(thrown instanceof RendezvousError)) return EdgeCloseCodes.internalError
  switch (thrown.code) {
    case 'ERR_RENDEZVOUS_PRODUCT_NOT_FOUND':
      return EdgeCloseCodes.unknownProductId
    case 'ERR_RENDEZVOUS_DEVICE_NOT_FOUND':
      return EdgeCloseCodes.unknownDeviceId
    case 'ERR_RENDEZVOUS_BAD_REQUEST':
      return EdgeCloseCodes.unsupportedPayload
    case 'ERR_RENDEZVOUS_TOO_MANY':
    case 'ERR_RENDEZVOUS_UNAVAILABLE':
      return EdgeCloseCodes.tryAgainLater
    default:
      return thrown.status < 500 ? EdgeCloseCodes.tokenRejected : EdgeCloseCodes.internalError
  }
}
