import type * as Werift from 'werift'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type {
  AudioTrack, AudioTrackOptions, CreatePeerConnection, DataChannel, IceCandidate, MediaPeerConnection, PeerConnectionConfiguration, PeerConnectionEvents,
  PeerConnectionReport, PeerConnectionState, SelectedCandidatePair, SessionDescription, VideoReceiver, VideoSender, VideoSenderOptions,
} from '../../../lib/webrtc/peer-connection.ts'
import { usableIceUrl } from './ice-servers.ts'
import { Listeners } from './listeners.ts'
import { type EngineOptions, type EngineSettings, engineSettings, isLoopback } from './options.ts'
import { descriptionRefused, isOfAnotherPath, mustFit, onTheSamePath } from './descriptions.ts'
import { type MediaSection, parseCandidate, parseMediaSections } from '../../../lib/webrtc/sdp.ts'
import { connectOnceAtATime, forgetPlaces, keepEarlyHandshake, keepIceRoles, letGoOfTurn, neverReuseNumbers, numberByDtlsRole } from './werift-fixes.ts'
import { WeriftAudioTrack } from './werift-audio.ts'
import { WeriftDataChannel } from './werift-channel.ts'
import { WeriftVideoReceiver, WeriftVideoSender } from './werift-video.ts'

type Library = typeof Werift

/**
 * The engine over `werift`, which is TypeScript throughout: slower, and there on every machine. Of several STUN or TURN servers
 * it uses the first.
 *
 * @throws {LenskeyError} `ERR_WEBRTC_ENGINE_MISSING` when the package is not installed, or cannot be loaded
 */
export async function createWeriftEngine(options: EngineOptions = {}): Promise<CreatePeerConnection> {
  const settings = engineSettings(options)
  const library = await import('werift').catch((cause: unknown) => {
    throw new LenskeyError('ERR_WEBRTC_ENGINE_MISSING', 'werift does not load here: run `npm install werift`, or choose the engine node-datachannel', { cause })
  })
  letGoOfTurn(library)
  return (configuration) => new WeriftConnection(library, configuration, settings)
}

class WeriftConnection implements MediaPeerConnection {
  onVideo: ((receiver: VideoReceiver) => void) | undefined
  onAudio: ((track: AudioTrack) => void) | undefined
  readonly #library: Library
  readonly #native: Werift.RTCPeerConnection
  readonly #settings: EngineSettings
  readonly #listeners: Listeners<PeerConnectionEvents>
  readonly #senders: WeriftVideoSender[] = []
  readonly #audio: WeriftAudioTrack[] = []
  /** Sections that our answers say no to. */
  readonly #refused = new Set<string>()
  readonly #announced = new Set<Werift.MediaStreamTrack>()
  readonly #channels = new Set<WeriftDataChannel>()
  readonly #watched = new Set<object>()
  #remote: MediaSection[] = []
  #lost = false
  #closed = false

