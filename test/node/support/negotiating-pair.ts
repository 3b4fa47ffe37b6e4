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

interface Greeting {
  client: PeerConnection
  device: PeerConnection
  /** Who makes the data channel; the client unless told otherwise. */
  opener?: PeerConnection
}

/** `hearEcho` between two connections that are joined for it, and closed. */
export async function greet({ client, device, opener = client }: Greeting, timeoutMs: number): Promise<string | undefined> {
  echo(opener === client ? device : client)
  const heard = hearEcho(opener, timeoutMs)
  const pair = negotiate(client, device)
  await heard
  pair.close()
  return heard
}

/** Says what it hears on the data channels of its peer. */
export function echo(connection: PeerConnection): void {
  connection.addEventListener('datachannel', ({ channel }) => { channel.addEventListener('message', ({ data }) => { channel.send(`heard ${String(data)}`) }) })
}

/** Says hello on a data channel, and hears it back. @returns what came, or undefined where nothing did in time */
export async function hearEcho(connection: PeerConnection, timeoutMs = 20_000): Promise<string | undefined> {
  const channel = connection.createDataChannel('test')
  channel.addEventListener('open', () => { channel.send('hello') })
  const heard = await once<{ data: unknown }>(channel as never, 'message', timeoutMs).catch(() => undefined)
  return heard === undefined ? undefined : String(heard.data)
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
