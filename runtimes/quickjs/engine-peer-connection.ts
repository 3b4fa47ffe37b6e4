import { LenskeyError } from '../../lib/errors.ts'
import type { Log } from '../../lib/runtime/index.ts'
import type {
  IceCandidate, PeerConnection, PeerConnectionConfiguration, PeerConnectionEvents, PeerConnectionState, SessionDescription,
} from '../../lib/webrtc/index.ts'
import { EngineDataChannel } from './engine-data-channel.ts'
import { EngineEvents } from './engine-events.ts'
import { type EngineLine, EngineLink, type EngineLinkHost } from './engine-link.ts'

/** A connection of an engine that has the video itself. */
export interface EngineConnection extends PeerConnection {
  /** Offers the engine's picture as a track of that id, once more where there was one. */
  startVideo(trackId: string): EngineTrack
  /** Has the next answer say no to what the peer wants to send in the section `mid`. */
  refuseMedia(mid: string): void
}

/** A track that shows the engine's picture. */
export interface EngineTrack {
  /** Of its section; undefined until the engine has said. */
  readonly mid: string | undefined
  end(): void
}

/** An engine behind docs/engine-protocol.md. */
export class Engine {
  readonly #link: EngineLink
  readonly #log: Log
  readonly #connections = new Map<number, EnginePeerConnection>()
  #lastNumber = 0

  constructor(host: EngineLinkHost) {
    this.#log = host.log
    this.#link = new EngineLink(host)
    this.#link.onLine = (line) => {
      this.#take(line)
    }
    this.#link.onLost = () => {
      for (const connection of [...this.#connections.values()]) connection.lost()
      this.#connections.clear()
    }
  }

  /** Whether connections can be made. */
  get ready(): boolean {
    return this.#link.hello !== undefined
  }

  set onReady(callback: () => void) {
    this.#link.onReady = callback
  }

  /** @throws {LenskeyError} `ERR_WEBRTC_ENGINE_MISSING` while there is no engine */
  create({ iceServers }: PeerConnectionConfiguration): EngineConnection {
    const { hello } = this.#link
    if (hello === undefined) throw new LenskeyError('ERR_WEBRTC_ENGINE_MISSING', 'no WebRTC engine is connected')
    const number = ++this.#lastNumber
    const connection = new EnginePeerConnection({
      send: (line) => {
        this.#link.send({ ...line, connection: number })
      },
      forget: () => {
        this.#connections.delete(number)
      },
      canRestartIce: hello.iceRestart === true,
      log: this.#log,
    })
    this.#connections.set(number, connection)
    this.#link.send({ do: 'create', connection: number, iceServers: iceServers })
    return connection
  }

  close(): void {
    this.#link.close()
  }

  #take(line: EngineLine): void {
    // What is on its way when a connection is closed belongs to nobody.
    if (typeof line.connection === 'number') this.#connections.get(line.connection)?.take(line)
  }
}

interface ConnectionLink {
  send(line: EngineLine): void
  forget(): void
  canRestartIce: boolean
  log: Log
}

const STATES: readonly PeerConnectionState[] = ['new', 'connecting', 'connected', 'disconnected', 'failed', 'closed']
const CODE = /^ERR_WEBRTC_[A-Z_]+$/

class EnginePeerConnection implements EngineConnection {
  signalingState = 'stable'
  connectionState: PeerConnectionState = 'new'
  iceConnectionState = 'new'
  localDescription: SessionDescription | null = null
  remoteDescription: SessionDescription | null = null
  readonly #link: ConnectionLink
  readonly #events: EngineEvents<PeerConnectionEvents>
  readonly #requests = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  readonly #channels = new Map<number, EngineDataChannel>()
  /** Where tracks are, by their ids. */
  readonly #mids = new Map<string, string>()
  #lastChannel = -1
  #lastRequest = 0

  constructor(link: ConnectionLink) {
    this.#link = link
    this.#events = new EngineEvents(link.log)
  }

  addEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void {
    this.#events.add(name, listener)
  }

  removeEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void {
    this.#events.remove(name, listener)
  }

  setLocalDescription(description?: { type: SessionDescription['type'] }): Promise<void> {
    return this.#request({ do: 'setLocalDescription', type: description?.type })
  }

  setRemoteDescription({ type, sdp }: SessionDescription): Promise<void> {
    return this.#request({ do: 'setRemoteDescription', type, sdp })
  }

  addIceCandidate(candidate: IceCandidate): Promise<void> {
    return this.#request({ do: 'addIceCandidate', candidate })
  }

