import { encodeHex } from '../../lib/bytes/index.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type {
  DataChannel, DataChannelEvents, IceCandidate, PeerConnection, PeerConnectionEvents, PeerConnectionState, SessionDescription,
} from '../../lib/webrtc/peer-connection.ts'
import { MemoryEventTarget } from './event-target.ts'
import { createSeededRandom } from './random.ts'

/** What stands in the first line of the SDP of a connection in memory; the fingerprint of its certificate is the second. */
interface MemoryDescription {
  connection: number
  ufrag: string
  lines: string[]
}

/** Connections without a network: the two that exchanged descriptions and candidates find each other here. */
export class MemoryPeerConnections {
  readonly #connections = new Map<number, MemoryPeerConnection>()

  /** @param delay - awaited inside each operation, so that a test can have operations overlap */
  create(delay: () => Promise<void> = () => Promise.resolve()): MemoryPeerConnection {
    const id = this.#connections.size
    const connection = new MemoryPeerConnection(id, delay, (peer) => this.#connections.get(peer))
    this.#connections.set(id, connection)
    return connection
  }
}

/**
 * A PeerConnection whose signaling is that of WebRTC 1.0 §4.3 to §4.7: states, implicit descriptions, rollback by a colliding offer,
 * the negotiation-needed flag, operations one after another. It connects once both ends are stable and have a candidate.
 */
export class MemoryPeerConnection extends MemoryEventTarget<PeerConnectionEvents> implements PeerConnection {
  signalingState = 'stable'
  connectionState: PeerConnectionState = 'new'
  iceConnectionState = 'new'
  iceGatheringState = 'new'
  /** Candidates of the peer that were taken. */
  readonly remoteCandidates: string[] = []
  /** Sections that this end has said no to. */
  readonly refusedMids: string[] = []
  /** Media that both sides agreed on. */
  agreedLines: string[] = []
  /** SHA-256 of the certificate that it would have, 64 lower-case digits. No path comes up to a peer that was announced with another. */
  readonly fingerprint: string
  readonly #id: number
  readonly #delay: () => Promise<void>
  readonly #find: (id: number) => MemoryPeerConnection | undefined
  readonly #wantedLines: string[] = []
  readonly #ownChannels: MemoryDataChannel[] = []
  readonly #openChannels = new Set<MemoryDataChannel>()
  #operations: Promise<void> = Promise.resolve()
  #negotiationNeeded = false
  #generation = 0
  #announcedGeneration = -1
  #restartWanted = false
  #currentLocal: SessionDescription | null = null
  #pendingLocal: SessionDescription | null = null
  #currentRemote: SessionDescription | null = null
  #pendingRemote: SessionDescription | null = null

  constructor(id: number, delay: () => Promise<void>, find: (id: number) => MemoryPeerConnection | undefined) {
    super()
    this.#id = id
    this.#delay = delay
    this.#find = find
    this.fingerprint = encodeHex(createSeededRandom(id).bytes(32))
  }

  get localDescription(): SessionDescription | null {
    return this.#pendingLocal ?? this.#currentLocal
  }

  get remoteDescription(): SessionDescription | null {
    return this.#pendingRemote ?? this.#currentRemote
  }

  /** Wants one more line of media in the next description, as adding a track does. */
  addLine(name: string): void {
    this.#wantedLines.push(name)
    this.#updateNegotiationNeeded()
  }

  /** Wants one more line, of the kind that its name begins with, and knows its place once it is offered. */
  addTrack(line: `${'audio' | 'video'}${string}`): { readonly mid: string | undefined } {
    this.addLine(line)
    const linesNow = (): string[] => (this.localDescription === null ? [] : read(this.localDescription).lines)
    return {
      get mid() {
        const at = linesNow().indexOf(line)
        return at < 0 ? undefined : String(at)
      },
    }
  }

  refuseMedia(mid: string): void {
    this.refusedMids.push(mid)
  }