  constructor(library: Library, { iceServers }: PeerConnectionConfiguration, settings: EngineSettings) {
    this.#library = library
    this.#settings = settings
    this.#listeners = new Listeners(settings.log)
    const { loopbackOnly, portRange, iceTransportPolicy } = settings
    this.#native = new library.RTCPeerConnection({
      codecs: { video: [library.useVP8(), library.useH264()], audio: [library.useOPUS(), library.usePCMU()] },
      // Always given: the library's default is a server of somebody else.
      iceServers: iceServers.flatMap(({ urls, ...account }) =>
        urls.filter((url) => usableIceUrl(url, account, settings) !== undefined).map((url) => ({ urls: url, ...account }))),
      bundlePolicy: 'max-bundle',
      iceTransportPolicy,
      // No address of an interface, and the one address besides.
      ...(loopbackOnly && { iceUseIpv4: false, iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'] }),
      ...(portRange && { icePortRange: [portRange.first, portRange.last] as [number, number] }),
    })
    connectOnceAtATime(this.#native)
    keepIceRoles(this.#native)
    this.#listen()
  }

  get signalingState(): string {
    return this.#closed ? 'closed' : this.#native.signalingState
  }

  get connectionState(): PeerConnectionState {
    return this.#closed || this.#lost ? 'closed' : this.#native.connectionState
  }

  get iceConnectionState(): string {
    return this.#closed ? 'closed' : this.#native.iceConnectionState
  }

  get iceGatheringState(): string {
    return this.#closed ? 'complete' : this.#native.iceGatheringState
  }

  get localDescription(): { readonly type: string; readonly sdp: string } | null {
    return this.#closed ? null : this.#native.localDescription
  }

  get remoteDescription(): { readonly type: string; readonly sdp: string } | null {
    return this.#closed ? null : this.#native.remoteDescription
  }

  addEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void {
    this.#listeners.add(name, listener)
  }

  removeEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void {
    this.#listeners.remove(name, listener)
  }

  async setLocalDescription(description?: { type: SessionDescription['type']; sdp?: string }): Promise<void> {
    this.#mustBeOpen()
    mustFit('local', description?.type ?? (this.signalingState === 'have-remote-offer' ? 'answer' : 'offer'), this.signalingState)
    try {
      if (description?.type === 'rollback') await this.#native.setLocalDescription({ type: 'rollback' })
      else await this.#native.setLocalDescription(description)
    } catch (cause) {
      throw descriptionRefused('local', cause)
    }
    this.#settle()
  }

  async setRemoteDescription({ type, sdp }: SessionDescription): Promise<void> {
    this.#mustBeOpen()
    mustFit('remote', type, this.signalingState)
    // The library can restart ICE, but often loses the data channels over it: not while the path is alive.
    const isAlive = ['new', 'connecting', 'connected'].includes(this.connectionState)
    const kept = isAlive && type !== 'rollback' ? onTheSamePath(sdp, this.#remote, this.#settings.log) : sdp
    if (type === 'offer' && this.signalingState === 'have-local-offer') forgetPlaces(this.#native, this.#remote, parseMediaSections(kept))
    try {
      await this.#native.setRemoteDescription({ type, sdp: kept })
    } catch (cause) {
      throw descriptionRefused('remote', cause)
    }
    if (type !== 'rollback') this.#remote = parseMediaSections(kept)
    for (const sender of this.#senders) sender.keepItsCodec()
    for (const transceiver of this.#native.getTransceivers()) {
      if (this.#refused.has(transceiver.mid ?? '')) transceiver.setDirection('inactive')
    }
    this.#settle()
  }

  async addIceCandidate(candidate: IceCandidate): Promise<void> {
    this.#mustBeOpen()
    if (this.#native.remoteDescription === null) {
      throw new LenskeyError('ERR_WEBRTC_STATE', 'a candidate came before the description it belongs to')
    }
    // An empty one marks the end of candidates.
    if (candidate.candidate === '') return
    const parsed = parseCandidate(candidate.candidate)
    if (parsed === undefined) throw new LenskeyError('ERR_WEBRTC_CANDIDATE_REFUSED', 'the peer sent a candidate that is none')
    if (parsed.protocol !== 'udp' || (this.#settings.loopbackOnly && !isLoopback(parsed.address))) return
    if (isOfAnotherPath(candidate, this.#remote)) return
    try {
      await this.#native.addIceCandidate(candidate)
    } catch (cause) {
      throw new LenskeyError('ERR_WEBRTC_CANDIDATE_REFUSED', `the peer's candidate does not fit: ${messageOf(cause)}`, { cause })
    }
  }

  restartIce(): void {
    if (!this.#closed && ['disconnected', 'failed'].includes(this.connectionState)) this.#native.restartIce()
  }

  createDataChannel(label: string, { ordered = true, protocol = '' }: { ordered?: boolean; protocol?: string } = {}): DataChannel {
    this.#mustBeOpen()
    return this.#adopt(this.#native.createDataChannel(label, { ordered, protocol }))
  }

  addVideoSender(options: VideoSenderOptions): VideoSender {
    this.#mustBeOpen()
    const sender = new WeriftVideoSender(this.#library, this.#native, options, this.#listeners)
    this.#senders.push(sender)
    return sender
  }

  addVideoReceiver(): void {
    this.#mustBeOpen()
    this.#native.addTransceiver('video', { direction: 'recvonly' })
  }

  addAudio(options: AudioTrackOptions): AudioTrack {
    this.#mustBeOpen()
    const track = WeriftAudioTrack.offer(this.#library, this.#native, options, this.#listeners)
    this.#audio.push(track)
    return track
  }

  refuseMedia(mid: string): void {
    this.#refused.add(mid)
  }

  async report(): Promise<PeerConnectionReport> {
    if (this.#closed) return {}
    const selected = this.#native.iceTransports.map((transport) => transport.getSelectedCandidatePair()).find((pair) => pair !== null)
    const pair = summaries(selected?.local.candidate, selected?.remote.candidate)
    const report: PeerConnectionReport = { bytesSent: 0, bytesReceived: 0 }
    for (const stats of (await this.#native.getStats()).values() as Iterable<Partial<PairStats>>) {
      if (stats.type !== 'candidate-pair') continue
      report.bytesSent = (report.bytesSent ?? 0) + (stats.bytesSent ?? 0)
      report.bytesReceived = (report.bytesReceived ?? 0) + (stats.bytesReceived ?? 0)
      if (stats.nominated === true && stats.currentRoundTripTime !== undefined && pair !== undefined) {
        pair.roundTripMs = stats.currentRoundTripTime * 1000
      }
    }
    if (pair !== undefined) report.selectedPair = pair
    return report
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.silence()
    for (const channel of [...this.#channels]) channel.lost()
    this.#native.close().catch((error: unknown) => this.#settings.log('warn', 'webrtc.close.failed', { message: messageOf(error) }))
  }

  #listen(): void {
    const native = this.#native
    native.onNegotiationneeded.subscribe(() => {
      if (native.signalingState === 'stable') this.#listeners.emit('negotiationneeded', undefined)
    })
    native.signalingStateChange.subscribe(() => this.#listeners.emit('signalingstatechange', undefined))
    native.iceConnectionStateChange.subscribe(() => this.#listeners.emit('iceconnectionstatechange', undefined))
    native.iceGatheringStateChange.subscribe(() => this.#listeners.emit('icegatheringstatechange', undefined))
    native.connectionStateChange.subscribe(() => {
      this.#settle()
      this.#listeners.emit('connectionstatechange', undefined)
    })
    native.onIceCandidate.subscribe((candidate) => {
      this.#listeners.emit('icecandidate', { candidate: candidate === undefined ? null : { toJSON: () => ({ ...candidate.toJSON() }) } })
    })
    native.onDataChannel.subscribe((channel) => {
      if (this.#closed) return
      const adopted = this.#adopt(channel)
      this.#listeners.emit('datachannel', { channel: adopted })
      adopted.announceOpen()
    })
    native.onTrack.subscribe((track) => {
      if (this.#closed || this.#announced.has(track)) return
      this.#announced.add(track)
      if (track.kind === 'audio') {
        this.#takeAudio(track)
        return
      }
      this.#listeners.guard(() => this.onVideo?.(new WeriftVideoReceiver(native, track, this.#listeners)))
    })
  }

  #adopt(native: Werift.RTCDataChannel): WeriftDataChannel {
    const channel = new WeriftDataChannel(native, new Listeners(this.#settings.log))
    this.#channels.add(channel)
    channel.addEventListener('close', () => this.#channels.delete(channel))
    return channel
  }

  #takeAudio(track: Werift.MediaStreamTrack): void {
    const transceiver = this.#native.getTransceivers().find(({ receiver }) => receiver.tracks.includes(track))
    if (transceiver === undefined || this.#refused.has(transceiver.mid ?? '')) return
    const ours = this.#audio.find((candidate) => candidate.transceiver === transceiver)
    const audio = ours ?? new WeriftAudioTrack(this.#native, transceiver, this.#listeners, false)
    audio.hear(track)
    if (ours === undefined) this.#listeners.guard(() => this.onAudio?.(audio))
  }

  #settle(): void {
    if (this.#native.sctpTransport !== undefined) {
      numberByDtlsRole(this.#native.sctpTransport)
      neverReuseNumbers(this.#native.sctpTransport)
    }
    for (const transport of this.#native.dtlsTransports) keepEarlyHandshake(transport)
    this.#watchForTheEnd()
    for (const sender of [...this.#senders, ...this.#audio]) sender.settle()
  }

  /** The library says nothing on the connection itself when the peer closes; of the two that do, one alert may get lost. */
  #watchForTheEnd(): void {
    const { dtlsTransports, sctpTransport } = this.#native
    const watch = (transport: object, closed: (listener: () => void) => void) => {
      if (this.#watched.has(transport)) return
      this.#watched.add(transport)
      closed(() => {
        if (this.#closed) return
        this.#lost = true
        this.#listeners.emit('connectionstatechange', undefined)
        this.close()
      })
    }
    for (const transport of dtlsTransports) {
      watch(transport, (listener) => transport.onStateChange.subscribe((state) => {
        if (state === 'closed') listener()
      }))
    }
    if (sctpTransport !== undefined) watch(sctpTransport.sctp, (listener) => sctpTransport.sctp.stateChanged.closed.subscribe(listener))
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new LenskeyError('ERR_WEBRTC_STATE', 'the connection is closed')
  }
}

interface PairStats {
  type: string
  nominated: boolean
  bytesSent: number
  bytesReceived: number
  /** In seconds. */
  currentRoundTripTime: number
}

function summaries(localLine: string | undefined, remoteLine: string | undefined): SelectedCandidatePair | undefined {
  const [local, remote] = [localLine, remoteLine].map((line) => (line === undefined ? undefined : parseCandidate(`candidate:${line.replace(/^candidate:/, '')}`)))
  if (local === undefined || remote === undefined) return undefined
  const summary = ({ type, protocol, address, port }: NonNullable<typeof local>) => ({ type, protocol, address, port })
  return { local: summary(local), remote: summary(remote) }
}
