import type { Relay } from './relay.ts'

/** Which clients of a door have always come from its own network. Kept beside the relay: no frame carries it, so none can claim it. */
export interface NearChannels {
  /** The relay for a client that comes from near, or from afar: seats it, and remembers. */
  seat: (near: boolean) => Relay['seat']
  /** Whether every socket of this channel so far came from near; false for one that is not known, or not any more. */
  isNear: (channelId: string) => boolean
}

/**
 * A channel that was opened once from afar, be it by somebody who got hold of its URL, is not near any more.
 * @param relay - who really seats
 * @param remembered - channels; past it the one that opened a socket the longest ago is forgotten
 */
export function createNearChannels(relay: Pick<Relay, 'seat'>, remembered = 256): NearChannels {
  const channels = new Map<string, boolean>()

  function remember(channelId: string, near: boolean): void {
    const before = channels.get(channelId) ?? true
    channels.delete(channelId)
    channels.set(channelId, before && near)
    if (channels.size > remembered) channels.delete([...channels.keys()][0])
  }

  return {
    seat: (near) => (grant, socket) => {
      if (grant.channelId !== undefined) remember(grant.channelId, near)
      return relay.seat(grant, socket)
    },
    isNear: (channelId) => channels.get(channelId) === true,
  }
}
