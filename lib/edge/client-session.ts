import { messageOf } from '../errors.ts'
import type { Clock, Log } from '../runtime/index.ts'
import { type CreatePeerConnection, type PeerConnection, PerfectNegotiation, type TrackEntry, TrackMetadata } from '../webrtc/index.ts'
import { decodeEdgeMessage, edgeMessageTypes, encodeEdgeMessage } from './messages.ts'
import type { EdgeStream } from './stream.ts'
import { EdgeTransport, type EdgeTransportOptions } from './transport.ts'

export interface EdgeClientSessionOptions<Connection extends PeerConnection> extends Omit<EdgeTransportOptions, 'role'> {
  createPeerConnection: CreatePeerConnection<Connection>
  /** Called before anything is negotiated: opens channels, adds tracks. What it opens first makes the first offer. */
  attach: (peerConnection: Connection, tracks: TrackMetadata) => void
  /** Its sections; what is known of others is left out of what it says of its tracks. Default: all that is known. */
  mids?: () => readonly string[]
  /** What the device has said of tracks, each time it says something. */
  told?: (tracks: readonly TrackEntry[]) => void
  /** The connection could not be made; the stream has been closed. */
  failed: (thrown: unknown) => void
}

/** The client's end of a signaling stream (protocol/edge-webrtc.md §2.5): asks for servers, then negotiates. @returns ends it, and the connection with it */
export function createEdgeClientSession<Connection extends PeerConnection>(
  stream: EdgeStream, options: EdgeClientSessionOptions<Connection>, host: { clock: Clock; log: Log },
): () => void {
  const transport = new EdgeTransport(stream, { ...options, role: 'client' }, host)
  const tracks = new TrackMetadata('client')
  let release = (): void => undefined
  let begun = false

  function begin(peerConnection: Connection): void {
    const negotiation = new PerfectNegotiation(peerConnection, transport)
    negotiation.onerror = (error) => { host.log('warn', 'edge.negotiation.failed', { reason: messageOf(error) }) }
    negotiation.metadata = {
      take: (metadata) => {
        const entries = tracks.take(metadata)
        options.told?.(entries)
      },
      outgoing: () => tracks.outgoing(options.mids?.()),
    }
    release = () => {
      negotiation.close()
      peerConnection.close()
    }
    options.attach(peerConnection, tracks)
  }

  stream.onRecord = async (record) => {
    const message = decodeEdgeMessage(record)
    if (message === undefined || message.type === edgeMessageTypes.turnRequest) {
      host.log('debug', 'edge.record.ignored', { length: record.length })
    } else if (message.type !== edgeMessageTypes.turnResponse) {
      await transport.receive(message)
    } else if (!begun) {
      begun = true
      try {
        begin(options.createPeerConnection({ iceServers: message.iceServers }))
      } catch (thrown) {
        stream.close()
        options.failed(thrown)
      }
    }
  }
  stream.onClose = () => {
    begun = true
    release()
  }
  stream.send(encodeEdgeMessage({ type: edgeMessageTypes.turnRequest }))
  return () => { stream.close() }
}
