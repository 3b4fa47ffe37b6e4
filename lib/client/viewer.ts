import { LenskeyError, messageOf } from '../errors.ts'
import type { Host } from '../runtime/index.ts'
import { TypedEventEmitter } from '../signaling/event-emitter.ts'
import {
  ClientMessageTransportSecurityMode, createClientMessageTransport, createSignalingClient, type SignalingChannelState, type SignalingClient,
  type SignalingClientOptions, SignalingConnectionError, SignalingConnectionState,
} from '../signaling/index.ts'
import { type CreatePeerConnection, type NegotiationMetadata, type PeerConnection, needsNewConnection, type PeerConnectionState, PerfectNegotiation, type SessionDescription, SignalingEventHandler } from '../webrtc/index.ts'

/** The steps from a click to a picture, in the order in which they come when all goes well. */
export const VIEWER_PHASES = ['start', 'signaling', 'setup', 'offer', 'media', 'frame'] as const
/**
 * - `start`: `start()` was called
 * - `signaling`: the service has given a channel and the socket is open
 * - `setup`: the camera has answered, and both sign their messages
 * - `offer`: the first description of the camera has come
 * - `media`: ICE and DTLS are done
 * - `frame`: a picture has been decoded; told by the program with `frameSeen()`
 */
export type ViewerPhase = (typeof VIEWER_PHASES)[number]

export interface ViewerOptions<Connection extends PeerConnection> extends SignalingClientOptions {
  /** The secret shared with the camera; without one the access token must do. */
  sharedSecret?: string
  /** Names the secret when the camera has several. */
  keyId?: string
  createPeerConnection: CreatePeerConnection<Connection>
  /** Called before anything is negotiated: register for tracks here. */
  attach: (peerConnection: Connection) => void
  /** What rides along with descriptions, such as a `ClientTracks`: names of tracks, and what became of them. */
  metadata?: NegotiationMetadata
  /** Sees each description of the camera before it is applied; what it throws ends the session. */
  checkDescription?: (description: SessionDescription) => void
}

export interface ViewerEvents {
  /** A phase was reached for the first time; `sinceStartMs` is its time. */
  phase: (phase: ViewerPhase, sinceStartMs: number) => void
  signalingstatechange: (state: SignalingConnectionState) => void
  channelstatechange: (state: SignalingChannelState) => void
  connectionstatechange: (state: PeerConnectionState) => void
  /**
   * The session is over and will not come back by itself; the error says why, or is what `close` was called with. `ERR_WEBRTC_HANDSHAKE`: there
   * is a path, and at its other end somebody else than the one whom the descriptions name.
   */
  ended: (error: unknown) => void
}

/** A session with one camera. */
export interface Viewer<Connection extends PeerConnection> {
  readonly client: SignalingClient
  /** Undefined until the camera has answered. */
  readonly peerConnection: Connection | undefined
  start(): void
  /** Tells that a picture was decoded, which only the program can see. */
  frameSeen(): void
  /** @param reason - what `ended` tells */
  close(reason?: unknown): void
  on<Name extends keyof ViewerEvents>(name: Name, listener: ViewerEvents[Name]): void
  off<Name extends keyof ViewerEvents>(name: Name, listener: ViewerEvents[Name]): void
}

/** How long the media may still say why a session ends. */
const LAST_WORD_MS = 1_000

