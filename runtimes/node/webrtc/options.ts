import type { Log } from '../../../lib/runtime/log.ts'
import { silentLog } from '../../../lib/runtime/log.ts'

/** What both engines of this host take. */
export interface EngineOptions {
  /** Offers and accepts addresses of this machine alone: for tests and for the demo. */
  loopbackOnly?: boolean
  /** UDP ports to use, both included; default any. */
  portRange?: { first: number; last: number }
  /** `relay` goes through TURN servers alone, which keeps the addresses of this machine from the peer; default `all` (W3C `RTCIceTransportPolicy`). */
  iceTransportPolicy?: 'all' | 'relay'
  /** Hears what is left out or goes wrong; never an SDP, a candidate or a credential. */
  log?: Log
}

export interface EngineSettings {
  loopbackOnly: boolean
  portRange: { first: number; last: number } | undefined
  iceTransportPolicy: 'all' | 'relay'
  log: Log
}

/** @throws {RangeError} for a port range that is none */
export function engineSettings({ loopbackOnly = false, portRange, iceTransportPolicy = 'all', log = silentLog }: EngineOptions): EngineSettings {
  if (portRange !== undefined) {
    const { first, last } = portRange
    const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535
    if (!isPort(first) || !isPort(last) || last <= first) throw new RangeError(`no port range: ${first} to ${last}`)
  }
  return { loopbackOnly, portRange, iceTransportPolicy, log }
}

/** Whether `address` is one that never leaves this machine. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
}