  createDataChannel(label: string, { protocol = '' }: { ordered?: boolean; protocol?: string } = {}): DataChannel {
    const channel = new MemoryDataChannel(label, protocol)
    this.#ownChannels.push(channel)
    if (!this.#wantedLines.includes('data')) this.addLine('data')
    // Nobody has had the time to listen to it yet.
    void Promise.resolve().then(() => {
      this.#connectWhenPossible()
    })
    return channel
  }

  setLocalDescription(description?: { type: SessionDescription['type'] }): Promise<void> {
    return this.#operation(() => {
      const type = description?.type ?? (this.signalingState === 'have-remote-offer' ? 'answer' : 'offer')
      this.#mustBe(type === 'offer' ? ['stable', 'have-local-offer'] : type === 'answer' ? ['have-remote-offer'] : ['have-local-offer'], type)
      if (type === 'rollback') {
        this.#pendingLocal = null
        this.#becomes('stable')
        return
      }
      if (this.#restartWanted && type === 'offer') this.#generation++
      const lines = type === 'answer' ? read(this.#pendingRemote).lines : union(this.agreedLines, this.#wantedLines)
      const made = { type, sdp: this.#write({ connection: this.#id, ufrag: this.#ufrag, lines }) }
      this.#pendingLocal = made
      if (type === 'offer') this.#becomes('have-local-offer')
      else this.#agree(made, this.#pendingRemote)
      this.#announceCandidates()
    })
  }

  setRemoteDescription(description: SessionDescription): Promise<void> {
    return this.#operation(() => {
      const { type } = description
      this.#mustBe(type === 'offer' ? ['stable', 'have-local-offer'] : type === 'answer' ? ['have-local-offer'] : ['have-remote-offer'], type)
      if (type === 'offer') {
        // Ours, where there is one, is rolled back.
        this.#pendingLocal = null
        this.#pendingRemote = description
        this.#becomes('have-remote-offer')
      } else if (type === 'rollback') {
        this.#pendingRemote = null
        this.#becomes('stable')
      } else this.#agree(this.#pendingLocal, description)
    })
  }

  addIceCandidate({ candidate, usernameFragment }: IceCandidate): Promise<void> {
    return this.#operation(() => {
      if (this.remoteDescription === null) throw new LenskeyError('ERR_WEBRTC_STATE', 'a candidate came before the description it belongs to')
      if (typeof usernameFragment === 'string' && usernameFragment !== read(this.remoteDescription).ufrag) {
        throw new LenskeyError('ERR_WEBRTC_CANDIDATE_REFUSED', 'the candidate belongs to another description')
      }
      this.remoteCandidates.push(candidate)
      this.#connectWhenPossible()
    })
  }

  restartIce(): void {
    this.#restartWanted = true
    this.#updateNegotiationNeeded()
  }

  /** Says that the path is gone or back, as a network would. */
  setPath(state: 'connected' | 'disconnected' | 'failed'): void {
    this.connectionState = state
    this.iceConnectionState = state
    this.dispatch('iceconnectionstatechange', undefined)
    this.dispatch('connectionstatechange', undefined)
  }

  close(): void {
    this.signalingState = 'closed'
    this.connectionState = 'closed'
    this.iceConnectionState = 'closed'
    this.silence()
    for (const channel of this.#openChannels) channel.close()
  }

  get #ufrag(): string {
    return `u${this.#id}.${this.#generation}`
  }

  #write(description: MemoryDescription): string {
    const pairs = this.fingerprint.toUpperCase().match(/../g) ?? []
    const sections = description.lines.map((line, mid) => this.#section(line, String(mid)))
    return `${JSON.stringify(description)}\r\na=fingerprint:sha-256 ${pairs.join(':')}\r\n${sections.join('')}`
  }

  /** What a program would look for in a section: its kind, place, direction and codec. */
  #section(line: string, mid: string): string {
    const kind = /^(?:audio|video)/.exec(line)?.[0]
    if (kind === undefined) return `m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:${mid}\r\n`
    const codec = kind === 'audio' ? 'opus/48000/2' : 'VP8/90000'
    const direction = this.refusedMids.includes(mid) ? 'inactive' : this.#wantedLines.includes(line) ? 'sendonly' : 'recvonly'
    return `m=${kind} 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:${mid}\r\na=rtpmap:111 ${codec}\r\na=${direction}\r\n`
  }

  /** What DTLS sees to. */
  #isAnnouncedTo(peer: MemoryPeerConnection): boolean {
    const announced = /^a=fingerprint:sha-256 (.*)$/m.exec(peer.#currentRemote?.sdp ?? '')?.[1] ?? ''
    return announced.trim().split(':').join('').toLowerCase() === this.fingerprint
  }

  #agree(local: SessionDescription | null, remote: SessionDescription | null): void {
    const restarted = this.#currentLocal === null || read(local).ufrag !== read(this.#currentLocal).ufrag
    if (restarted && local?.type === 'offer') this.#restartWanted = false
    this.#currentLocal = local
    this.#currentRemote = remote
    this.#pendingLocal = null
    this.#pendingRemote = null
    this.agreedLines = read(local).lines
    this.#becomes('stable')
    this.#connectWhenPossible()
  }

  #becomes(state: string): void {
    this.signalingState = state
    this.dispatch('signalingstatechange', undefined)
    if (state !== 'stable') return
    this.#negotiationNeeded = false
    this.#updateNegotiationNeeded()
  }

  /** W3C §4.7.3. */
  #updateNegotiationNeeded(): void {
    const needed = this.#restartWanted || this.#wantedLines.some((line) => !this.agreedLines.includes(line))
    if (!needed || this.#negotiationNeeded || this.signalingState !== 'stable') return
    this.#negotiationNeeded = true
    void this.#operations.then(() => {
      if (this.signalingState === 'stable' && this.#negotiationNeeded) this.dispatch('negotiationneeded', undefined)
    })
  }

  #announceCandidates(): void {
    if (this.#announcedGeneration === this.#generation) return
    this.#announcedGeneration = this.#generation
    this.iceGatheringState = 'gathering'
    const usernameFragment = this.#ufrag
    for (const number of [1, 2]) {
      const init = { candidate: `candidate:${number} of ${usernameFragment}`, sdpMid: '0', sdpMLineIndex: null, usernameFragment }
      void Promise.resolve().then(() => this.dispatch('icecandidate', { candidate: { toJSON: () => init } }))
    }
    void Promise.resolve().then(() => {
      this.iceGatheringState = 'complete'
      this.dispatch('icegatheringstatechange', undefined)
      this.dispatch('icecandidate', { candidate: null })
    })
  }

  get #hasPath(): boolean {
    return this.signalingState === 'stable' && this.#currentRemote !== null && this.remoteCandidates.length > 0
  }

  #connectWhenPossible(): void {
    const peer = this.#currentRemote === null ? undefined : this.#find(read(this.#currentRemote).connection)
    if (peer === undefined || !this.#hasPath || !peer.#hasPath) return
    if (!this.#isAnnouncedTo(peer) || !peer.#isAnnouncedTo(this)) return
    for (const [connection, other] of [[this, peer], [peer, this]]) {
      if (connection.connectionState !== 'connected') connection.setPath('connected')
      for (const channel of connection.#ownChannels.splice(0)) channel.join((label, protocol) => {
        const joined = new MemoryDataChannel(label, protocol)
        connection.#openChannels.add(channel)
        other.#openChannels.add(joined)
        other.dispatch('datachannel', { channel: joined })
        return joined
      })
    }
  }

  #mustBe(states: string[], type: string): void {
    if (!states.includes(this.signalingState)) {
      throw new LenskeyError('ERR_WEBRTC_STATE', `a ${type} does not fit the signaling state ${this.signalingState}`)
    }
  }

  #operation(run: () => void): Promise<void> {
    const result = this.#operations.then(this.#delay).then(() => {
      // Those of a closed connection never end (W3C §4.4.1.2).
      if (this.signalingState === 'closed') return new Promise<void>(() => undefined)
      run()
      return undefined
    })
    this.#operations = result.catch(() => undefined)
    return result
  }
}

