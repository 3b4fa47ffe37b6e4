import { createServer, type Server, type Socket } from 'node:net'
import { decodeBase64url, encodeBase64url } from '../../../lib/bytes/index.ts'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { CreatePeerConnection, DataChannel, IceCandidate, IceServer, MediaPeerConnection, SessionDescription } from '../../../lib/webrtc/index.ts'
import { type EngineLine, encodeLine, LineObjects } from '../../quickjs/engine-link.ts'
import { type OfferedVideo, offerVideo } from '../media/attach-video.ts'
import type { VideoSource } from '../media/video-source.ts'

export interface EngineServerOptions {
  /** Where cameras connect: the path of a local socket. */
  path: string
  createPeerConnection: CreatePeerConnection
  /** The picture of all connections. */
  video: VideoSource
  /** As it names itself; default `lenskey on Node`. */
  name?: string
}

/** One of this host's WebRTC engines behind docs/engine-protocol.md, for cameras whose logic runs elsewhere: for tests, and as a reference. */
export async function serveEngine(options: EngineServerOptions): Promise<Server> {
  const server = createServer((socket) => new EngineClient(socket, options))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.path, resolve)
  })
  return server
}

class EngineClient {
  readonly #socket: Socket
  readonly #options: EngineServerOptions
  readonly #connections = new Map<number, ServedConnection>()

  constructor(socket: Socket, options: EngineServerOptions) {
    this.#socket = socket
    this.#options = options
    const lines = new LineObjects()
    socket.on('data', (bytes) => {
      try {
        lines.read(bytes, (line) => {
          this.#take(line)
        })
      } catch {
        socket.destroy()
      }
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const connection of this.#connections.values()) connection.close()
      this.#connections.clear()
    })
    this.#send({ event: 'hello', version: 1, engine: options.name ?? 'lenskey on Node', iceRestart: true, codec: options.video.codec })
  }

  #send(line: EngineLine): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeLine(line))
  }

  #take(line: EngineLine): void {
    const { connection: number } = line
    if (typeof number !== 'number') return
    if (line.do === 'create' && !this.#connections.has(number)) {
      const native = this.#options.createPeerConnection({ iceServers: line.iceServers as IceServer[] })
      this.#connections.set(number, new ServedConnection(native, this.#options.video, (answer) => {
        this.#send({ ...answer, connection: number })
      }))
    } else if (line.do === 'close') {
      this.#connections.get(number)?.close()
      this.#connections.delete(number)
    } else this.#connections.get(number)?.take(line)
  }
}

/** One connection of the engine. */
class ServedConnection {
  readonly #native: MediaPeerConnection
  readonly #video: VideoSource
  readonly #send: (line: EngineLine) => void
  readonly #channels = new Map<number, DataChannel>()
  #lastChannel = 0
  /** By track id; those with a mid have been told of. */
  readonly #videos = new Map<string, { offered: OfferedVideo; mid?: string }>()
  #closed = false
  #told: Record<string, unknown> = {}

