import type * as NodeDatachannel from 'node-datachannel'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type {
  AudioTrack, AudioTrackOptions, CreatePeerConnection, DataChannel, IceCandidate, MediaPeerConnection, PeerConnectionConfiguration, PeerConnectionEvents,
  PeerConnectionReport, PeerConnectionState, SessionDescription, VideoReceiver, VideoSender, VideoSenderOptions,
} from '../../../lib/webrtc/peer-connection.ts'
import { descriptionRefused, isOfAnotherPath, mustFit, onTheSamePath } from './descriptions.ts'
import { withFreePort } from './free-port.ts'
import { HeldCandidates, isRelay, MAX_WAITING } from './held-candidates.ts'
import { HeldNative, UntoldCloses } from './held-native.ts'
import { nativeIceServers } from './ice-servers.ts'
import { Listeners } from './listeners.ts'
import { NativeDataChannel } from './node-datachannel-channel.ts'
import { NativeMedia } from './node-datachannel-media.ts'
import { type EngineOptions, type EngineSettings, engineSettings, isLoopback } from './options.ts'
import { type MediaSection, parseCandidate, parseMediaSections } from '../../../lib/webrtc/sdp.ts'

/**
 * The engine over `node-datachannel` (native libdatachannel).
 *
 * It cannot restart ICE. A restart that the peer offers while the path is alive is answered with the credentials in use, so
 * that the session goes on; where the path is gone, `setRemoteDescription` rejects and `restartIce` throws
 * `ERR_WEBRTC_ICE_RESTART_UNSUPPORTED`, and the connection has to be made anew.
 *
 * @throws {LenskeyError} `ERR_WEBRTC_ENGINE_MISSING` when the package or its binary for this machine is not installed
 */
export async function createNodeDatachannelEngine(options: EngineOptions = {}): Promise<CreatePeerConnection> {
  const settings = engineSettings(options)
  const library = await import('node-datachannel').catch((cause: unknown) => {
    throw new LenskeyError(
      'ERR_WEBRTC_ENGINE_MISSING',
      'node-datachannel does not load on this machine: run `npm install node-datachannel`, or choose the engine werift',
      { cause },
    )
  })
  const untold = new UntoldCloses()
  return (configuration) => new NodeDatachannelConnection(library, configuration, settings, untold)
}

/** Candidates, and the end of them, in a description. */
const candidateLines = /^a=(?:candidate:.*|end-of-candidates)(?:\r?\n|$)/gm

/** Longer than native code takes to close a data channel. */
const CLOSING_MS = 20

class NodeDatachannelConnection implements MediaPeerConnection {
  onVideo: ((receiver: VideoReceiver) => void) | undefined
  onAudio: ((track: AudioTrack) => void) | undefined
  readonly #native: NodeDatachannel.PeerConnection
  readonly #settings: EngineSettings
  readonly #untold: UntoldCloses
  readonly #listeners: Listeners<PeerConnectionEvents>
  readonly #media: NativeMedia
  readonly #candidates: HeldCandidates
  readonly #hasRelay: boolean
  /** Held here as long as the connection: a channel that only native code knows would be collected. */
  readonly #channels = new Set<NativeDataChannel>()
  #negotiationNeeded = false
  #closed = false
  /** What the peer said last, and what both sides agreed on last. */
  #remote: MediaSection[] = []
  #agreed: MediaSection[] = []

