import { DEVICE_PLACE, type Fabric, isNewerClaim, type Occupant, type Room } from './fabric.ts'
import type { DeviceIds } from './ids.ts'

const roomName = ({ productId, deviceId }: DeviceIds): string => `${productId}/${deviceId}`

/** The fabric of a rendezvous that is one process: every answer is there at once. */
export function createLocalFabric(): Fabric {
  const rooms = new Map<string, LocalRoom>()
  const topics = new Map<string, Set<(text: string) => void>>()
  return {
    enter(device, place, occupant) {
      const name = roomName(device)
      const room = rooms.get(name) ?? new LocalRoom(name, rooms)
      rooms.set(name, room)
      room.enter(place, occupant)
      return room
    },
    hasDevice: (device) => rooms.get(roomName(device))?.at(DEVICE_PLACE) !== undefined,
    clientCount: (device) => rooms.get(roomName(device))?.clientCount() ?? 0,
    publish(topic, text) {
      for (const listener of topics.get(topic) ?? []) listener(text)
    },
    subscribe(topic, listener) {
      const listeners = topics.get(topic) ?? new Set()
      topics.set(topic, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) topics.delete(topic)
      }
    },
  }
}

/** Listed among the rooms while someone is in it. */
class LocalRoom implements Room {
  private readonly name: string
  private readonly rooms: Map<string, LocalRoom>
  private device: Occupant | undefined
  /** Made for the first client: most rooms hold a device alone. */
  private clients: Map<string, Occupant> | undefined

  constructor(name: string, rooms: Map<string, LocalRoom>) {
    this.name = name
    this.rooms = rooms
  }

  enter(place: string, occupant: Occupant): void {
    const before = this.at(place)
    if (before !== undefined && !isNewerClaim(occupant.order, before.order)) {
      occupant.replaced()
      return
    }
    if (place === DEVICE_PLACE) this.device = occupant
    else (this.clients ??= new Map<string, Occupant>()).set(place, occupant)
    before?.replaced()
  }

  leave(place: string, occupant: Occupant): void {
    if (this.at(place) !== occupant) return
    if (place === DEVICE_PLACE) this.device = undefined
    else this.clients?.delete(place)
    if (this.clients?.size === 0) this.clients = undefined
    if (this.device === undefined && this.clients === undefined) this.rooms.delete(this.name)
  }

  send(place: string, text: string): boolean {
    const occupant = this.at(place)
    occupant?.receive(text)
    return occupant !== undefined
  }

  announceDevice(): void {
    for (const client of this.clients?.values() ?? []) client.deviceArrived()
  }

  at(place: string): Occupant | undefined {
    return place === DEVICE_PLACE ? this.device : this.clients?.get(place)
  }

  clientCount(): number {
    return this.clients?.size ?? 0
  }
}
