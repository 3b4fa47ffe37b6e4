import { createViewer, type Viewer } from '../../../lib/client/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { type SignalingChannelState, type SignalingConnectionState, SignalingError } from '../../../lib/signaling/index.ts'
import { type PeerConnectionState } from '../../../lib/webrtc/index.ts'
import { createBrowserHost } from '../host.ts'
import { type ViewerLink } from './link.ts'
import { type Phase } from './timeline.ts'

/** How long a failed media connection may look for a new path before the session counts as over. */
const mediaRepairMs = 10_000

export interface SessionHandlers {
  /** Some state has changed. */
  changed(): void
  phaseDone(phase: Phase): void
  stream(stream: MediaStream): void
}

/** One attempt to see the camera, in the terms of the page. */
export class Session {
  /** The code of what ended it. */
  failure: string | undefined
  readonly #viewer: Viewer<RTCPeerConnection>
  readonly #handlers: SessionHandlers
  #repairTimer: ReturnType<typeof setTimeout> | undefined

  constructor({ productId, deviceId, accessToken, sharedSecret }: ViewerLink, endpointUrl: string, handlers: SessionHandlers) {
    this.#handlers = handlers
    this.#viewer = createViewer({
      productId, deviceId, accessToken, sharedSecret, endpointUrl,
      keyId: 'default',
      createPeerConnection: (configuration) => new RTCPeerConnection(configuration),
      attach: (connection) => { this.#attach(connection) },
    }, createBrowserHost())
    this.#viewer.on('phase', (phase) => {
      if (phase === 'signaling') handlers.phaseDone('channel')
      if (phase === 'setup') handlers.phaseDone('setup')
      if (phase === 'media') handlers.phaseDone('dtls')
      handlers.changed()
    })
    this.#viewer.on('signalingstatechange', () => { handlers.changed() })
    this.#viewer.on('channelstatechange', () => {
      if (this.channel === 'CONNECTED' || this.channel === 'DISCONNECTED') handlers.phaseDone('connect')
      handlers.changed()
    })
    this.#viewer.on('connectionstatechange', (state) => { this.#mediaChanged(state) })
    this.#viewer.on('ended', (error) => { this.#fail(error) })
    this.#viewer.start()
  }

  get signaling(): SignalingConnectionState {
    return this.#viewer.client.connectionState
  }

  get channel(): SignalingChannelState {
    return this.#viewer.client.channelState
  }

  /** Undefined until camera and viewer have greeted each other. */
  get connection(): RTCPeerConnection | undefined {
    return this.#viewer.peerConnection
  }

  get media(): PeerConnectionState {
    return this.connection?.connectionState ?? 'new'
  }

  close(): void {
    clearTimeout(this.#repairTimer)
    this.#viewer.close()
  }

  #attach(connection: RTCPeerConnection): void {
    connection.ontrack = ({ track, streams }) => {
      this.#handlers.stream(streams.at(0) ?? new MediaStream([track]))
    }
    connection.onsignalingstatechange = () => {
      if (connection.signalingState === 'stable') this.#handlers.phaseDone('description')
    }
    connection.oniceconnectionstatechange = () => {
      if (connection.iceConnectionState === 'connected') this.#handlers.phaseDone('ice')
    }
  }

  #mediaChanged(state: PeerConnectionState): void {
    clearTimeout(this.#repairTimer)
    if (state === 'failed') this.#repairTimer = setTimeout(() => { this.#fail(new SignalingError('MEDIA_FAILED')) }, mediaRepairMs)
    this.#handlers.changed()
  }

  #fail(error: unknown): void {
    this.failure ??= error instanceof SignalingError ? error.errorCode : error instanceof LenskeyError ? error.code : 'INTERNAL_ERROR'
    this.#handlers.changed()
  }
}