  constructor(library: typeof NodeDatachannel, { iceServers }: PeerConnectionConfiguration, settings: EngineSettings, untold: UntoldCloses) {
    this.#settings = settings
    this.#untold = untold
    this.#listeners = new Listeners(settings.log)
    this.#candidates = new HeldCandidates((error) => this.#tellRefused(error))
    const servers = nativeIceServers(iceServers, settings)
    // Native code relays by UDP alone.
    this.#hasRelay = servers.some((server) => server.relayType === 'TurnUdp')
    this.#native = new library.PeerConnection('lenskey', {
      iceServers: servers,
      iceTransportPolicy: settings.iceTransportPolicy,
      disableAutoNegotiation: true,
      // Without it, video that joins a connection set up for data alone never flows.
      forceMediaTransport: true,
      ...(settings.loopbackOnly && { bindAddress: '127.0.0.1' }),
      ...(settings.portRange && { portRangeBegin: settings.portRange.first, portRangeEnd: settings.portRange.last }),
    })
    this.#media = new NativeMedia(library, this.#native, this, this.#listeners, untold)
    untold.connections.add(this)
    this.#listen()
  }

  get signalingState(): string {
    return this.#closed ? 'closed' : this.#native.signalingState()
  }

  get connectionState(): PeerConnectionState {
    return this.#closed ? 'closed' : this.#native.state()
  }

  get iceConnectionState(): string {
    return this.#closed ? 'closed' : this.#native.iceState()
  }

  get iceGatheringState(): string {
    return this.#closed ? 'complete' : this.#native.gatheringState()
  }

  get localDescription(): { readonly type: string; readonly sdp: string } | null {
    const description = this.#closed ? null : this.#native.localDescription()
    if (description === null) return null
    // Native code answers yes to all; what the peer sends then is dropped, but it need not be sent.
    const sdp = this.#media.withoutRefused(description.sdp)
    if (!this.#candidates.isHolding) return { type: description.type, sdp }
    return { type: description.type, sdp: sdp.replace(candidateLines, (line) => (isRelay(line) ? line : '')) }
  }

  get remoteDescription(): { readonly type: string; readonly sdp: string } | null {
    return this.#closed ? null : this.#native.remoteDescription()
  }

  addEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void {
    this.#listeners.add(name, listener)
  }

  removeEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void {
    this.#listeners.remove(name, listener)
  }

  async setLocalDescription(description?: { type: SessionDescription['type']; sdp?: string }): Promise<void> {
    const describe = () => this.#describe(description?.type ?? (this.signalingState === 'have-remote-offer' ? 'answer' : 'offer'))
    // The first description binds a port.
    if (this.localDescription === null) await withFreePort(this.#settings, describe)
    else describe()
  }

  setRemoteDescription({ type, sdp }: SessionDescription): Promise<void> {
    return attempt(() => {
      this.#mustBeOpen()
      mustFit('remote', type, this.signalingState)
      if (type === 'rollback') {
        this.#native.setRemoteDescription(sdp, type)
        return
      }
      const native = onTheSamePath(sdp, this.#remote, this.#settings.log)
      if (native !== sdp && ['disconnected', 'failed'].includes(this.#native.state())) throw iceRestartUnsupported()
      const sections = parseMediaSections(native)
      const lines = this.#candidates.mustWait ? native.match(candidateLines) : null
      if (type === 'offer') this.#media.bindToOffer(sections)
      try {
        this.#native.setRemoteDescription(lines === null ? native : native.replace(candidateLines, ''), type)
      } catch (cause) {
        throw descriptionRefused('remote', cause)
      }
      this.#remote = sections
      this.#settleWhenStable()
      // What has come of it may have closed the connection.
      if (this.#closed) return
      for (const line of lines?.slice(0, MAX_WAITING) ?? []) {
        try {
          this.#takeCandidate({ candidate: line.slice('a='.length).trimEnd() })
        } catch (error) {
          this.#tellRefused(error)
        }
      }
      this.#candidates.described(type === 'offer')
    })
  }

  addIceCandidate(candidate: IceCandidate): Promise<void> {
    return attempt(() => {
      this.#mustBeOpen()
      if (this.#native.remoteDescription() === null) {
        throw new LenskeyError('ERR_WEBRTC_STATE', 'a candidate came before the description it belongs to')
      }
      this.#takeCandidate(candidate)
    })
  }

  restartIce(): void {
    if (this.connectionState === 'failed') throw iceRestartUnsupported()
  }

  createDataChannel(label: string, { ordered = true, protocol = '' }: { ordered?: boolean; protocol?: string } = {}): DataChannel {
    this.#mustBeOpen()
    return this.#adopt(this.#native.createDataChannel(label, { unordered: !ordered, protocol }))
  }

  addVideoSender(options: VideoSenderOptions): VideoSender {
    this.#mustBeOpen()
    const sender = this.#media.addVideoSender(options)
    this.#updateNegotiationNeeded()
    return sender
  }

  addVideoReceiver(): void {
    this.#mustBeOpen()
    this.#media.addVideoReceiver()
    this.#updateNegotiationNeeded()
  }

  addAudio(options: AudioTrackOptions): AudioTrack {
    this.#mustBeOpen()
    const track = this.#media.addAudio(options)
    this.#updateNegotiationNeeded()
    return track
  }

  refuseMedia(mid: string): void {
    this.#media.refuse(mid)
  }

  report(): Promise<PeerConnectionReport> {
    return attempt(() => {
      if (this.#closed) return {}
      // Native code counts data channels alone.
      const report: PeerConnectionReport = {
        bytesSent: this.#native.bytesSent() + this.#media.bytesSent,
        bytesReceived: this.#native.bytesReceived() + this.#media.bytesReceived,
      }
      const pair = this.#native.getSelectedCandidatePair()
      if (pair !== null) {
        const summary = ({ type, transportType, address, port }: NodeDatachannel.SelectedCandidateInfo) =>
          ({ type, protocol: transportType.toLowerCase(), address, port })
        report.selectedPair = { local: summary(pair.local), remote: summary(pair.remote) }
        const roundTripMs = this.#native.rtt()
        if (roundTripMs >= 0) report.selectedPair.roundTripMs = roundTripMs
      }
      return report
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#candidates.drop()
    this.#listeners.silence()
    const channels = [...this.#channels]
    const isClosing = channels.some(({ closesItself }) => closesItself)
    // Each by its own call: native code keeps the process alive for what is left open.
    for (const channel of channels) channel.lost()
    this.#media.stop()
    const end = () => {
      for (const channel of channels) channel.giveUp()
      this.#native.close()
      this.#untold.connections.delete(this)
    }
    if (isClosing) setTimeout(end, CLOSING_MS)
    else end()
  }

  #listen(): void {
    const native = this.#native
    const guarded = (run: () => void) => {
      if (!this.#closed) this.#listeners.guard(run)
    }
    native.onLocalCandidate((line, mid) => guarded(() => this.#announceCandidate(line.replace(/^a=/, ''), mid)))
    native.onSignalingStateChange(() => guarded(() => this.#listeners.emit('signalingstatechange', undefined)))
    native.onIceStateChange((state) => guarded(() => {
      if (state === 'connected') this.#candidates.release()
      this.#listeners.emit('iceconnectionstatechange', undefined)
    }))
    native.onGatheringStateChange((state) => guarded(() => {
      if (state === 'complete') this.#candidates.gathered()
      this.#listeners.emit('icegatheringstatechange', undefined)
    }))
    let announced = 'new'
    const announceState = () => guarded(() => {
      // Reports come late, by when the state may be the next one already.
      const state = native.state()
      if (state !== announced) this.#listeners.emit('connectionstatechange', undefined)
      announced = state
      // The peer closed; native code has let go of everything.
      if (state === 'closed') this.close()
    })
    // What the peer sent before it closed comes by a queue of its own, which is read within the next turn of the loop.
    native.onStateChange(() => {
      if (native.state() === 'closed') setImmediate(() => setImmediate(announceState))
      else announceState()
    })
    native.onDataChannel((channel) => {
      // It comes as well while our own close waits.
      if (this.#closed) new HeldNative(channel, this.#untold).letGo()
      guarded(() => {
        const adopted = this.#adopt(channel)
        // It comes open. If it is not, the peer has closed it meanwhile, and native code has told nobody, or is about to.
        if (adopted.readyState !== 'open') setTimeout(() => adopted.giveUp(), CLOSING_MS)
        this.#listeners.emit('datachannel', { channel: adopted })
        adopted.announceOpen()
      })
    })
    native.onTrack((track) => {
      if (this.#closed) new HeldNative(track, this.#untold).letGo()
      guarded(() => {
        if (this.#media.take(track)) this.#settleWhenStable()
      })
    })
  }

  #takeCandidate(init: IceCandidate): void {
    const { candidate, sdpMid, sdpMLineIndex } = init
    // An empty one marks the end of candidates, as does the line that says so in a description. Native code would give up sooner for it,
    // and take none that comes later.
    if (candidate === '' || candidate === 'end-of-candidates') return
    const parsed = parseCandidate(candidate)
    if (parsed === undefined) throw new LenskeyError('ERR_WEBRTC_CANDIDATE_REFUSED', 'the peer sent a candidate that is none')
    if (parsed.protocol !== 'udp' || (this.#settings.loopbackOnly && !isLoopback(parsed.address))) return
    if (isOfAnotherPath(init, this.#remote)) return
    const mid = sdpMid ?? this.#remote.at(sdpMLineIndex ?? 0)?.mid ?? '0'
    this.#candidates.take(candidate, () => {
      try {
        this.#native.addRemoteCandidate(candidate, mid)
      } catch (cause) {
        throw new LenskeyError('ERR_WEBRTC_CANDIDATE_REFUSED', `the peer's candidate does not fit: ${messageOf(cause)}`, { cause })
      }
    })
  }

  /** Of a candidate that nobody waits for. */
  #tellRefused(error: unknown): void {
    this.#settings.log('warn', 'webrtc.candidate.refused', { message: messageOf(error) })
  }

  #announceCandidate(candidate: string, sdpMid: string): void {
    const sdpMLineIndex = parseMediaSections(this.#native.localDescription()?.sdp ?? '').findIndex(({ mid }) => mid === sdpMid)
    const init = { candidate, sdpMid, ...(sdpMLineIndex >= 0 && { sdpMLineIndex }) }
    this.#candidates.announce(candidate, () => this.#listeners.emit('icecandidate', { candidate: { toJSON: () => init } }))
  }

  #adopt(native: NodeDatachannel.DataChannel): NativeDataChannel {
    const channel = new NativeDataChannel(native, new Listeners(this.#settings.log), this.#untold)
    this.#channels.add(channel)
    channel.addEventListener('close', () => this.#channels.delete(channel))
    this.#updateNegotiationNeeded()
    return channel
  }

  #describe(type: SessionDescription['type']): void {
    this.#mustBeOpen()
    mustFit('local', type, this.signalingState)
    if (type === 'offer') {
      if (this.signalingState === 'have-local-offer') return
      // Native code ends the process over this one as well.
      if (this.#channels.size === 0 && this.#media.mids.length === 0 && this.#agreed.length === 0) {
        throw new LenskeyError('ERR_WEBRTC_STATE', 'there is nothing to offer yet: neither a data channel nor video')
      }
      this.#media.bindToOurOffer()
    }
    this.#native.setLocalDescription(type)
    if (type === 'offer') this.#candidates.offered(this.#hasRelay)
    this.#settleWhenStable()
  }

  #settleWhenStable(): void {
    if (this.#native.signalingState() !== 'stable') return
    const local = parseMediaSections(this.#native.localDescription()?.sdp ?? '')
    this.#agreed = this.#remote.filter(({ mid }) => local.some((section) => section.mid === mid))
    this.#media.agree(this.#agreed)
    this.#negotiationNeeded = false
    this.#updateNegotiationNeeded()
  }

  /** W3C §4.7.3: one event per need, and only in the stable state. */
  #updateNegotiationNeeded(): void {
    if (this.#negotiationNeeded || this.#closed || !this.#isNegotiationNeeded()) return
    this.#negotiationNeeded = true
    queueMicrotask(() => {
      if (this.#closed || !this.#isNegotiationNeeded()) this.#negotiationNeeded = false
      else this.#listeners.emit('negotiationneeded', undefined)
    })
  }

  #isNegotiationNeeded(): boolean {
    if (this.#native.signalingState() !== 'stable') return false
    // A refusal is an agreement too: asked again, the peer would refuse again.
    const agreedOnData = this.#agreed.some(({ kind }) => kind === 'application')
    const mids = new Set(this.#agreed.map(({ mid }) => mid))
    return (this.#channels.size > 0 && !agreedOnData) || this.#media.mids.some((mid) => mid === undefined || !mids.has(mid))
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new LenskeyError('ERR_WEBRTC_STATE', 'the connection is closed')
  }
}

function iceRestartUnsupported(): LenskeyError {
  return new LenskeyError('ERR_WEBRTC_ICE_RESTART_UNSUPPORTED', 'this engine cannot find a new path: close this connection and make a new one')
}

/** What `run` returns or throws, as a promise. */
function attempt<Value>(run: () => Value): Promise<Value> {
  return new Promise((resolve) => {
    resolve(run())
  })
}
