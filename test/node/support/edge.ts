// The Edge dialect by hand: what protocol/edge-webrtc.md says, without a line of the library's.
import { DEVICE, PRODUCT, TestSocket } from './service.ts'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

export const LOGIN = { type: 20, productId: PRODUCT, deviceId: DEVICE, sct: 'whatever' }

export function openEdge(t: TearDown, { url }: { url: string }, path = '/signaling/v1'): Promise<TestSocket> {
  return TestSocket.open(t, url.replace('http', 'ws') + path, { subprotocol: 'json' })
}

/** A browser that is logged in. */
export async function loggedInEdge(t: TearDown, service: { url: string }, login: object = LOGIN): Promise<TestSocket> {
  const socket = await openEdge(t, service)
  socket.send(login)
  await socket.has(1)
  return socket
}

type Frame = Record<string, unknown>

/** A device on its seat that answers Edge streams as it is told, with the reliability layer by hand. */
export class HandMadeDevice {
  readonly socket: TestSocket
  /** Payloads by channel, in order. */
  readonly messages: { channelId: string; data: unknown }[] = []
  readonly errors: Frame[] = []
  /** What it does with the first message of a channel. */
  onOpen: (channelId: string) => void
  #sent = new Map<string, number>()
  #expected = new Map<string, number>()

  constructor(socket: TestSocket, onOpen?: (channelId: string) => void, before?: HandMadeDevice) {
    this.socket = socket
    this.onOpen = onOpen ?? ((channelId) => { this.send(channelId, { type: 'EDGE', version: 1 }) })
    if (before !== undefined) {
      this.#sent = before.#sent
      this.#expected = before.#expected
      this.messages.push(...before.messages)
    }
    // Some may have come while nobody listened yet.
    for (const frame of socket.frames) this.#receive(frame as Frame)
    socket.socket.on('message', (data: Buffer) => { this.#receive(JSON.parse(data.toString()) as Frame) })
  }

  send(channelId: string, data: unknown): void {
    const seq = this.#sent.get(channelId) ?? 0
    this.#sent.set(channelId, seq + 1)
    this.socket.send({ type: 'MESSAGE', channelId, message: { type: 'DATA', seq, data } })
  }

  record(channelId: string, record: string): void {
    this.send(channelId, { type: 'EDGE', record })
  }

  error(channelId: string, code: string, message?: string): void {
    this.socket.send({ type: 'ERROR', channelId, error: { code, message } })
  }

  /** Goes on over another socket. */
  movedTo(socket: TestSocket): HandMadeDevice {
    return new HandMadeDevice(socket, this.onOpen, this)
  }

  #receive(frame: Frame): void {
    if (frame.type === 'ERROR') this.errors.push(frame)
    if (frame.type === 'PING') this.socket.send({ type: 'PONG' })
    if (frame.type !== 'MESSAGE') return
    const channelId = String(frame.channelId)
    const message = frame.message as Frame
    if (message.type !== 'DATA') return
    const expected = this.#expected.get(channelId) ?? 0
    if (Number(message.seq) > expected) return
    this.socket.send({ type: 'MESSAGE', channelId, message: { type: 'ACK', seq: message.seq } })
    if (message.seq !== expected) return
    this.#expected.set(channelId, expected + 1)
    this.messages.push({ channelId, data: message.data })
    if (expected === 0) this.onOpen(channelId)
  }
}