  restartIce(): void {
    if (!this.#link.canRestartIce) throw new LenskeyError('ERR_WEBRTC_ICE_RESTART_UNSUPPORTED', 'the engine cannot look for a new path')
    if (this.#isOpen) this.#link.send({ do: 'restartIce' })
  }

  createDataChannel(label: string, { ordered = true, protocol = '' }: { ordered?: boolean; protocol?: string } = {}): EngineDataChannel {
    if (!this.#isOpen) throw new LenskeyError('ERR_WEBRTC_STATE', 'the connection is closed')
    this.#lastChannel += 2
    this.#link.send({ do: 'createDataChannel', channel: this.#lastChannel, label, protocol, ordered })
    return this.#adopt(this.#lastChannel, label, protocol, 'connecting')
  }

  startVideo(trackId: string): EngineTrack {
    if (!this.#isOpen) throw new LenskeyError('ERR_WEBRTC_STATE', 'the connection is closed')
    this.#link.send({ do: 'startVideo', track: trackId })
    const midOf = (): string | undefined => this.#mids.get(trackId)
    return {
      get mid() {
        return midOf()
      },
      end: () => {
        if (this.#isOpen) this.#link.send({ do: 'stopVideo', track: trackId })
      },
    }
  }

  refuseMedia(mid: string): void {
    if (this.#isOpen) this.#link.send({ do: 'refuseMedia', mid })
  }

  close(): void {
    if (!this.#isOpen) return
    this.#link.send({ do: 'close' })
    this.#link.forget()
    this.#events.silence()
    this.#end()
  }

  /** The engine is gone. */
  lost(): void {
    if (!this.#isOpen) return
    this.#end()
    this.#events.emit('connectionstatechange', undefined)
    this.#events.silence()
  }

  /** One line of the engine about this connection. */
  take(line: EngineLine): void {
    const { event, request, channel } = line
    if (typeof request === 'number') this.#settle(request, line)
    else if (event === 'state') this.#takeState(line)
    else if (event === 'negotiationneeded') this.#events.emit('negotiationneeded', undefined)
    else if (event === 'candidate') this.#takeCandidate(line.candidate)
    else if (event === 'track') this.#mids.set(String(line.track), String(line.mid))
    else if (typeof channel === 'number' && event === 'channel') {
      // A number that is in use cannot be taken for another channel.
      if (this.#channels.has(channel) || channel % 2 !== 0) return
      const adopted = this.#adopt(channel, String(line.label), String(line.protocol), 'open')
      this.#events.emit('datachannel', { channel: adopted })
      adopted.announceOpen()
    } else if (typeof channel === 'number') this.#channels.get(channel)?.take(line)
  }

  get #isOpen(): boolean {
    return this.signalingState !== 'closed'
  }

  #end(): void {
    this.signalingState = 'closed'
    this.connectionState = 'closed'
    this.iceConnectionState = 'closed'
    this.localDescription = null
    this.remoteDescription = null
    for (const channel of [...this.#channels.values()]) channel.lost()
    // Those of a closed connection never end (W3C §4.4.1.2).
    this.#requests.clear()
  }

  #takeState(line: EngineLine): void {
    if ('localDescription' in line) this.localDescription = readDescription(line.localDescription)
    if ('remoteDescription' in line) this.remoteDescription = readDescription(line.remoteDescription)
    const { signalingState, iceConnectionState } = line
    const connectionState = STATES.find((state) => state === line.connectionState)
    if (typeof signalingState === 'string' && signalingState !== 'closed') {
      this.signalingState = signalingState
      this.#events.emit('signalingstatechange', undefined)
    }
    if (typeof iceConnectionState === 'string') {
      this.iceConnectionState = iceConnectionState
      this.#events.emit('iceconnectionstatechange', undefined)
    }
    if (connectionState === undefined) return
    this.connectionState = connectionState
    this.#events.emit('connectionstatechange', undefined)
  }

  #takeCandidate(value: unknown): void {
    if (value === null) this.#events.emit('icecandidate', { candidate: null })
    else if (typeof value === 'object') this.#events.emit('icecandidate', { candidate: { toJSON: () => ({ ...value }) } })
  }

  #request(line: EngineLine): Promise<void> {
    if (!this.#isOpen) return Promise.reject(new LenskeyError('ERR_WEBRTC_STATE', 'the connection is closed'))
    const request = ++this.#lastRequest
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { resolve, reject })
      this.#link.send({ ...line, request })
    })
  }

  #settle(request: number, { event, code, message }: EngineLine): void {
    const waiting = this.#requests.get(request)
    if (waiting === undefined) return
    this.#requests.delete(request)
    if (event === 'done') waiting.resolve()
    else waiting.reject(new LenskeyError(typeof code === 'string' && CODE.test(code) ? code : 'ERR_WEBRTC_STATE', String(message)))
  }

  #adopt(number: number, label: string, protocol: string, state: 'connecting' | 'open'): EngineDataChannel {
    const channel = new EngineDataChannel(label, protocol, state, this.#link.log, (line) => {
      this.#link.send({ ...line, channel: number })
    })
    this.#channels.set(number, channel)
    channel.addEventListener('close', () => this.#channels.delete(number))
    return channel
  }
}

function readDescription(value: unknown): SessionDescription | null {
  const { type, sdp } = (value ?? {}) as { type?: unknown; sdp?: unknown }
  return typeof type === 'string' && typeof sdp === 'string' ? { type: type as SessionDescription['type'], sdp } : null
}

