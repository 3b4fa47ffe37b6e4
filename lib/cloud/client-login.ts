import type { DeviceIds } from './ids.ts'
import type { SeatGrant } from './seats.ts'

/** What a client shows that asks for a device over a socket of its own (protocol/edge-webrtc.md §1.1); IDs as it spelled them. */
export interface ClientLogin extends DeviceIds {
  /** A server connect token of the device. */
  sct?: string
  /** A token whose audience is this rendezvous, or a client access token of the product. */
  jwt?: string
}

/** A client that may ask for this device. */
export interface AdmittedClient {
  /** For `Rendezvous.seat`, at once: a removal that comes before the seat is taken would not end it. IDs are in lower case. */
  grant: SeatGrant & { channelId: string }
  deviceOnline: boolean
  /** Whether what it showed entitles it to TURN. */
  turn: boolean
}

/**
 * Admits a client by the policy of its product; a device is told nothing of one that is refused.
 * @throws {RendezvousError} 400, 401, 403, 404, 429, 503
 */
export type AdmitClient = (login: ClientLogin) => Promise<AdmittedClient>