  constructor(native: MediaPeerConnection, video: VideoSource, send: (line: EngineLine) => void) {
    this.#native = native
    this.#video = video
    this.#send = send
    for (const event of ['signalingstatechange', 'connectionstatechange', 'iceconnectionstatechange'] as const) {
      native.addEventListener(event, () => {
        this.#tellState()
      })
    }
    native.addEventListener('negotiationneeded', () => {
      send({ event: 'negotiationneeded' })
    })
    native.addEventListener('icecandidate', ({ candidate }) => {
      send({ event: 'candidate', candidate: candidate === null ? null : candidate.toJSON() })
    })
    native.addEventListener('datachannel', ({ channel }) => {
      this.#lastChannel += 2
      this.#adopt(this.#lastChannel, channel)
      send({ event: 'channel', channel: this.#lastChannel, label: channel.label, protocol: channel.protocol })
    })
  }

  take(line: EngineLine): void {
    const { request, channel } = line
    if (typeof request === 'number') void this.#carryOut(request, line)
    else if (line.do === 'restartIce') this.#native.restartIce()
    else if (line.do === 'refuseMedia') this.#native.refuseMedia(String(line.mid))
    else if (line.do === 'startVideo') {
      const track = String(line.track)
      this.#videos.get(track)?.offered.end()
      this.#videos.set(track, { offered: offerVideo(this.#native, this.#video, track) })
    } else if (line.do === 'stopVideo') {
      const track = String(line.track)
      this.#videos.get(track)?.offered.end()
      this.#videos.delete(track)
    } else if (typeof channel === 'number') this.#takeForChannel(channel, line)
  }

  close(): void {
    this.#closed = true
    for (const { offered } of this.#videos.values()) offered.end()
    this.#native.close()
  }

  async #carryOut(request: number, line: EngineLine): Promise<void> {
    try {
      if (line.do === 'setLocalDescription') await this.#native.setLocalDescription(typeof line.type === 'string' ? { type: line.type as 'rollback' } : undefined)
      else if (line.do === 'setRemoteDescription') await this.#native.setRemoteDescription(line as unknown as SessionDescription)
      else if (line.do === 'addIceCandidate') await this.#native.addIceCandidate(line.candidate as IceCandidate)
      if (this.#closed) return
      this.#tellState()
      this.#send({ event: 'done', request })
    } catch (thrown) {
      if (!this.#closed) this.#send({ event: 'failed', request, code: thrown instanceof LenskeyError ? thrown.code : 'ERR_WEBRTC_STATE', message: messageOf(thrown) })
    }
  }

  #takeForChannel(number: number, { do: what, text, bytes, label, protocol, ordered }: EngineLine): void {
    if (what === 'createDataChannel') {
      this.#adopt(number, this.#native.createDataChannel(String(label), { protocol: String(protocol), ordered: ordered !== false }))
      return
    }
    const channel = this.#channels.get(number)
    if (what === 'closeChannel') channel?.close()
    else if (what === 'send' && channel?.readyState === 'open') {
      const data = typeof text === 'string' ? text : decodeBase64url(String(bytes)).slice()
      if (typeof data === 'string') channel.send(data)
      else channel.send(data)
      this.#send({ event: 'taken', channel: number, bytes: Buffer.byteLength(data) })
    }
  }

  #adopt(number: number, channel: DataChannel): void {
    channel.binaryType = 'arraybuffer'
    this.#channels.set(number, channel)
    // One of the peer is open already, and its event follows the announcement.
    if (number % 2 === 1) {
      channel.addEventListener('open', () => {
        this.#send({ event: 'open', channel: number })
      })
    }
    channel.addEventListener('message', ({ data }) => {
      const content = typeof data === 'string' ? { text: data } : { bytes: encodeBase64url(new Uint8Array(data as ArrayBuffer)) }
      this.#send({ event: 'message', channel: number, ...content })
    })
    channel.addEventListener('close', () => {
      this.#channels.delete(number)
      if (!this.#closed) this.#send({ event: 'closed', channel: number })
    })
  }

  /** What has changed since the last time. */
  #tellState(): void {
    if (this.#closed) return
    for (const [track, video] of this.#videos) {
      const { mid } = video.offered
      if (mid !== undefined && mid !== video.mid) this.#send({ event: 'track', track, mid })
      video.mid = mid
    }
    const { signalingState, connectionState, iceConnectionState, localDescription, remoteDescription } = this.#native
    const now: Record<string, unknown> = { signalingState, connectionState, iceConnectionState, localDescription: plain(localDescription), remoteDescription: plain(remoteDescription) }
    const changed = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.#told[name]))
    this.#told = now
    if (changed.length > 0) this.#send({ event: 'state', ...Object.fromEntries(changed) })
  }
}

/** Without what an engine's own object has besides. */
const plain = (description: { readonly type: string; readonly sdp: string } | null): object | null =>
  description === null ? null : { type: description.type, sdp: description.sdp }
