import type { PeerConnection } from '../../../lib/webrtc/peer-connection.ts'
import { PerfectNegotiation } from '../../../lib/webrtc/perfect-negotiation.ts'
import { type TransportEnd, transportPair } from '../../lib/webrtc/transport-pair.ts'

export interface NegotiatingPair {
  errors: unknown[]
  transports: { client: TransportEnd; device: TransportEnd }
  close(): void
}

/** Joins two connections of any engine by perfect negotiation. */
export function negotiate(client: PeerConnection, device: PeerConnection): NegotiatingPair {
  const transports = transportPair(() => new Promise((resolve) => void setImmediate(resolve)))
  const errors: unknown[] = []
  const negotiations = [new PerfectNegotiation(client, transports.client), new PerfectNegotiation(device, transports.device)]
  for (const negotiation of negotiations) negotiation.onerror = (error) => errors.push(error)
  return {
    errors,
    transports,
    close() {
      for (const negotiation of negotiations) negotiation.close()
      client.close()
      device.close()
    },
  }
}

/** Resolves with the next event of that name, or rejects after `timeoutMs`. */
export function once<Event>(
  target: { addEventListener(name: never, listener: (event: Event) => void): void },
  name: string,
  timeoutMs = 20_000,
): Promise<Event> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name} within ${timeoutMs} ms`)), timeoutMs)
    target.addEventListener(name as never, (event) => {
      clearTimeout(timer)
      resolve(event)
    })
  })
}

/** Resolves when `condition` holds, looking every 10 ms. */
export async function until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
