import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'

/** Ports of one direction. */
interface Side {
  readonly socket: Socket
  readonly port: number
  /** Where the end behind this side really is. */
  target: number | undefined
}

/** UDP on loopback between two peers, each of which takes the relay for the other. */
export interface HoldingRelay {
  /** What each end is told to be the other's port. */
  ports: { attacker: number; victim: number }
  targets(ports: { attacker?: number; victim?: number }): void
  /** Whether the attacker's half of the handshake is done but for its last flight, which is being held. */
  isHolding(): boolean
  release(): void
}

/**
 * Holds back the end of the attacker's DTLS handshake: all that comes after the records in clear text. By then the victim has
 * looked at the attacker's certificate, and does not have a connection yet.
 */
export async function startHoldingRelay(t: Test): Promise<HoldingRelay> {
  const open = async (): Promise<Side> => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.teardown(() => { socket.close() })
    return { socket, port: socket.address().port, target: undefined }
  }
  const [toAttacker, toVictim] = [await open(), await open()]
  const held: Buffer[] = []
  let holding = true
  const send = ({ socket, target }: Side, packet: Buffer): void => {
    if (target !== undefined) socket.send(packet, target, '127.0.0.1')
  }
  toVictim.socket.on('message', (packet) => {
 send(toAttacker, packet) })
  toAttacker.socket.on('message', (packet) => {

    if (!isDtls(packet) || !holding) {
      send(toVictim, packet)
      return
    }
    for (const record of recordsOf(packet)) {
      if (record[0] === CHANGE_CIPHER_SPEC || record.readUInt16BE(3) > 0) held.push(record)
      else send(toVictim, record)
    }
  })
  return {
    ports: { attacker: toAttacker.port, victim: toVictim.port },
    targets({ attacker, victim }): void {
      toAttacker.target = attacker ?? toAttacker.target
      toVictim.target = victim ?? toVictim.target
    },
    isHolding: () => held.length > 0,
    release(): void {
      holding = false
      for (const record of held.splice(0)) send(toVictim, record)
    },
  }
}

const CHANGE_CIPHER_SPEC = 20

/** RFC 7983 §7. */
const isDtls = ([first]: Buffer): boolean => first >= 20 && first <= 63

/** RFC 6347 §4.1: type, version, epoch, sequence number, length. */
function recordsOf(packet: Buffer): Buffer[] {
  const records: Buffer[] = []
  for (let at = 0; at + 13 <= packet.length;) {
    const end = at + 13 + packet.readUInt16BE(at + 11)
    records.push(packet.subarray(at, end))
    at = end
  }
  return records
}