/** One end of a data channel in memory. */
class MemoryDataChannel extends MemoryEventTarget<DataChannelEvents> implements DataChannel {
  readonly label: string
  readonly protocol: string
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType = 'arraybuffer'
  readyState: DataChannel['readyState'] = 'connecting'
  #other: MemoryDataChannel | undefined

  constructor(label: string, protocol: string) {
    super()
    this.label = label
    this.protocol = protocol
  }

  /** @param announce - makes the peer's end and tells the peer about it */
  join(announce: (label: string, protocol: string) => MemoryDataChannel): void {
    const other = announce(this.label, this.protocol)
    if (other.readyState === 'closed') {
      this.close()
      return
    }
    for (const [end, far] of [[this, other], [other, this]]) {
      end.#other = far
      end.readyState = 'open'
      end.dispatch('open', undefined)
    }
  }

  send(data: string | Uint8Array): void {
    if (this.readyState !== 'open') throw new LenskeyError('ERR_DATA_CHANNEL_NOT_OPEN', `the data channel ${this.label} is ${this.readyState}`)
    const copy = typeof data === 'string' ? data : data.slice().buffer
    const size = data.length
    this.bufferedAmount += size
    void Promise.resolve().then(() => {
      this.#other?.dispatch('message', { data: copy })
      const wasHigh = this.bufferedAmount > this.bufferedAmountLowThreshold
      this.bufferedAmount -= size
      if (wasHigh && this.bufferedAmount <= this.bufferedAmountLowThreshold) this.dispatch('bufferedamountlow', undefined)
    })
  }

  close(): void {
    for (const end of [this, this.#other]) {
      if (end === undefined || end.readyState === 'closed') continue
      end.readyState = 'closed'
      void Promise.resolve().then(() => end.dispatch('close', undefined))
    }
  }
}

function read(description: SessionDescription | null): MemoryDescription {
  if (description === null) throw new LenskeyError('ERR_WEBRTC_STATE', 'there is no description yet')
  return JSON.parse(description.sdp.split('\r\n', 1)[0]) as MemoryDescription
}

function union(some: string[], others: string[]): string[] {
  return [...new Set([...some, ...others])]
}
