import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { RendezvousError } from '../../../lib/cloud/index.ts'
import { hostOf, plainAddress } from './attached-networks.ts'

const DEFAULT_PORT = 80

/** What a request says of its way here, and what the socket knows. */
export type Caller = Pick<IncomingMessage, 'headers'> & { socket: Pick<IncomingMessage['socket'], 'localAddress' | 'localPort'> }

/**
 * Refuses what a page of another site sends through the browser of somebody in this network. Such a page can reach any
 * address that the browser can, under its own `Origin`; with a name of its own that it lets point here (DNS rebinding), it even
 * looks like a page from here, but for the `Host`. So a request has to name the very address that it came in at, or one of
 * the names of this door, and a page has to come from there too. Programs send no `Origin`, and none is needed.
 * @param names - besides the address, in lower case, such as `camera.local`
 * @throws {RendezvousError} 403
 */
export function refuseOtherSites({ headers, socket }: Caller, names: readonly string[]): void {
  const address = plainAddress(socket.localAddress)
  const own = [hostOf(address), ...names, ...(isLoopback(address) ? ['localhost'] : [])]
  const host = (headers.host ?? '').toLowerCase()
  const [, name = '', port = String(DEFAULT_PORT)] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(host) ?? []
  if (Number(port) !== socket.localPort || !own.includes(spelled(name))) {
    throw new RendezvousError(403, 'ERR_LOCAL_DOOR_HOST', 'this door answers to its own address and names alone')
  }
  // `URL` spells the port as browsers do in an origin: not at all where it is 80.
  if (headers.origin !== undefined && headers.origin.toLowerCase() !== new URL(`http://${host}`).origin) {
    throw new RendezvousError(403, 'ERR_LOCAL_DOOR_ORIGIN', 'this door is for its own page, not for those of other sites')
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/** IPv6 has many spellings; a name may end in a dot. */
function spelled(name: string): string {
  if (name.startsWith('[')) {
    try {
      return new URL(`http://${name}`).hostname
    } catch {
      return ''
    }
  }
  return name.replace(/\.$/, '')
}
