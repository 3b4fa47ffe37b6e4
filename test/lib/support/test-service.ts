import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import type { HttpRequest } from '../../../lib/runtime/index.ts'
import { createMemoryNetwork, type MemoryClock, type MemoryHttpAnswer, type MemoryNetwork, type MemoryServerSocket, createMemoryClock, createMemoryHost, type MemoryHost } from '../../../runtimes/memory/index.ts'
import { SimulatedPeer } from './simulated-peer.ts'

type Frame = Record<string, unknown>

interface ChannelSeat {
  socket?: MemoryServerSocket
  /** Stands in for the socket when the other end is made by hand. */
  peer?: SimulatedPeer
}

export const ORIGIN = 'https://service.test'
export const PRODUCT_ID = 'wp-test'
export const DEVICE_ID = 'wd-test'
export const ACCESS_TOKEN = 'a client token'

/** A signaling service that does what a test tells it: routing as published (protocol/webrtc-signaling.md §3, §11), faults by hand. */
export class TestService {
  readonly clock: MemoryClock
  readonly network: MemoryNetwork
  /** Answers to the next requests, in place of the service's own. */
  readonly answers: MemoryHttpAnswer[] = []
  readonly requests: { url: string; token: string | undefined }[] = []
  refuseSockets = false
  requireAccessToken = false
  /** More members for the answers to connect requests. */
  extra: Frame = {}
  /** Everything from this side's open socket is lost until a new one opens. */
  deaf: 'client' | 'device' | undefined
  authorized = false
  readonly #channels = new Map<string, ChannelSeat>()
  #device: ChannelSeat = {}
  #hosts = 0

