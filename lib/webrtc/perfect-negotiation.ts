import { LenskeyError } from '../errors.ts'
import type { IceCandidate, SessionDescription, WebrtcSignalingMessage } from '../signaling/messages.ts'
import type { PeerConnection, PeerConnectionEvents } from './peer-connection.ts'

/** What negotiation needs of a message transport. */
export interface NegotiationTransport {
  /** `MessageTransportMode`: 0 is the client, 1 the device. */
  readonly mode: number
  /** Who gives way when both offer at once; default: the device. */
  readonly polite?: boolean
  /** Waits before a description that was made goes out, such as for the candidates that it is to hold. */
  ready?(pc: PeerConnection): Promise<void> | undefined
  sendWebrtcSignalingMessage(message: WebrtcSignalingMessage): Promise<void>
  on(event: 'webrtcsignalingmessage', listener: (message: WebrtcSignalingMessage) => Promise<void> | void): void
  off(event: 'webrtcsignalingmessage', listener: (message: WebrtcSignalingMessage) => Promise<void> | void): void
}

export interface NegotiationLimits {
  /** Candidates kept while there is no remote description yet; default 64. */
  maxEarlyCandidates?: number
  /** Messages waiting for an earlier one to be applied; default 256. */
  maxWaitingMessages?: number
  /** Sees each description of the peer before it is applied; one that it throws at is not, and `onerror` is told. */
  checkDescription?: (description: SessionDescription) => void
}

/** What rides along with descriptions, for whoever knows it. */
export interface NegotiationMetadata {
  /** Called for each description that is going to be applied, with what came along, before it is. */
  take(metadata: unknown, description: SessionDescription): void
  /** What goes along with ours; undefined when there is nothing to say. */
  outgoing(description: { readonly type: string; readonly sdp: string }): object | undefined
}

const deviceMode = 1

/** Whether an engine has said that it cannot find a new path for a connection, so that only a new session can. */
export function needsNewConnection(error: unknown): boolean {
  return error instanceof LenskeyError && error.code === 'ERR_WEBRTC_ICE_RESTART_UNSUPPORTED'
}

/**
 * The perfect negotiation pattern of WebRTC 1.0 §10.7 over a message transport (protocol/webrtc-signaling.md §8.1). The device is
 * polite, unless the transport says otherwise: when both offer at once its own offer is rolled back, while the client ignores the
 * one it receives.
 *
 * Everything that changes the signaling state goes through one queue, so that an offer is never seen half made.
 */
export class PerfectNegotiation {
  /** Called with whatever could not be sent or applied. Negotiation goes on: what becomes of the connection is seen on the connection. */
  onerror: ((error: unknown) => void) | undefined
  metadata: NegotiationMetadata | undefined
  readonly #pc: PeerConnection
  readonly #transport: NegotiationTransport
  readonly #polite: boolean
  readonly #maxEarlyCandidates: number
  readonly #maxWaitingMessages: number
  readonly #checkDescription: NegotiationLimits['checkDescription']
  #queue: Promise<void> = Promise.resolve()
  #waiting = 0
  #ignoreOffer = false
  #early: { candidate: IceCandidate; ofIgnoredOffer: boolean }[] = []
  /** Our candidates that wait for the description they belong to; undefined when none is being made. */
  #heldBack: IceCandidate[] | undefined
  #closed = false

