import { createLocalFabric } from '../../../lib/cloud/local-fabric.ts'
import { DEFAULT_RENDEZVOUS_LIMITS, type RendezvousLimits } from '../../../lib/cloud/limits.ts'
import type { ClientJwtPolicy, DeviceIds, RegisteredKey, RegistryLookups } from '../../../lib/cloud/index.ts'
import { createRelay, type Relay } from '../../../lib/cloud/relay.ts'
import type { SeatEvents, SeatSocket } from '../../../lib/cloud/seats.ts'
import { createMemoryHost, type MemoryHost } from '../../../runtimes/memory/index.ts'

export const FRONT: DeviceIds = { productId: 'wp-a', deviceId: 'wd-front' }

/** A socket that keeps what it is sent. */
export class FakeSocket implements SeatSocket {
  sent: string[] = []
  ended: number | 'abandoned' | undefined
  /** What the network has not taken. */
  buffered = 0
  /** Whether the peer reads. */
  reading = true

  sendText(text: string): void {
    this.sent.push(text)
    if (!this.reading) this.buffered += text.length
  }

  close(code: number): void {
    this.ended = code
  }

  abandon(): void {
    this.ended = 'abandoned'
  }

  bufferedBytes(): number {
    return this.buffered
  }

  /** What came since the last call. */
  take(): unknown[] {
    return this.sent.splice(0).map((text) => JSON.parse(text) as unknown)
  }
}

export interface Peer {
  socket: FakeSocket
  events: SeatEvents
  say: (frame: unknown) => void
}

export interface Stage {
  host: MemoryHost
  relay: Relay
  device: (options?: { issuedAt?: number; serial?: number; kid?: string } & Partial<DeviceIds>) => Peer
  client: (channelId: string, options?: { kid?: string; serial?: number } & Partial<DeviceIds>) => Peer
}

/** A relay with peers whose sockets are made up. */
export function createStage(limits: Partial<RendezvousLimits> = {}): Stage {
  const host = createMemoryHost()
  const relay = createRelay(host, { fabric: createLocalFabric(), limits: { ...DEFAULT_RENDEZVOUS_LIMITS, ...limits } })
  let lastSerial = 0
  const peer = (seat: (socket: SeatSocket) => SeatEvents): Peer => {
    const socket = new FakeSocket()
    const events = seat(socket)
    return { socket, events, say: (frame) => events.onText(JSON.stringify(frame)) }
  }
  return {
    host,
    relay,
    device: ({ issuedAt = 0, serial = ++lastSerial, kid = 'device:k', ...ids } = {}) =>
      peer((socket) => relay.seat({ ...FRONT, ...ids, kid, channelId: undefined, order: { issuedAt, serial } }, socket)),
    client: (channelId, { kid, serial = ++lastSerial, ...ids } = {}) =>
      peer((socket) => relay.seat({ ...FRONT, ...ids, kid, channelId, order: { issuedAt: 0, serial } }, socket)),
  }
}

export const connected = (channelId: string): unknown => ({ type: 'PEER_CONNECTED', channelId })
export const offline = (channelId: string): unknown => ({ type: 'PEER_OFFLINE', channelId })
export const message = (channelId: string, content: unknown): Record<string, unknown> => ({ type: 'MESSAGE', channelId, message: content })

export interface MemoryLookups extends RegistryLookups {
  keys: Map<string, DeviceIds & RegisteredKey>
  productKeys: Map<string, RegisteredKey>
  anonymousClients: boolean
  serverConnectTokens: boolean
  clientJwt: ClientJwtPolicy | undefined
  /** Hashes of the device's tokens. */
  tokens: Set<string>
}

/** One product with one device. */
export function createLookups(): MemoryLookups {
  const lookups: MemoryLookups = {
    keys: new Map(),
    productKeys: new Map(),
    anonymousClients: true,
    serverConnectTokens: false,
    clientJwt: undefined,
    tokens: new Set(),
    product(id) {
      const { anonymousClients, serverConnectTokens, clientJwt } = lookups
      return Promise.resolve(id === FRONT.productId ? { id, anonymousClients, serverConnectTokens, ...(clientJwt && { clientJwt }), createdAt: 0 } : undefined)
    },
    hasServerConnectToken: ({ productId, deviceId }, hash) =>
      Promise.resolve(productId === FRONT.productId && deviceId === FRONT.deviceId && lookups.tokens.has(hash)),
    hasDevice: ({ productId, deviceId }) => Promise.resolve(productId === FRONT.productId && deviceId === FRONT.deviceId),
    deviceKey: (kid) => Promise.resolve(lookups.keys.get(kid)),
    productKey: (_productId, kid) => Promise.resolve(lookups.productKeys.get(kid)),
  }
  return lookups
}
