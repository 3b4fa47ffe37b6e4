import { MAX_SERVER_CONNECT_TOKENS } from '../access/sct-hash.ts'
import { decodeBase64url, encodeBase64url } from '../bytes/index.ts'
import type { Clock, Http, Log, NativeCrypto, Random } from '../runtime/index.ts'
import { isObject } from '../signaling/json.ts'
import type { IceServer } from '../signaling/messages.ts'
import { createAdmission, type Proof, type Shown, shownBy } from './admission.ts'
import type { AdmittedClient, ClientLogin } from './client-login.ts'
import { SCT_PREFIX } from './credentials.ts'
import { badRequest, forbidden, tooMany, unauthorized } from './errors.ts'
import type { Fabric } from './fabric.ts'
import { type DeviceIds, newChannelId, readId } from './ids.ts'
import { createIssuers } from './issuers.ts'
import { channelsAllowed, type RendezvousLimits } from './limits.ts'
import { callerOf, createNamedRates, type NamedRates } from './rates.ts'
import type { RendezvousRegistry } from './registry.ts'
import { createRelay, type Relay } from './relay.ts'
import type { SeatEvents, SeatGrant, SeatSocket } from './seats.ts'
import { createTickets } from './tickets.ts'
import { createUsedTickets } from './used-tickets.ts'

/** One HTTP request of §2, as far as the rules are concerned. */
export interface ApiRequest {
  /** The `Authorization` header. */
  authorization: string | undefined
  /** Parsed JSON. */
  body: unknown
  /** The caller's address. */
  address: string
  /** Where WebSockets of this service are opened, such as `wss://example.org`; no slash at its end. */
  webSocketBase: string
}

/** Gives ICE servers: with `turn`, also those that cost something and need credentials (§11.14). */
export type IceServerSource = (request: DeviceIds & { turn: boolean }) => IceServer[]

/** The rendezvous as rules: everything of protocol/webrtc-signaling.md §2, §3 and §11 that needs no socket. All of it throws {RendezvousError}. */
export interface Rendezvous {
  /** Counts a request of an address. @throws {RendezvousError} 429 */
  countRequest(address: string): void
  /** `POST /v1/device/connect` */
  connectDevice(request: ApiRequest): Promise<{ signalingUrl: string }>
  /** `POST /v1/client/connect` */
  connectClient(request: ApiRequest): Promise<{ signalingUrl: string; deviceOnline: boolean; channelId: string }>
  /** `PUT /v1/device/server-connect-tokens`: replaces the tokens of a device. */
  putServerConnectTokens(request: ApiRequest): Promise<{ count: number }>
  /** What another dialect asks before it seats a client on a socket of its own (`AdmitClient`). */
  admitClient(login: ClientLogin): Promise<AdmittedClient>
  /** `POST /v1/ice-servers` */
  iceServers(request: ApiRequest): Promise<{ iceServers: IceServer[] }>
  /**
   * Before a WebSocket is accepted: finds what its URL entitles to. `accept` is called in the moment in which that is known
   * to hold, and must seat the socket in that same moment, or a removal could pass between the two.
   * @throws {RendezvousError} 403, 429, 503; and what `accept` throws
   */
  admit(ticket: string, accept: (grant: SeatGrant) => void): Promise<void>
  /** After it was accepted. */
  seat(grant: SeatGrant, socket: SeatSocket): SeatEvents
  readonly relay: Relay
  /** Ends all seats of this node. */
  close(): void
}

/** The part of a WebSocket URL before the ticket. */
export const SEAT_PATH = '/v1/seat/'

export interface RendezvousHost {
  clock: Clock
  random: Random
  http: Http
  log: Log
  nativeCrypto?: NativeCrypto
}

export interface RendezvousParts {
  registry: RendezvousRegistry
  fabric: Fabric
  limits: RendezvousLimits
  iceServers?: IceServerSource
}

