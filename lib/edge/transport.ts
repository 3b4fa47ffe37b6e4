import type { Clock, Log } from '../runtime/index.ts'
import { TypedEventEmitter } from '../signaling/event-emitter.ts'
import { type MessageTransport, type MessageTransportEvents, MessageTransportMode } from '../signaling/message-transport.ts'
import type { IceCandidate, IceServer, SignalingDescription, WebrtcSignalingMessage } from '../signaling/messages.ts'
import type { NegotiationTransport, PeerConnection } from '../webrtc/index.ts'
import { TrackMetadata } from '../webrtc/track-metadata.ts'
import { type EdgeMessage, edgeMessageTypes, encodeEdgeMessage } from './messages.ts'
import type { EdgeStream } from './stream.ts'

export interface EdgeTransportOptions {
  role: 'device' | 'client'
  /** Sends whole descriptions and no candidates from the start, and asks the other end for the same. */
  noTrickle?: boolean
  /** How long gathering may take before a whole description goes out with what is there; default 5,000. */
  gatheringMs?: number
  /** A client's sections; the others are left out of what it says of its tracks. */
  mids?: () => readonly string[]
}

/**
 * Descriptions and candidates as Edge records, for `PerfectNegotiation` (protocol/edge-webrtc.md §2.2 to §2.5): the client
 * is polite and the device is not, which is the other way round in the newer protocol.
 */
export class EdgeTransport implements MessageTransport, NegotiationTransport {
  readonly mode: MessageTransportMode
  readonly polite: boolean
  /** What both ends say of their tracks, along with descriptions. */
  readonly tracks: TrackMetadata
  readonly #stream: EdgeStream
  readonly #clock: Clock
  readonly #events: TypedEventEmitter<{ [Name in keyof MessageTransportEvents]: MessageTransportEvents[Name] }>
  readonly #options: EdgeTransportOptions
  readonly #metadata = new WeakMap<SignalingDescription, unknown>()
  #described = false

  constructor(stream: EdgeStream, options: EdgeTransportOptions, { clock, log }: { clock: Clock; log: Log }) {
    const isDevice = options.role === 'device'
    this.mode = isDevice ? MessageTransportMode.DEVICE : MessageTransportMode.CLIENT
    this.polite = !isDevice
    this.tracks = new TrackMetadata(options.role)
    this.#stream = stream
    this.#clock = clock
    this.#events = new TypedEventEmitter(log)
    this.#options = options
  }

  on<Name extends keyof MessageTransportEvents>(name: Name, listener: MessageTransportEvents[Name]): void {
    this.#events.on(name, listener)
  }

  off<Name extends keyof MessageTransportEvents>(name: Name, listener: MessageTransportEvents[Name]): void {
    this.#events.off(name, listener)
  }

  /** Negotiation may begin. @returns undefined where nobody has to be waited for */
  setUp(iceServers: IceServer[]): Promise<void> | undefined {
    return this.#events.emitInTurn('setupdone', iceServers)
  }

  /** Takes what the other end sent; resolves when it is applied. Candidates that come before any description are dropped. */
  async receive(message: EdgeMessage): Promise<void> {
    if ('description' in message) {
      const { description: { type, sdp }, metadata } = message
      const received: SignalingDescription = { type: 'DESCRIPTION', description: { type, sdp } }
      this.#metadata.set(received, metadata)
      this.#described = true
      await this.#events.emitInTurn('webrtcsignalingmessage', received)
    } else if ('candidate' in message && this.#described) {
      await this.#events.emitInTurn('webrtcsignalingmessage', { type: 'CANDIDATE', candidate: message.candidate })
    }
  }

  /** What came with an offer that is ignored does not count. */
  accepted(message: SignalingDescription): void {
    this.tracks.take(this.#metadata.get(message))
  }

  ready(pc: PeerConnection): Promise<void> | undefined {
    return this.#isWhole() && pc.iceGatheringState !== 'complete' ? this.#gathered(pc) : undefined
  }

  sendWebrtcSignalingMessage(message: WebrtcSignalingMessage): Promise<void> {
    if (message.type === 'DESCRIPTION') {
      const { type, sdp } = message.description
      // Neither end ever makes another kind.
      if (type === 'offer' || type === 'answer') {
        this.#send({ type: edgeMessageTypes[type], description: { type, sdp }, metadata: this.#outgoing() })
      }
    } else if (!this.#isWhole()) {
      this.#send({ type: edgeMessageTypes.ice, ...this.#candidateOf(message.candidate) })
    }
    return Promise.resolve()
  }

  #send(message: EdgeMessage): void {
    this.#stream.send(encodeEdgeMessage(message))
  }

  /** On a device once asked for, for the rest of the session. */
  #isWhole(): boolean {
    return this.#options.noTrickle === true || this.tracks.noTrickle
  }

  #outgoing(): unknown {
    const metadata = this.tracks.outgoing(this.#options.mids?.())
    return this.#options.noTrickle === true ? { ...metadata, noTrickle: true } : metadata
  }

  /** A device sends its metadata along, and of the candidate what all known clients read (§2.2). */
  #candidateOf({ candidate, sdpMid, ...more }: IceCandidate): { candidate: IceCandidate; metadata?: unknown } {
    if (this.#options.role === 'client') return { candidate: { candidate, sdpMid, ...more } }
    return { candidate: { candidate, sdpMid: sdpMid ?? '0' }, metadata: this.#outgoing() }
  }

  #gathered(pc: PeerConnection): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        pc.removeEventListener('icecandidate', onCandidate)
        pc.removeEventListener('icegatheringstatechange', onState)
        resolve()
      }
      const onCandidate = ({ candidate }: { candidate: unknown }): void => {
        if (candidate === null) done()
      }
      const onState = (): void => {
        if (pc.iceGatheringState === 'complete') done()
      }
      const cancel = this.#clock.after(this.#options.gatheringMs ?? 5_000, done)
      pc.addEventListener('icecandidate', onCandidate)
      pc.addEventListener('icegatheringstatechange', onState)
    })
  }
}
