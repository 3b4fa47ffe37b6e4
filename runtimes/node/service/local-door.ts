import type { IncomingMessage } from 'node:http'
import {
  createEdgeDoor, createInnerSeat, createLocalFabric, createNearChannels, createOwnRegistry, DEFAULT_RENDEZVOUS_LIMITS, type DeviceIds, INNER_ENDPOINT, openRendezvous, readId,
  type RendezvousLimits,
} from '../../../lib/cloud/index.ts'
import { deviceKeyId, type P256PublicKey, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { type Http, type Log, silentLog, type WebSockets } from '../../../lib/runtime/index.ts'
import { createNodeHost } from '../host.ts'
import { isAttached } from './attached-networks.ts'
import { addConnectApi } from './connect-api.ts'
import { createServer, listenOn, type RunningHttpService } from './http-service.ts'
import { refuseOtherSites } from './own-pages-only.ts'
import { addPages } from './pages.ts'
import { acceptSeatSockets, type Doors } from './seat-sockets.ts'

export interface LocalDoorOptions extends DeviceIds {
  /** Port 0 takes any that is free. */
  listen: { host: string; port: number }
  /** Of the device. */
  publicKey: P256PublicKey
  /** Names under which the device is found besides its addresses, in lower case, such as `lenskey-0123456789abcdef.local`. */
  names?: readonly string[]
  /** That clients may show, as at a service: those of the device's users. Nobody needs one here. */
  serverConnectTokens?: () => readonly string[]
  log?: Log
  limits?: Partial<RendezvousLimits>
  /** Static files served under `/`, such as the viewer. */
  pages?: { dir: string }
  /** How long `close` waits for sockets to end, and then as long for requests; default 1 second. */
  drainTimeoutMs?: number
}

export interface RunningLocalDoor extends RunningHttpService {
  /** For the `SignalingDeviceOptions` of the device: what it takes its seat with, without a socket, a token or a network. */
  inner: { endpointUrl: string; tokenGenerator: () => Promise<string>; http: Http; webSockets: WebSockets }
  /**
   * Whether a client has always come from a network that this machine is attached to, by what the sockets themselves say:
   * no header and no frame changes it. To be asked by the device in this process, for it cannot be asked from outside.
   */
  isNear: (channelId: string) => boolean
}

/** For one device on a board rather than thousands at a service. */
const LOCAL_LIMITS: RendezvousLimits = {
  ...DEFAULT_RENDEZVOUS_LIMITS, sockets: 128, httpConnections: 128, rememberedRates: 1024, clientTicketMs: 86_400_000,
}

/**
 * Starts the rendezvous of one device in the device's own process, for whoever is in its network: the same rules and
 * dialects as `startRendezvous`, with the registry in memory, without an admin API, and closed to the pages of other sites.
 * @throws {LenskeyError} `ERR_PAGES`, {RendezvousError} for IDs that are none; Node's own errors when the address cannot be taken
 */
export async function startLocalDoor(options: LocalDoorOptions): Promise<RunningLocalDoor> {
  const { publicKey, names = [], serverConnectTokens = () => [], log = silentLog, drainTimeoutMs = 1000 } = options
  const device = { productId: readId('productId', options.productId), deviceId: readId('deviceId', options.deviceId) }
  const limits = { ...LOCAL_LIMITS, ...options.limits }
  const host = createNodeHost({ log })
  const key = { kid: deviceKeyId(publicKey), publicKey: publicKeyToPem(publicKey), createdAt: Math.floor(host.clock.nowMs() / 1000) }
  const rendezvous = await openRendezvous(host, { registry: createOwnRegistry(device, key, { serverConnectTokens, nativeCrypto: host.nativeCrypto }), fabric: createLocalFabric(), limits })
  const channels = createNearChannels(rendezvous)
  const doorsTo = (near: boolean): Doors => {
    const seat = channels.seat(near)
    return { seat, edgeDoor: createEdgeDoor(host, { admit: (login) => rendezvous.admitClient(login), relay: { seat }, limits }) }
  }
  const [near, far] = [doorsTo(true), doorsTo(false)]
  const endSeats = (): void => {
    for (const { edgeDoor } of [near, far]) edgeDoor.close()
    rendezvous.close()
  }
  // No proxy is believed: what a header says of where a request came from changes nothing.
  const server = createServer(limits, undefined, log)
  const screen = (request: IncomingMessage): void => {
    refuseOtherSites(request, names)
  }
  server.addHook('onRequest', (request, _reply, next) => {
    screen(request.raw)
    next()
  })
  try {
    addConnectApi(server, rendezvous, { ownOnly: true })
    if (options.pages !== undefined) addPages(server, options.pages.dir, `/?${new URLSearchParams({ product: device.productId, device: device.deviceId }).toString()}`)
    const sockets = acceptSeatSockets(server.server, {
      rendezvous, limits, log, screen,
      addressOf: ({ socket }) => socket.remoteAddress ?? '',
      doorsFor: ({ socket }) => (isAttached(socket.remoteAddress) ? near : far),
    })
    const running = await listenOn(server, { listen: options.listen, sockets, endSeats, drainTimeoutMs })
    return {
      ...running,
      inner: { ...createInnerSeat(rendezvous, device), endpointUrl: INNER_ENDPOINT, tokenGenerator: () => Promise.resolve('') },
      isNear: channels.isNear,
    }
  } catch (thrown) {
    endSeats()
    await server.close()
    throw thrown
  }
}
