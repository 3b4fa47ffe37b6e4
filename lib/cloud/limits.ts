/** What one node of the rendezvous lets others make large, frequent or slow (protocol/webrtc-signaling.md §11.16). */
export interface RendezvousLimits {
  /**
   * Longest text frame accepted, bytes of UTF-8; a longer one closes the socket with 1009. The default leaves 1 KiB for
   * what the relay adds, so that no frame of a client can break the 256 KiB that a device accepts.
   */
  frameBytes: number
  /** Pieces (RFC 6455 §5.4) that one frame comes in; more close the socket with 1008. Each costs far more to keep than the byte it may hold. */
  frameFragments: number
  /** Frames per second from one client, WebSocket pings among them; past it the socket is closed with 4008. */
  clientFramesPerSecond: number
  /** The same from one device, which speaks for all its channels. */
  deviceFramesPerSecond: number
  /** Seconds of the allowed rate that a socket may use at once, as a resumed channel does. */
  frameBurstSeconds: number
  /** Clients connected to one device; the next is refused with 429, and its socket with 4029. */
  channelsPerDevice: number
  /** The same for a client without a token, so that strangers cannot take the places of those who have one. */
  anonymousChannelsPerDevice: number
  /** A client that relayed nothing for so long is closed with 4010, ms. */
  clientIdleMs: number
  /** Bytes waiting for a peer that reads slowly; past it that peer's socket is dropped (4009). */
  sendBufferBytes: number
  /** Every socket is sent a PING so often, ms. */
  pingIntervalMs: number
  /** A socket not heard for so many ping intervals is dropped (4011). */
  silentIntervals: number
  /** Sockets on this node; the next upgrade is refused with 503. */
  sockets: number
  /** Connections beside those; more are dropped as they come. */
  httpConnections: number
  /** Such a connection is dropped when nothing moves on it for so long, be it that its peer does not read the answers, ms. */
  httpIdleMs: number
  /** Longest body of an HTTP request, bytes; a longer one is refused with 413. */
  httpBodyBytes: number
  /** HTTP requests per minute from one IPv4 address or IPv6 /64; past it 429 with `Retry-After`. */
  requestsPerAddressPerMinute: number
  /**
   * Connects per minute of one device that has proven itself with a fresh token, so that a stranger cannot use them up; as
   * many sockets per minute with the URL of one client.
   */
  connectsPerDevicePerMinute: number
  /** Connects per minute of all clients of one device. */
  clientConnectsPerDevicePerMinute: number
  /** Addresses and devices whose rates are remembered; past it the longest quiet is forgotten. */
  rememberedRates: number
  /** How long the WebSocket URL of a device can be opened, once, ms. */
  deviceTicketMs: number
  /** How long the WebSocket URL of a client can be opened, any number of times, ms. An open socket outlives it. */
  clientTicketMs: number
  /** How long a browser of the Edge dialect may take for its login, ms; past it 4007. */
  edgeLoginMs: number
  /** How long the device may take to accept such a stream, ms; past it 4007. */
  edgeOpenMs: number
  /** How long such a browser waits for a device that has gone away, ms; past it 4003. */
  edgeDeviceAwayMs: number
  /** Clock difference between token signers and this service that is tolerated both ways, seconds. */
  leewaySeconds: number
  /** Longest life of a token, `exp` − `iat`, seconds; the leeway is added. */
  tokenLifetimeSeconds: number
  /** How long a used proof may be shown again to take an occupied seat, seconds; after that it takes a newer one. */
  proofReuseSeconds: number
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export const DEFAULT_RENDEZVOUS_LIMITS: RendezvousLimits = {
  frameBytes: 261_120,
  frameFragments: 1024,
  clientFramesPerSecond: 100,
  deviceFramesPerSecond: 1_000,
  frameBurstSeconds: 10,
  channelsPerDevice: 64,
  anonymousChannelsPerDevice: 48,
  clientIdleMs: DAY_MS,
  sendBufferBytes: 1_048_576,
  pingIntervalMs: 30_000,
  silentIntervals: 2.5,
  sockets: 100_000,
  httpConnections: 10_000,
  httpIdleMs: 30_000,
  httpBodyBytes: 16_384,
  requestsPerAddressPerMinute: 600,
  connectsPerDevicePerMinute: 60,
  clientConnectsPerDevicePerMinute: 600,
  rememberedRates: 100_000,
  deviceTicketMs: MINUTE_MS,
  clientTicketMs: 7 * DAY_MS,
  edgeLoginMs: 10_000,
  edgeOpenMs: 20_000,
  edgeDeviceAwayMs: MINUTE_MS,
  leewaySeconds: 60,
  tokenLifetimeSeconds: 86_400,
  proofReuseSeconds: 10,
}

/** Why the service closed a socket; peers treat all codes alike and come back (protocol/webrtc-signaling.md §3, §6). */
export const CloseReasons = {
  draining: { code: 1001, reason: 'the service is going away' },
  replaced: { code: 4000, reason: 'a newer socket took this seat' },
  revoked: { code: 4001, reason: 'the key or the registration behind this seat was removed' },
  tooManyFrames: { code: 4008, reason: 'too many frames per second' },
  slowReader: { code: 4009, reason: 'frames are read too slowly' },
  idle: { code: 4010, reason: 'nothing was relayed for a long time' },
  silent: { code: 4011, reason: 'no answer to pings' },
  tooManyChannels: { code: 4029, reason: 'the device has as many clients as it may' },
} as const

export type CloseReason = (typeof CloseReasons)[keyof typeof CloseReasons]

/** How many clients a device may have for one more to be let in. @param kid - key of the client's token, undefined without one */
export function channelsAllowed(limits: RendezvousLimits, kid: string | undefined): number {
  return kid === undefined ? Math.min(limits.channelsPerDevice, limits.anonymousChannelsPerDevice) : limits.channelsPerDevice
}
