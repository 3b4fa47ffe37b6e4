import type { IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import type { FastifyInstance } from 'fastify'
import { unavailable } from '../../../lib/cloud/errors.ts'
import {
  createEdgeDoor, createLocalFabric, DEFAULT_RENDEZVOUS_LIMITS, openRendezvous, type Registry, type RendezvousLimits,
} from '../../../lib/cloud/index.ts'
import { type Log, silentLog } from '../../../lib/runtime/index.ts'
import { createNodeHost } from '../host.ts'
import { addAdminApi } from './admin-api.ts'
import { loadAdminToken } from './admin-token.ts'
import { addConnectApi } from './connect-api.ts'
import { createServer, listenOn } from './http-service.ts'
import { addPages } from './pages.ts'
import { type ProductSetUp, setUpProducts } from './product-set-up.ts'
import { openRegistry } from './registry.ts'
import { acceptSeatSockets } from './seat-sockets.ts'
import { addStsApi, openSts, type StsServiceOptions } from './sts-api.ts'
import { createIceServerSource, type IceServerOptions } from './turn.ts'

export {
  addProductKey, type DeviceRegistration, getProduct, type ProductPolicy, putProduct, registerDevice, type RegisteredDevice, removeProductKey,
} from './admin-client.ts'
export { ADMIN_TOKEN_FILE, loadAdminToken } from './admin-token.ts'
export { type LocalDoorOptions, type RunningLocalDoor, startLocalDoor } from './local-door.ts'
export { openKeySetFile } from './key-set-file.ts'
export type { ProductSetUp } from './product-set-up.ts'
export { openRegistry, type RegistryOptions } from './registry.ts'
export { STS_KEYS_FILE, type StsServiceOptions } from './sts-api.ts'
export { createIceServerSource, type IceServerOptions } from './turn.ts'
export { DEFAULT_RENDEZVOUS_LIMITS, type RendezvousLimits } from '../../../lib/cloud/index.ts'

export interface RendezvousOptions {
  /** Port 0 takes any that is free. */
  listen: { host: string; port: number }
  /** Holds `admin-token`, and the registry unless there is a `databaseUrl`. Made if need be, for its owner alone. */
  dataDir: string
  /** `postgres://` URL of the registry. */
  databaseUrl?: string
  /** Default: the one in `dataDir`, made on the first run. */
  adminToken?: string
  log?: Log
  limits?: Partial<RendezvousLimits>
  iceServers?: IceServerOptions
  /** Exchange of tokens; off unless it is given. */
  sts?: StsServiceOptions
  /** Products to make or to change before the service takes anybody in. */
  products?: readonly ProductSetUp[]
  /** How devices and clients reach the service, such as `https://example.org`; default: as each request named it. */
  publicUrl?: string
  /** Addresses or ranges of reverse proxies whose `X-Forwarded-*` headers are believed. */
  trustedProxies?: string[]
  /** Static files served under `/`, such as the viewer. */
  pages?: { dir: string }
  /** How long `close` waits for sockets to end, and then as long for requests; default 5 seconds. */
  drainTimeoutMs?: number
}

export interface RunningRendezvous {
  /** As reached on the listening address, such as `http://127.0.0.1:8080`. */
  url: string
  address: AddressInfo
  adminToken: string
  /** Takes no more connections, tells every socket to come back (1001), waits for them, closes the registry. */
  close(): Promise<void>
}

/**
 * Starts a rendezvous.
 * @throws {LenskeyError} `ERR_DATABASE_URL`, `ERR_DATABASE_MIGRATION`, `ERR_ADMIN_TOKEN`, `ERR_STS_KEYS`, `ERR_PAGES`; Node's own errors when the address cannot be taken
 */
export async function startRendezvous(options: RendezvousOptions): Promise<RunningRendezvous> {
  const { dataDir, databaseUrl, log = silentLog } = options
  const adminToken = options.adminToken ?? loadAdminToken(dataDir)
  const registry = await openRegistry({ dataDir, databaseUrl, databaseLost: (error) => log('warn', 'rendezvous.database.lost', { error: error.message }) })
  try {
    return await serve(registry, adminToken, options)
  } catch (thrown) {
    await registry.close()
    throw thrown
  }
}

async function serve(registry: Registry, adminToken: string, options: RendezvousOptions): Promise<RunningRendezvous> {
  const { listen, log = silentLog, drainTimeoutMs } = options
  const limits = { ...DEFAULT_RENDEZVOUS_LIMITS, ...options.limits }
  const iceServers = createIceServerSource(options.iceServers ?? {})
  const server = createServer(limits, options.trustedProxies, log)
  const host = createNodeHost({ log })
  const sts = options.sts && await openSts(options.sts, options.dataDir, host)
  const rendezvous = await openRendezvous(host, { registry, fabric: createLocalFabric(), limits, iceServers })
  const edgeDoor = createEdgeDoor(host, { admit: (login) => rendezvous.admitClient(login), relay: rendezvous.relay, limits })
  const health = { draining: false }
  try {
    await setUpProducts({ registry, relay: rendezvous.relay }, options.products ?? [])
    addConnectApi(server, rendezvous, { publicUrl: options.publicUrl?.replace(/\/+$/, '') })
    addAdminApi(server, { registry, rendezvous, adminToken })
    if (sts !== undefined) addStsApi(server, rendezvous, sts)
    addHealth(server, registry, health)
    if (options.pages !== undefined) addPages(server, options.pages.dir)
    const addressOf = (request: IncomingMessage): string => (request.socket.remoteAddress === undefined ? '' : proxyAddr(request, options.trustedProxies ?? []))
    const doors = { seat: (...seat: Parameters<typeof rendezvous.seat>) => rendezvous.seat(...seat), edgeDoor }
    const sockets = acceptSeatSockets(server.server, { rendezvous, doorsFor: () => doors, limits, log, addressOf })
    const running = await listenOn(server, {
      listen, sockets, drainTimeoutMs, onClosing: () => (health.draining = true), endSeats() {
        edgeDoor.close()
        rendezvous.close()
      },
    })
    log('info', 'rendezvous.started', { address: running.address.address, port: running.address.port })
    const close = async (): Promise<void> => {
      await running.close()
      await registry.close()
      log('info', 'rendezvous.closed')
    }
    let closing: Promise<void> | undefined
    return { ...running, adminToken, close: () => (closing ??= close()) }
  } catch (thrown) {
    edgeDoor.close()
    rendezvous.close()
    await server.close()
    throw thrown
  }
}

function addHealth(server: FastifyInstance, registry: Registry, health: { draining: boolean }): void {
  let ping: Promise<void> | undefined
  server.get('/healthz', () => ({ status: 'alive' }))
  server.get('/readyz', async () => {
    if (health.draining) throw unavailable('the service is going away')
    // However many ask, the database is asked once at a time.
    await (ping ??= registry.ping().finally(() => (ping = undefined)))
    return { status: 'ready' }
  })
}
