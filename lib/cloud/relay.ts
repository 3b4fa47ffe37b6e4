import type { Clock, Log } from '../runtime/index.ts'
import { isObject } from '../signaling/json.ts'
import type { Fabric } from './fabric.ts'
import { CloseReasons, type RendezvousLimits } from './limits.ts'
import { ClientSeat, DeviceSeat, type Seat, type SeatContext, type SeatEvents, type SeatGrant, type SeatSocket } from './seats.ts'

/** What was removed from the registry; a seat that rests on it ends. Members left out match anything. */
export interface Revocation {
  productId: string
  deviceId?: string
  /** What a seat rests on; one that ends with a colon stands for all of its kind. */
  kid?: string
  /** Clients without a token are meant, and no others. */
  anonymous?: boolean
}

/** The routing layer (protocol/webrtc-signaling.md §3) of one node. */
export interface Relay {
  /** Seats a socket that just opened. */
  seat(grant: SeatGrant, socket: SeatSocket): SeatEvents
  /** Ends the seats that rest on what was removed, on every node. */
  revoke(revocation: Revocation): void
  /** How often something was revoked since the start, on whichever node. */
  readonly revocations: number
  /** Sockets seated on this node. */
  readonly seated: number
  /** Ends every seat of this node with 1001. */
  close(): void
}

const REVOKED_TOPIC = 'revoked'
// PINGs of a node's sockets go out in as many portions, not all in one moment.
const PORTIONS = 10

export function createRelay(host: { clock: Clock; log: Log }, options: { fabric: Fabric; limits: RendezvousLimits }): Relay {
  const { fabric, limits } = options
  const seats = new Set<Seat>()
  const context: SeatContext = { clock: host.clock, log: host.log, limits, fabric, seats }
  let round = 0
  let revocations = 0

  const keepAlive = (): void => {
    stopTimer = host.clock.after(limits.pingIntervalMs / PORTIONS, keepAlive)
    const nowMs = host.clock.monotonicMs()
    round = (round + 1) % PORTIONS
    for (const seat of seats) seat.keepAlive(nowMs, seat.portion % PORTIONS === round)
  }
  let stopTimer = host.clock.after(limits.pingIntervalMs / PORTIONS, keepAlive)

  const unsubscribe = fabric.subscribe(REVOKED_TOPIC, (text) => {
    const revocation = readRevocation(text)
    revocations++
    for (const seat of seats) if (restsOn(seat.grant, revocation)) seat.end(CloseReasons.revoked)
  })

  return {
    seat(grant, socket) {
      const { channelId } = grant
      const seat = channelId === undefined ? new DeviceSeat(context, grant, socket) : new ClientSeat(context, { ...grant, channelId }, socket)
      seat.open()
      return seat
    },
    revoke: (revocation) => fabric.publish(REVOKED_TOPIC, JSON.stringify(revocation)),
    get revocations() {
      return revocations
    },
    get seated() {
      return seats.size
    },
    close() {
      stopTimer()
      unsubscribe()
      for (const seat of seats) seat.end(CloseReasons.draining)
    },
  }
}

function readRevocation(text: string): Revocation {
  const value: unknown = JSON.parse(text)
  if (!isObject(value) || typeof value.productId !== 'string') throw new TypeError('not a revocation')
  const { productId, deviceId, kid, anonymous } = value
  return {
    productId,
    deviceId: typeof deviceId === 'string' ? deviceId : undefined,
    kid: typeof kid === 'string' ? kid : undefined,
    anonymous: anonymous === true,
  }
}

function restsOn(grant: SeatGrant, { productId, deviceId, kid, anonymous }: Revocation): boolean {
  return grant.productId === productId &&
    (deviceId === undefined || grant.deviceId === deviceId) &&
    (kid === undefined || grant.kid === kid || (kid.endsWith(':') && grant.kid?.startsWith(kid) === true)) &&
    (anonymous !== true || grant.kid === undefined)
}
