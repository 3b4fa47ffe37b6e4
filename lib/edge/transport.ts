import type { Clock, Log } from '../runtime/index.ts'
import { TypedEventEmitter } from '../signaling/event-emitter.ts'
import { isObject } from '../signaling/json.ts'
import { type MessageTransport, type MessageTransportEvents, MessageTransportMode } from '../signaling/message-transport.ts'
import type { IceCandidate, IceServer, WebrtcSignalingMessage } from '../signaling/messages.ts'
import type { NegotiationTransport, PeerConnection } from '../webrtc/index.ts'
import { type EdgeMessage, edgeMessageTypes, encodeEdgeMessage } from './messages.ts'
import type { EdgeStream } from './stream.ts'

export interface EdgeTransportOptions {
  role: 'device' | 'client'
  /** Sends whole descriptions and no candidates from the start, and asks the other end for the same. */
  noTrickle?: boolean
  /** How long gathering may take before a whole description goes out with what is there; default 5,000. */
  gatheringMs?: number
}

/** What says nothing: a list is always there, since browsers drop a description without one (§2.4). */
const NO_TRACKS = { tracks: [], status: 'OK' }

/**
 * Descriptions and candidates as Edge records, for `PerfectNegotiation` (protocol/edge-webrtc.md §2.2 to §2.5): the client
 * is polite and the device is not, which is the other way round in the newer protocol.
 */
export class EdgeTransport implements MessageTransport, NegotiationTransport {
  readonly mode: MessageTransportMode
  readonly polite: boolean
  readonly #stream: EdgeStream
  readonly #clock: Clock
  readonly #events: TypedEventEmitter<{ [Name in keyof MessageTransportEvents]: MessageTransportEvents[Name] }>
  readonly #options: EdgeTransportOptions
  /** Went along with our last description. */
  #metadata: object = NO_TRACKS
  #whole: boolean
  #described = false

  constructor(stream: EdgeStream, options: EdgeTransportOptions, { clock, log }: { clock: Clock; log: Log }) {
    const isDevice = options.role === 'device'
    this.mode = isDevice ? MessageTransportMode.DEVICE : MessageTransportMode.CLIENT
    this.polite = !isDevice
    this.#stream = stream
    this.#clock = clock
    this.#events = new TypedEventEmitter(log)
    this.#options = options
    this.#whole = options.noTrickle === true
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
      this.#described = true
      // On a device once asked for, for the rest of the session.
      if (this.#options.role === 'device' && isObject(metadata) && metadata.noTrickle === true) this.#whole = true
      await this.#events.emitInTurn('webrtcsignalingmessage', { type: 'DESCRIPTION', description: { type, sdp }, ...(isObject(metadata) && { metadata }) })
    } else if ('candidate' in message && this.#described) {
      await this.#events.emitInTurn('webrtcsignalingmessage', { type: 'CANDIDATE', candidate: message.candidate })
    }
  }

  ready(pc: PeerConnection): Promise<void> | undefined {
    return this.#whole && pc.iceGatheringState !== 'complete' ? this.#gathered(pc) : undefined
  }

  sendWebrtcSignalingMessage(message: WebrtcSignalingMessage): Promise<void> {
    if (message.type === 'DESCRIPTION') {
      const { type, sdp } = message.description
      // Neither end ever makes another kind.
      if (type === 'offer' || type === 'answer') {
        this.#metadata = { ...(message.metadata ?? NO_TRACKS), ...(this.#options.noTrickle === true && { noTrickle: true }) }
        this.#send({ type: edgeMessageTypes[type], description: { type, sdp }, metadata: this.#metadata })
      }
    } else if (!this.#whole) {
      this.#send({ type: edgeMessageTypes.ice, ...this.#candidateOf(message.candidate) })
    }
    return Promise.resolve()
  }

  #send(message: EdgeMessage): void {
    this.#stream.send(encodeEdgeMessage(message))
  }

  /** A device sends its metadata along, and of the candidate what all known clients read (§2.2). */
  #candidateOf({ candidate, sdpMid, ...more }: IceCandidate): { candidate: IceCandidate; metadata?: unknown } {
    if (this.#options.role === 'client') return { candidate: { candidate, sdpMid, ...more } }
    return { candidate: { candidate, sdpMid: sdpMid ?? '0' }, metadata: this.#metadata }
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
