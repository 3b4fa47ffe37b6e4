import type { IceCandidate, IceServer, SessionDescription } from '../signaling/messages.ts'

export type { IceCandidate, IceServer, SessionDescription }

export type PeerConnectionState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'

/**
 * The part of W3C `RTCPeerConnection` that negotiation needs: a browser's own object fits as it is, the engines of other
 * hosts implement it. Event targets are reduced to the two calls used.
 */
export interface PeerConnection {
  readonly signalingState: string
  readonly connectionState: PeerConnectionState
  readonly iceConnectionState: string
  /** `complete` when the local description has all candidates; undefined where an engine does not tell. */
  readonly iceGatheringState?: string
  readonly localDescription: { readonly type: string; readonly sdp: string } | null
  readonly remoteDescription: { readonly type: string; readonly sdp: string } | null
  /** Without an argument: the offer or answer that fits the signaling state (W3C §4.4.1.5). */
  setLocalDescription(description?: { type: 'offer' | 'answer' | 'pranswer' | 'rollback'; sdp?: string }): Promise<void>
  /** An offer that collides with our own rolls ours back (W3C §4.4.1.6). */
  setRemoteDescription(description: SessionDescription): Promise<void>
  addIceCandidate(candidate: IceCandidate): Promise<void>
  /** @throws {LenskeyError} `ERR_WEBRTC_ICE_RESTART_UNSUPPORTED` where an engine cannot: then the connection has to be made anew */
  restartIce(): void
  createDataChannel(label: string, options?: { ordered?: boolean; protocol?: string }): DataChannel
  close(): void
  addEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void
  removeEventListener<Name extends keyof PeerConnectionEvents>(name: Name, listener: (event: PeerConnectionEvents[Name]) => void): void
}

export interface PeerConnectionEvents {
  negotiationneeded: unknown
  icecandidate: { readonly candidate: { toJSON(): { candidate?: string; sdpMid?: string | null; sdpMLineIndex?: number | null; usernameFragment?: string | null } } | null }
  signalingstatechange: unknown
  connectionstatechange: unknown
  iceconnectionstatechange: unknown
  icegatheringstatechange: unknown
  datachannel: { readonly channel: DataChannel }
}

/** The part of W3C `RTCDataChannel` that is used here; messages are strings or byte arrays. */
export interface DataChannel {
  readonly label: string
  readonly protocol: string
  readonly readyState: 'connecting' | 'open' | 'closing' | 'closed'
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  binaryType: string
  send: ((data: string) => void) & ((data: Uint8Array<ArrayBuffer>) => void)
  close(): void
  addEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void
  removeEventListener<Name extends keyof DataChannelEvents>(name: Name, listener: (event: DataChannelEvents[Name]) => void): void
}

export interface DataChannelEvents {
  open: unknown
  close: unknown
  error: unknown
  bufferedamountlow: unknown
  /** `data` is a string, or an ArrayBuffer when `binaryType` is `arraybuffer`. */
  message: { readonly data: unknown }
}

/** The pair that carries the traffic, for people to see. */
export interface SelectedCandidatePair {
  local: CandidateSummary
  remote: CandidateSummary
  /** Current round-trip time, where the engine measures one. */
  roundTripMs?: number
}

export interface CandidateSummary {
  type: string
  protocol: string
  address: string
  port: number
}

/** How many bytes and packets went over one connection, and the pair they took. */
export interface PeerConnectionReport {
  selectedPair?: SelectedCandidatePair
  bytesSent?: number
  bytesReceived?: number
}

/** An engine's connection: negotiation, plus video as RTP packets, which is how a camera has it. */
export interface MediaPeerConnection extends PeerConnection {
  /** Offers one video track in the direction `sendonly`. */
  addVideoSender(options: VideoSenderOptions): VideoSender
  /** Offers to receive one video track (`recvonly`). */
  addVideoReceiver(): void
  /** Called for each video track the peer sends, before its first packet. */
  onVideo: ((receiver: VideoReceiver) => void) | undefined
  /** Offers a track of sound. */
  addAudio(options: AudioTrackOptions): AudioTrack
  /** Called for each track of sound of the peer, before its first packet. */
  onAudio: ((track: AudioTrack) => void) | undefined
  /** Has the next answer say no to what the peer wants to send in the section `mid`. */
  refuseMedia(mid: string): void
  report(): Promise<PeerConnectionReport>
}

export type AudioCodec = 'opus' | 'PCMU'

export interface AudioTrackOptions {
  /** `opus` at 48,000 Hz with two channels, `PCMU` at 8,000 Hz with one. */
  codec: AudioCodec
  /** `msid` of the track. */
  trackId: string
  /** Whether the peer may send on it as well; default `sendrecv`. */
  direction?: 'sendrecv' | 'sendonly'
}

/** Sound, both ways on one track. */
export interface AudioTrack {
  /** Undefined until it has been offered. */
  readonly mid: string | undefined
  /** What is sent; undefined until both ends have agreed. */
  readonly codec: AudioCodec | undefined
  /** Whether the peer takes our sound and the transport is up: packets sent earlier are dropped. */
  readonly ready: boolean
  /** One RTP packet; payload type and SSRC are rewritten to what was negotiated. */
  sendRtp(packet: Uint8Array): void
  /** One RTP packet of the peer, as it arrived. */
  onRtp: ((packet: Uint8Array) => void) | undefined
  /** `ready` has become true; again after every time it was false. */
  onReady: (() => void) | undefined
}

export type VideoCodec = 'VP8' | 'H264'

export interface VideoSenderOptions {
  codec: VideoCodec
  /** `msid` of the track: what the viewer sees as `track.id`. */
  trackId: string
}

export interface VideoSender {
  /** Undefined until it has been offered. */
  readonly mid: string | undefined
  /** Whether the peer takes the codec and the transport is up: packets sent earlier are dropped. */
  readonly ready: boolean
  /** One RTP packet (RFC 3550); payload type and SSRC are rewritten to what was negotiated. */
  sendRtp(packet: Uint8Array): void
  /** The peer asks for a key frame (RTCP PLI or FIR); how often is up to the peer. */
  onKeyFrameRequest: (() => void) | undefined
  /** `ready` has become true; again after every time it was false. */
  onReady: (() => void) | undefined
}

export interface VideoReceiver {
  readonly mid: string | undefined
  readonly codec: VideoCodec | undefined
  /** One RTP packet as it arrived. */
  onRtp: ((packet: Uint8Array) => void) | undefined
  /** Asks the peer for a key frame (RTCP PLI); it may not have one to give. */
  requestKeyFrame(): void
}

export interface PeerConnectionConfiguration {
  iceServers: IceServer[]
}

/** Makes a connection; an engine is one such function. */
export type CreatePeerConnection<Connection extends PeerConnection = MediaPeerConnection> = (
  configuration: PeerConnectionConfiguration,
) => Connection
