import { networkInterfaces } from 'node:os'
import type { Packet } from 'dns-packet'
import multicastDns, { type MulticastDNS } from 'multicast-dns'
import { messageOf } from '../../../lib/errors.ts'
import type { Log } from '../../../lib/runtime/index.ts'
import { isAttached } from '../service/attached-networks.ts'

export interface LinkHandlers {
  query?: (packet: Packet, from: Sender) => void
  /** @param isHere - whether an address is one of this network */
  response?: (packet: Packet, isHere: (address: string) => boolean) => void
}

export interface Sender {
  address: string
  port: number
}

/** mDNS in one network (RFC 6762), by this machine's address in it. */
export interface Link {
  /** To everybody in the network, or to one. Resolves when it has left, or could not; lost packets are nothing unusual here. */
  send(packet: Packet, receiver?: Sender): Promise<void>
  close(): Promise<void>
}

/**
 * Speaks and listens in one network and in no other: packets go to the link-local multicast address by the interface that has
 * `address`, and those that come from outside its network are not heard (RFC 6762 §11). What cannot be read is dropped.
 * @param failed - told once when the port cannot be had
 */
export function openLink(address: string, { query, response }: LinkHandlers, log: Log, failed: (thrown: unknown) => void = () => undefined): Link {
  const own = Object.values(networkInterfaces()).flatMap((of) => of ?? []).filter((info) => info.address === address)
  // To all addresses, as one that is bound to an interface's own gets no multicast on Linux.
  const socket: MulticastDNS = multicastDns({ interface: address, bind: '0.0.0.0' })
  const isHere = (from: string): boolean => isAttached(from, { own })
  socket.on('query', (packet, from) => {
    if (isHere(from.address)) query?.(packet, from)
  })
  socket.on('response', (packet, from) => {
    if (isHere(from.address)) response?.(packet, isHere)
  })
  socket.on('warning', (thrown: unknown) => {
    log('debug', 'mdns.packet.dropped', { address, reason: messageOf(thrown) })
  })
  socket.on('error', (thrown: unknown) => {
    log('warn', 'mdns.failed', { address, reason: messageOf(thrown) })
    failed(thrown)
  })
  return {
    send: (packet, receiver) => new Promise((resolve) => {
      const sent = (thrown: Error | null): void => {
        if (thrown !== null) log('debug', 'mdns.send.failed', { address, reason: thrown.message })
        resolve()
      }
      if (packet.type === 'query') socket.query({ questions: packet.questions ?? [] }, undefined, sent)
      else socket.respond({ ...packet, answers: packet.answers ?? [] }, receiver, sent)
    }),
    close: () => new Promise((resolve) => {
      socket.destroy(() => {
        resolve()
      })
    }),
  }
}

/** This machine's IPv4 addresses, one for each network that it is in; loopback only where there is nothing else. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((of) => (of ?? []).filter(({ family }) => family === 'IPv4'))
  const outside = all.filter(({ internal }) => !internal)
  return (outside.length > 0 ? outside : all).map(({ address }) => address)
}
