import type { DeviceIds } from './ids.ts'

/** An answer that is there at once within one process, and a little later through a broker. */
export type Answer<T> = T | Promise<T>

/** Calls `use` at once when the answer is there. */
export function whenAnswered<T>(answer: Answer<T>, use: (value: T) => void): void {
  if (answer instanceof Promise) answer.then(use, () => undefined)
  else use(answer)
}

/** Age of a claim to a place: by the proof it stands on first, then by when it was made. */
export interface ClaimOrder {
  /** `iat` of the proof, seconds; 0 where there is none. */
  issuedAt: number
  /** Milliseconds since 1970, never the same twice on one node. */
  serial: number
}

export function isNewerClaim(claim: ClaimOrder, than: ClaimOrder): boolean {
  return claim.issuedAt === than.issuedAt ? claim.serial > than.serial : claim.issuedAt > than.issuedAt
}

/** Whoever sits at a place: a socket on this node. */
export interface Occupant {
  readonly order: ClaimOrder
  /** Text for its socket. Called in the order in which any one sender sent. */
  receive(text: string): void
  /** The device of this room (re)connected; only told to clients. */
  deviceArrived(): void
  /** A newer claim took the place. The place is already the other's. */
  replaced(): void
}

/** The place of the device in its room. Channel IDs are never empty. */
export const DEVICE_PLACE = ''

/** Where a device and its clients meet, on whichever nodes their sockets are; held by who sits in it. */
export interface Room {
  /** Does nothing unless `occupant` still has the place. */
  leave(place: string, occupant: Occupant): void
  /** Order is kept per sender and place. False when nobody was there to receive. */
  send(place: string, text: string): Answer<boolean>
  /** Tells every client in the room that its device is there. */
  announceDevice(): void
}

/**
 * What connects the nodes of a rendezvous: places with presence, and topics. The relay knows nothing else of where a
 * peer's socket is. Within one process it is a map (`createLocalFabric`); between nodes it is a message broker: `send`
 * publishes to a topic of the place, `enter` keeps a retained claim, and answers become promises.
 */
export interface Fabric {
  /** Takes a place, from an older claim if need be. When a claim as new as this one holds it, `occupant` is told `replaced`. */
  enter(device: DeviceIds, place: string, occupant: Occupant): Room
  hasDevice(device: DeviceIds): Answer<boolean>
  clientCount(device: DeviceIds): Answer<number>
  /** To every subscriber on every node, this one included. */
  publish(topic: string, text: string): void
  subscribe(topic: string, listener: (text: string) => void): () => void
}