/** Opens a rendezvous over its registry, which keeps the secret that tickets are sealed with. */
export async function openRendezvous(host: RendezvousHost, parts: RendezvousParts): Promise<Rendezvous> {
  const { registry, fabric, limits, iceServers = () => [] } = parts
  const { clock, random } = host
  const secret = await registry.secret('ticket-secret', encodeBase64url(random.bytes(32)))
  const tickets = createTickets(decodeBase64url(secret), host)
  const usedTickets = createUsedTickets()
  const issuers = createIssuers(host)
  const admission = createAdmission(host, { registry, limits, issuers })
  const relay = createRelay(host, { fabric, limits })
  const addressRates = createNamedRates(limits.requestsPerAddressPerMinute, limits.rememberedRates)
  const deviceRates = createNamedRates(limits.connectsPerDevicePerMinute, limits.rememberedRates)
  const tokenRates = createNamedRates(limits.connectsPerDevicePerMinute, limits.rememberedRates)
  const clientRates = createNamedRates(limits.clientConnectsPerDevicePerMinute, limits.rememberedRates)
  const seatRates = createNamedRates(limits.connectsPerDevicePerMinute, limits.rememberedRates)
  let lastSerial = 0

  function count(rates: NamedRates, name: string, what: string): void {
    const seconds = rates.take(name, clock.monotonicMs())
    if (seconds !== undefined) throw tooMany(`too many ${what}; come back in ${seconds} seconds`, seconds)
  }

  /** Never the same twice, and no older than any before it, even when the wall clock is set back. */
  function nextSerial(): number {
    lastSerial = Math.max(lastSerial + 1, clock.nowMs())
    return lastSerial
  }

  function urlFor(request: ApiRequest, grant: SeatGrant, lifeMs: number): string {
    return request.webSocketBase + SEAT_PATH + tickets.seal({ grant, expiresAtMs: clock.nowMs() + lifeMs })
  }

  async function proveDevice(device: DeviceIds, request: ApiRequest, rates: NamedRates): Promise<Proof> {
    const proof = await admission.device(device, readBearer(request.authorization))
    const latest = Math.ceil(clock.nowMs() / 1000) + limits.leewaySeconds
    if (!(await registry.acceptProof(device, proof.issuedAt, limits.proofReuseSeconds, latest))) {
      throw unauthorized('this token or a newer one of this device was already used; make a fresh token for every connect')
    }
    // Counted for fresh proofs alone, or anyone could keep a device out by asking in its name or with its old tokens.
    count(rates, roomOf(device), 'requests of this device')
    return proof
  }

  async function proveClient(device: DeviceIds, shown: Shown | undefined): Promise<AdmittedClient> {
    const proof = await admission.client(device, shown)
    // Counted apart, so that strangers cannot use up the rate of those who have a token.
    count(clientRates, proof === undefined ? roomOf(device) : `${roomOf(device)}/${proof.kid}`, 'clients ask for this device')
    if ((await fabric.clientCount(device)) >= channelsAllowed(limits, proof?.kid)) throw tooMany('this device has as many clients as it may', 30)
    const grant = { ...device, kid: proof?.kid, channelId: newChannelId(random), order: { issuedAt: 0, serial: 0 } }
    return { grant, deviceOnline: await fabric.hasDevice(device), turn: proof?.scopes.has('turn') === true }
  }

  return {
    relay,

    countRequest: (address) => count(addressRates, callerOf(address), 'requests from this address'),

    async connectDevice(request) {
      const device = readDevice(request.body)
      const { kid, issuedAt } = await proveDevice(device, request, deviceRates)
      const grant = { ...device, kid, channelId: undefined, order: { issuedAt, serial: nextSerial() } }
      return { signalingUrl: urlFor(request, grant, limits.deviceTicketMs) }
    },

    async connectClient(request) {
      const { grant, deviceOnline } = await proveClient(readDevice(request.body), shownBy(readBearer(request.authorization)))
      return { signalingUrl: urlFor(request, grant, limits.clientTicketMs), deviceOnline, channelId: grant.channelId }
    },

    async putServerConnectTokens(request) {
      const device = readDevice(request.body)
      const hashes = readHashes(request.body)
      await proveDevice(device, request, tokenRates)
      const removed = await registry.putServerConnectTokens(device, hashes)
      for (const hash of removed) relay.revoke({ ...device, kid: SCT_PREFIX + hash })
      return { count: hashes.length }
    },

    async admitClient({ productId, deviceId, sct, jwt }) {
      const device = { productId: readId('productId', productId), deviceId: readId('deviceId', deviceId) }
      const product = await registry.product(device.productId)
      // Browsers of that dialect always show one; where nobody is asked for any it is no proof of anything, right or wrong.
      const isAsked = product?.serverConnectTokens === true || product?.anonymousClients !== true
      const shown = jwt !== undefined ? { jwt } : sct !== undefined && isAsked ? { sct } : undefined
      let revocations: number
      let admitted: AdmittedClient
      do {
        revocations = relay.revocations
        admitted = await proveClient(device, shown)
      } while (relay.revocations !== revocations)
      return { ...admitted, grant: { ...admitted.grant, order: { issuedAt: 0, serial: nextSerial() } } }
    },

    async iceServers(request) {
      const device = readDevice(request.body)
      const proof: Proof | undefined = await admission.anyone(device, shownBy(readBearer(request.authorization)))
      return { iceServers: iceServers({ ...device, turn: proof?.scopes.has('turn') === true }) }
    },

    async admit(text, accept) {
      const nowMs = clock.nowMs()
      const { grant, expiresAtMs } = tickets.open(text, nowMs)
      const isDevice = grant.channelId === undefined
      if (isDevice && !usedTickets.use(`${roomOf(grant)}/${grant.order.serial}`, expiresAtMs, nowMs)) {
        throw forbidden('this URL was already used; connect again for a new one')
      }
      if (grant.channelId !== undefined) count(seatRates, grant.channelId, 'sockets of this client')
      let revocations: number
      do {
        // What is removed while the registry answers has no seat yet that it could end.
        revocations = relay.revocations
        await admission.recheck(grant, grant.kid)
      } while (relay.revocations !== revocations)
      // A client's URL opens many sockets, of which the newest counts.
      accept(isDevice ? grant : { ...grant, order: { issuedAt: 0, serial: nextSerial() } })
    },

    seat: (grant, socket) => relay.seat(grant, socket),

    close() {
      issuers.close()
      relay.close()
    },
  }
}

/** Hashes as `serverConnectTokenHash` makes them. @throws {RendezvousError} 400 */
function readHashes(body: unknown): string[] {
  const hashes: unknown = isObject(body) ? body.hashes : undefined
  const wellFormed = Array.isArray(hashes) && hashes.length <= MAX_SERVER_CONNECT_TOKENS &&
    hashes.every((hash): hash is string => typeof hash === 'string' && /^[A-Za-z0-9_-]{43}$/.test(hash))
  if (!wellFormed) throw badRequest(`hashes must be a list of at most ${MAX_SERVER_CONNECT_TOKENS} SHA-256 hashes in base64url`)
  return [...new Set(hashes)]
}

const roomOf = ({ productId, deviceId }: DeviceIds): string => `${productId}/${deviceId}`

function readDevice(body: unknown): DeviceIds {
  if (!isObject(body)) throw badRequest('the body must be a JSON object with productId and deviceId')
  return { productId: readId('productId', body.productId), deviceId: readId('deviceId', body.deviceId) }
}

function readBearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const token = /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1]
  if (token === undefined) throw unauthorized('the Authorization header must read "Bearer" and a token')
  return token
}