  constructor(pc: PeerConnection, messageTransport: NegotiationTransport, limits: NegotiationLimits = {}) {
    this.#pc = pc
    this.#transport = messageTransport
    this.#polite = messageTransport.polite ?? messageTransport.mode === deviceMode
    this.#maxEarlyCandidates = limits.maxEarlyCandidates ?? 64
    this.#maxWaitingMessages = limits.maxWaitingMessages ?? 256
    this.#checkDescription = limits.checkDescription
    pc.addEventListener('negotiationneeded', this.#onNegotiationNeeded)
    pc.addEventListener('icecandidate', this.#onLocalCandidate)
    pc.addEventListener('iceconnectionstatechange', this.#onIceStateChange)
    messageTransport.on('webrtcsignalingmessage', this.#onMessage)
  }

  /** Lets go of the connection and the transport; closes neither. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#early = []
    this.#pc.removeEventListener('negotiationneeded', this.#onNegotiationNeeded)
    this.#pc.removeEventListener('icecandidate', this.#onLocalCandidate)
    this.#pc.removeEventListener('iceconnectionstatechange', this.#onIceStateChange)
    this.#transport.off('webrtcsignalingmessage', this.#onMessage)
  }

  readonly #onNegotiationNeeded = (): void => {
    void this.#enqueue(async () => {
      // In any other state the need is announced again on the way back to stable.
      if (this.#pc.signalingState === 'stable') await this.#describe()
    })
  }

  readonly #onLocalCandidate = ({ candidate }: PeerConnectionEvents['icecandidate']): void => {
    if (candidate === null) return
    const { candidate: line = '', sdpMid, sdpMLineIndex, usernameFragment } = candidate.toJSON()
    // Members that are null end the channel at devices made with the C++ SDK (protocol/webrtc-signaling.md §7.1).
    const plain: IceCandidate = { candidate: line }
    if (typeof sdpMid === 'string') plain.sdpMid = sdpMid
    if (typeof sdpMLineIndex === 'number') plain.sdpMLineIndex = sdpMLineIndex
    if (typeof usernameFragment === 'string') plain.usernameFragment = usernameFragment
    if (this.#heldBack === undefined) this.#send({ type: 'CANDIDATE', candidate: plain })
    else this.#heldBack.push(plain)
  }

  readonly #onIceStateChange = (): void => {
    if (this.#pc.iceConnectionState !== 'failed') return
    try {
      this.#pc.restartIce()
    } catch (error) {
      this.#report(error)
    }
  }

  readonly #onMessage = (message: WebrtcSignalingMessage): Promise<void> => {
    if (this.#waiting >= this.#maxWaitingMessages) {
      this.#report(new LenskeyError('ERR_WEBRTC_TOO_MANY_MESSAGES', 'the peer sends signaling messages faster than they can be applied'))
      return Promise.resolve()
    }
    return this.#enqueue(() => (message.type === 'DESCRIPTION' ? this.#takeDescription(message.description, message.metadata) : this.#takeCandidate(message.candidate)))
  }

  async #takeDescription(description: SessionDescription, metadata: unknown): Promise<void> {
    const collides = description.type === 'offer' && this.#pc.signalingState !== 'stable'
    this.#ignoreOffer = !this.#polite && collides
    if (this.#ignoreOffer) return
    this.#checkDescription?.(description)
    this.metadata?.take(metadata, description)
    await this.#pc.setRemoteDescription(description)
    const early = this.#early
    this.#early = []
    for (const { candidate, ofIgnoredOffer } of early) await this.#addCandidate(candidate, ofIgnoredOffer)
    if (description.type === 'offer') await this.#describe()
  }

  async #takeCandidate(candidate: IceCandidate): Promise<void> {
    if (this.#pc.remoteDescription !== null) {
      await this.#addCandidate(candidate, this.#ignoreOffer)
    } else if (this.#early.length < this.#maxEarlyCandidates) {
      this.#early.push({ candidate, ofIgnoredOffer: this.#ignoreOffer })
    } else {
      throw new LenskeyError('ERR_WEBRTC_TOO_MANY_CANDIDATES', 'the peer sends candidates but no description')
    }
  }

  async #addCandidate(candidate: IceCandidate, ofIgnoredOffer: boolean): Promise<void> {
    try {
      await this.#pc.addIceCandidate(candidate)
    } catch (error) {
      if (!ofIgnoredOffer) this.#report(error)
    }
  }

  /** Makes the offer or answer that fits, and sends it before any candidate of its own. */
  async #describe(): Promise<void> {
    this.#heldBack = []
    try {
      await this.#pc.setLocalDescription()
      await this.#transport.ready?.(this.#pc)
      const { localDescription } = this.#pc
      if (localDescription !== null) {
        const { type, sdp } = localDescription
        const metadata = this.metadata?.outgoing(localDescription)
        this.#send({ type: 'DESCRIPTION', description: { type: type as SessionDescription['type'], sdp }, ...(metadata && { metadata }) })
      }
    } finally {
      const candidates = this.#heldBack
      this.#heldBack = undefined
      for (const candidate of candidates) this.#send({ type: 'CANDIDATE', candidate })
    }
  }

  #send(message: WebrtcSignalingMessage): void {
    if (this.#closed) return
    // Not awaited: the transport keeps the order, and a slow network must not keep what arrives from being applied.
    this.#transport.sendWebrtcSignalingMessage(message).catch((error: unknown) => this.#report(error))
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#waiting++
    this.#queue = this.#queue.then(async () => {
      this.#waiting--
      if (this.#closed || this.#pc.signalingState === 'closed') return
      try {
        await step()
      } catch (error) {
        this.#report(error)
      }
    })
    return this.#queue
  }

  #report(error: unknown): void {
    if (!this.#closed) this.onerror?.(error)
  }
}
