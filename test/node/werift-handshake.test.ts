// Two ends of werift's DTLS over a path in memory: one begins before the other can.
import tap from 'tap'
import type { RTCIceTransport } from 'werift'
import { keepEarlyHandshake, MAX_EARLY } from '../../runtimes/node/webrtc/werift-fixes.ts'
import { until } from './support/negotiating-pair.ts'

const werift = await import('werift')
type Packets = InstanceType<typeof werift.Event<[Buffer]>>

interface Path {
  onData: Packets
  sent: Buffer[]
}

/** The part of an ICE transport that DTLS stands on; what is sent comes out of `other`. */
function transportOver(own: Path, other: Path, role: string): RTCIceTransport {
  const send = (packet: Buffer): Promise<void> => {
    own.sent.push(packet)
    setImmediate(() => { other.onData.execute(packet) })
    return Promise.resolve()
  }
  return { role, connection: { onData: own.onData, send, close: () => undefined }, stop: () => Promise.resolve() } as unknown as RTCIceTransport
}

const path = (): Path => ({ onData: new werift.Event<[Buffer]>(), sent: [] })
const HANDSHAKE = 22
const CLIENT_HELLO = 1
/** Of DTLS 1.2, where a record's header takes 13 bytes (RFC 6347 §4.1). */
const isClientHello = (packet: Buffer): boolean => packet[0] === HANDSHAKE && packet[13] === CLIENT_HELLO

async function ends(): Promise<{ client: InstanceType<typeof werift.RTCDtlsTransport>; server: InstanceType<typeof werift.RTCDtlsTransport>; near: Path; far: Path }> {
  const certificate = await werift.RTCDtlsTransport.SetupCertificate()
  const [near, far] = [path(), path()]
  const client = new werift.RTCDtlsTransport({}, transportOver(near, far, 'controlled'), certificate)
  const server = new werift.RTCDtlsTransport({}, transportOver(far, near, 'controlling'), certificate)
  client.setRemoteParams(server.localParameters)
  server.setRemoteParams(client.localParameters)
  client.role = 'client'
  server.role = 'server'
  return { client, server, near, far }
}

void tap.test('what the handshake begins with is kept until the other end can begin', async (t) => {
  const { client, server, near } = await ends()
  keepEarlyHandshake(server)
  keepEarlyHandshake(server)
  const begun = client.start()
  await until(() => near.sent.some(isClientHello), 'the beginning')
  await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([server.start(), begun])
  t.equal(server.state, 'connected')
  t.equal(near.sent.filter(isClientHello).length, 2, 'one, and one with the cookie: none had to be sent again')
  await Promise.all([client.stop(), server.stop()])
})

void tap.test('so much of it, and nothing else', async (t) => {
  const { server, far } = await ends()
  keepEarlyHandshake(server)
  // Too short for records: the library throws over them.
  const handshake = Array.from({ length: MAX_EARLY + 1 }, (_, index) => Buffer.from([HANDSHAKE, 254, 253, index]))
  const [media, alert] = [Buffer.from([0x80, 96, 0, 1]), Buffer.from([21, 254, 253])]
  for (const packet of [media, alert, ...handshake]) far.onData.execute(packet)
  const heard: Buffer[] = []
  far.onData.subscribe((packet) => { heard.push(packet) })
  server.start().catch(() => undefined)
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  t.same(heard, handshake.slice(0, MAX_EARLY))
  await server.stop()
})