  constructor(latencyMs = 1) {
    this.clock = createMemoryClock()
    this.network = createMemoryNetwork({ clock: this.clock, latencyMs })
    this.network.serve(ORIGIN, { request: (request) => this.#request(request), socket: (url, socket) => this.#socket(url, socket) })
  }

  host(log?: MemoryHost['log']): MemoryHost {
    return createMemoryHost({ seed: ++this.#hosts, clock: this.clock, network: this.network, log })
  }

  /** A device made by hand; the client under test is the first channel. */
  simulateDevice(): SimulatedPeer {
    const peer = new SimulatedPeer((frame) => {
      const [channelId] = this.#channels.keys()
      this.#toClient(channelId, frame)
    })
    this.#device = { peer }
    return peer
  }

  /** The simulated device's socket opens: the clients hear of it. */
  connectDevice(peer: SimulatedPeer): void {
    for (const channelId of this.#channels.keys()) this.#toClient(channelId, { type: 'PEER_CONNECTED' })
    peer.connect()
  }

  /** A client made by hand. */
  simulateClient(): SimulatedPeer & { channelId: string } {
    const channelId = `channel-${this.#channels.size + 1}`
    const peer = new SimulatedPeer((frame) => {
      this.#toDevice(channelId, frame)
    })
    this.#channels.set(channelId, { peer })
    return Object.assign(peer, { channelId })
  }

  /** The simulated client's socket opens. */
  connectClient(peer: SimulatedPeer & { channelId: string }): void {
    this.#toDevice(peer.channelId, { type: 'PEER_CONNECTED' })
    peer.connect()
  }

  /** Any text to the socket under test. */
  inject(side: 'client' | 'device', text: string): void {
    const seat = side === 'device' ? this.#device : [...this.#channels.values()][0]
    seat.socket?.send(text)
  }

  closeSocket(side: 'client' | 'device'): void {
    const seat = side === 'device' ? this.#device : [...this.#channels.values()][0]
    seat.socket?.close(4042, 'kicked')
  }

  #request({ url, headers = {}, body = '' }: HttpRequest): MemoryHttpAnswer {
    const { authorization } = headers as { authorization?: string }
    const token = authorization?.replace('Bearer ', '')
    this.requests.push({ url, token })
    if (this.answers.length > 0) return this.answers.shift() ?? error(500, 'no answer')
    const { productId, deviceId } = JSON.parse(typeof body === 'string' ? body : decodeUtf8(body)) as { productId: string; deviceId: string }
    if (productId !== PRODUCT_ID) return error(404, 'no such product', 'PRODUCT_ID_NOT_FOUND')
    if (deviceId !== DEVICE_ID) return error(404, 'no such device', 'DEVICE_ID_NOT_FOUND')
    if (url.endsWith('/v1/ice-servers')) return this.#iceServers(token)
    if (url.endsWith('/v1/device/connect')) {
      return token === undefined ? error(401, 'Unauthorized') : json(200, { signalingUrl: `wss://service.test/device?${this.requests.length}`, ...this.extra })
    }
    if (this.requireAccessToken && token !== ACCESS_TOKEN) return error(401, 'Access Denied')
    const channelId = `channel-${this.#channels.size + 1}`
    this.#channels.set(channelId, {})
    return json(200, { signalingUrl: `wss://service.test/client/${channelId}`, deviceOnline: this.#deviceOnline(), channelId, ...this.extra })
  }

  #iceServers(token: string | undefined): MemoryHttpAnswer {
    if (token === 'wrong') return error(403, 'Access denied')
    const stun = [1, 2].map((n) => ({ urls: [`stun:${n}.test:3478`, `stun:${n}.test:3479`] }))
    const turn = { urls: ['turn:t.test:3478?transport=udp', 'turn:t.test:3478?transport=tcp'], username: 'u', credential: 'c' }
    return json(200, { iceServers: token === undefined ? stun : [...stun, turn] })
  }

  #deviceOnline(): boolean {
    return this.#device.socket !== undefined || this.#device.peer?.connected === true
  }

  #socket(url: string, socket: MemoryServerSocket): ReturnType<Parameters<MemoryNetwork['serve']>[1]['socket']> {
    if (this.refuseSockets) return undefined
    const channelId = /\/client\/(.*)$/.exec(url)?.[1]
    const side = channelId === undefined ? 'device' : 'client'
    const seat = channelId === undefined ? this.#device : this.#channels.get(channelId)
    if (seat === undefined) return undefined
    seat.socket = socket
    if (this.deaf === side) this.deaf = undefined
    if (channelId !== undefined) this.#toDevice(channelId, { type: 'PEER_CONNECTED' })
    else for (const [id, client] of this.#channels) if (client.socket ?? client.peer?.connected) this.#toClient(id, { type: 'PEER_CONNECTED' })
    return {
      text: (text) => {
        if (this.deaf !== side) this.#route(channelId, socket, JSON.parse(text) as Frame)
      },
      closed: () => {
        if (seat.socket === socket) seat.socket = undefined
      },
    }
  }

  #route(ownChannelId: string | undefined, socket: MemoryServerSocket, frame: Frame): void {
    if (frame.type === 'PING') socket.send('{"type":"PONG"}')
    if (frame.type !== 'MESSAGE' && frame.type !== 'ERROR') return
    const channelId = ownChannelId ?? String(frame.channelId)
    const delivered = ownChannelId === undefined ? this.#toClient(channelId, frame) : this.#toDevice(channelId, frame)
    if (!delivered) socket.send(JSON.stringify({ type: 'PEER_OFFLINE', channelId }))
  }

  #toClient(channelId: string, frame: Frame): boolean {
    const { socket, peer } = this.#channels.get(channelId) ?? {}
    return pass(socket, peer, { ...frame, channelId })
  }

  #toDevice(channelId: string, frame: Frame): boolean {
    const { socket, peer } = this.#device
    return pass(socket, peer, { ...frame, channelId, ...(frame.type === 'MESSAGE' ? { authorized: this.authorized } : {}) })
  }
}

function pass(socket: MemoryServerSocket | undefined, peer: SimulatedPeer | undefined, frame: Frame): boolean {
  if (peer?.connected === true) peer.receive(frame)
  else if (socket !== undefined) socket.send(JSON.stringify(frame))
  else return false
  return true
}

function json(status: number, body: unknown): MemoryHttpAnswer {
  return { status, body: JSON.stringify(body) }
}

export function error(status: number, message: string, code?: string, headers?: Record<string, string>): MemoryHttpAnswer {
  return { status, headers, body: JSON.stringify({ message, code }) }
}