/** Signaling, negotiation and their recovery for a program that wants to see a camera. No I/O until `start()`. */
export function createViewer<Connection extends PeerConnection>(options: ViewerOptions<Connection>, host: Host): Viewer<Connection> {
  const client = createSignalingClient(options, host)
  const events = new TypedEventEmitter<{ [Name in keyof ViewerEvents]: ViewerEvents[Name] }>(host.log)
  const reached = new Set<ViewerPhase>()
  const cleanUp: (() => void)[] = []
  let startMs = 0
  let peerConnection: Connection | undefined
  let over = false
  let lost: SignalingConnectionError | undefined

  const reach = (phase: ViewerPhase): void => {
    if (reached.has(phase) || over) return
    reached.add(phase)
    events.emit('phase', phase, host.clock.monotonicMs() - startMs)
  }

  const end = (error: unknown): void => {
    if (over) return
    over = true
    for (const step of cleanUp) step()
    client.close()
    events.emit('ended', error)
    events.clear()
  }

  client.on('connectionstatechange', () => {
    events.emit('signalingstatechange', client.connectionState)
    if (client.connectionState === SignalingConnectionState.CONNECTED) reach('signaling')
  })
  client.on('channelstatechange', () => {
    events.emit('channelstatechange', client.channelState)
  })
  client.on('error', (error) => {
    // Without the service nothing new can be negotiated, but what is there lives on for as long as its path does.
    if (error instanceof SignalingConnectionError && peerConnection?.connectionState === 'connected') lost = error
    // When a handshake fails, both ends see it at once; what ours says of it says more than that the camera has gone.
    else if (peerConnection?.connectionState === 'connecting') cleanUp.push(host.clock.after(LAST_WORD_MS, () => { end(error) }))
    else end(error)
  })

  const transport = createClientMessageTransport(
    client,
    options.sharedSecret === undefined
      ? { securityMode: ClientMessageTransportSecurityMode.NONE }
      : { securityMode: ClientMessageTransportSecurityMode.SHARED_SECRET, sharedSecret: options.sharedSecret, keyId: options.keyId },
  )
  transport.on('error', end)
  transport.on('webrtcsignalingmessage', ({ type }) => {
    if (type === 'DESCRIPTION') reach('offer')
  })
  transport.on('setupdone', (iceServers = []) => {
    reach('setup')
    if (over) return
    try {
      begin(options.createPeerConnection({ iceServers }))
    } catch (thrown) {
      end(thrown)
    }
  })

  function begin(pc: Connection): void {
    peerConnection = pc
    cleanUp.push(() => {
      pc.close()
    })
    const negotiation = new PerfectNegotiation(pc, transport, {
      checkDescription(description) {
        try {
          options.checkDescription?.(description)
        } catch (thrown) {
          end(thrown)
          throw thrown
        }
      },
    })
    negotiation.metadata = options.metadata
    negotiation.onerror = (error) => {
      host.log('warn', 'viewer.negotiation.failed', { reason: messageOf(error) })
      if (needsNewConnection(error)) end(error)
    }
    const eventHandler = new SignalingEventHandler(pc, client)
    eventHandler.onerror = end
    cleanUp.unshift(
      () => {
        negotiation.close()
      },
      () => {
        eventHandler.close()
      },
    )
    pc.addEventListener('connectionstatechange', () => {
      if (over) return
      const state = pc.connectionState
      if (state === 'connected') reach('media')
      events.emit('connectionstatechange', state)
      // Engines close a connection by themselves when the other end has.
      const isPathUp = pc.iceConnectionState === 'connected' || pc.iceConnectionState === 'completed'
      if (state === 'failed' && isPathUp && !reached.has('media')) {
        end(new LenskeyError('ERR_WEBRTC_HANDSHAKE', 'the connection could not be secured: what answers on its path does not have the certificate that the service told of'))
      } else if (state === 'closed') end(new SignalingConnectionError('the camera has closed the connection'))
      else if (lost !== undefined && state !== 'connected') end(lost)
    })
    options.attach(pc)
  }

  return {
    client,
    get peerConnection() {
      return peerConnection
    },
    start(): void {
      startMs = host.clock.monotonicMs()
      reach('start')
      if (!over) client.start()
    },
    frameSeen: () => {
      reach('frame')
    },
    close: (reason) => {
      end(reason)
    },
    on: (name, listener) => {
      events.on(name, listener)
    },
    off: (name, listener) => {
      events.off(name, listener)
    },
  }
}
