import type { VirtualConnection } from '../access/index.ts'
import { messageOf } from '../errors.ts'
import type { Iam, IamConnection } from '../iam/index.ts'
import type { Host } from '../runtime/index.ts'
import {
  type ByteStream, ChannelStream, type DataChannel, type PeerConnection, type PeerConnectionEvents, STREAM_PROTOCOL, StreamError, type StreamOptions, streamPort,
} from '../webrtc/index.ts'
import { whileAllowed } from './guard-while-allowed.ts'

/** The right to read files and the like (protocol/edge-webrtc.md §8.2). */
export const FILE_STREAM_ACTION = 'Webrtc:FileStream'

export interface StreamListener {
  /** 0 to 2^32 - 1. */
  port: number
  /** What IAM asks about whoever opens a stream, and for as long as it is open; `Webrtc:FileStream` by default. */
  action?: string
  /** Streams of this port at a time, of all sessions; one more is closed. Default 8. */
  maxStreams?: number
  /** Serves one stream. What it throws or rejects with gives the stream up. */
  onStream: (stream: ByteStream, connection: IamConnection) => void | Promise<void>
}

export interface DeviceStreamsOptions extends StreamOptions {
  iam: Iam
  host: Pick<Host, 'clock' | 'log'>
  /** Streams of one session at a time; one more is closed. Default 4. */
  maxPerSession?: number
  /** Streams of all sessions at a time; one more is closed. Default 16. */
  maxStreams?: number
}

/** The stream ports of a device (protocol/edge-webrtc.md §4.2, docs/streams.md). */
export interface DeviceStreams {
  /** Streams that are open now. */
  readonly size: number
  /** @returns stops listening; streams that are open go on @throws {RangeError} the port is taken, or none */
  listen(listener: StreamListener): () => void
  /** Serves the stream channels of one session, until it ends. To be called before anything is negotiated. */
  attach(peerConnection: PeerConnection, connection: VirtualConnection): void
}

interface Listening extends StreamListener { open: number }

/**
 * Streams on a device: each one asked of IAM when it is opened, and closed in the very call that takes the right away. A port
 * that nobody listens on, and one that this client may not use, look the same from outside: the channel is closed.
 */
export function createDeviceStreams(options: DeviceStreamsOptions): DeviceStreams {
  const { iam, host: { clock, log }, maxPerSession = 4, maxStreams = 16 } = options
  const listeners = new Map<number, Listening>()
  let size = 0

  function refuse(channel: DataChannel, port: number, reason: string): void {
    log('info', 'stream.refused', { port, reason })
    channel.close()
  }

  /** @returns a stream that ends when the right does; undefined without the right */
  function admit(
    channel: DataChannel, { port, action = FILE_STREAM_ACTION }: StreamListener, connection: IamConnection, peerSdp: string | undefined,
  ): ChannelStream | undefined {
    let stream = undefined as ChannelStream | undefined
    const activity = whileAllowed(iam, connection, action, () => {
      // A right that comes back brings no stream back.
      if (stream !== undefined) return () => undefined
      const begun = stream = new ChannelStream(channel, port, channel.protocol === STREAM_PROTOCOL, clock, options, peerSdp)
      return () => { begun.fail(new StreamError('ERR_STREAM_ABORTED', 'the right to this stream was taken away')) }
    }, (thrown) => { log('error', 'stream.failed', { port, reason: messageOf(thrown) }) })
    if (stream === undefined) activity.close()
    else void stream.closed.then(() => { activity.close() })
    return stream
  }

  return {
    get size() {
      return size
    },
    listen(listener): () => void {
      const { port } = listener
      if (!(streamPort(`stream-${port}`) === port)) throw new RangeError('a port of a stream is a whole number from 0 to 2^32 - 1')
      if (listeners.has(port)) throw new RangeError(`somebody listens on port ${port} already`)
      const listening: Listening = { ...listener, open: 0 }
      listeners.set(port, listening)
      return () => {
        if (listeners.get(port) === listening) listeners.delete(port)
      }
    },
    attach(peerConnection, connection): void {
      const open = new Set<ChannelStream>()

      function onChannel({ channel }: PeerConnectionEvents['datachannel']): void {
        const port = streamPort(channel.label)
        if (port === undefined) return
        const listener = listeners.get(port)
        if (listener === undefined) refuse(channel, port, 'nobody listens')
        else if (open.size >= maxPerSession || size >= maxStreams || listener.open >= (listener.maxStreams ?? 8)) refuse(channel, port, 'too many streams')
        else begin(channel, listener)
      }

      function begin(channel: DataChannel, listener: Listening): void {
        const stream = admit(channel, listener, connection, peerConnection.remoteDescription?.sdp)
        if (stream === undefined) {
          refuse(channel, listener.port, 'not allowed')
          return
        }
        open.add(stream)
        size++
        listener.open++
        void stream.closed.then(() => {
          open.delete(stream)
          size--
          listener.open--
        })
        void Promise.resolve().then(() => listener.onStream(stream, connection)).catch((thrown: unknown) => {
          // Of a stream that ended on its way there is nothing to tell.
          if (!(thrown instanceof StreamError)) log('error', 'stream.failed', { port: listener.port, connection: connection.id, reason: messageOf(thrown) })
          stream.abort()
        })
      }

      peerConnection.addEventListener('datachannel', onChannel)
      connection.onEnd(() => {
        peerConnection.removeEventListener('datachannel', onChannel)
        for (const stream of open) stream.fail(new StreamError('ERR_STREAM_CUT', 'the session has ended'))
      })
    },
  }
}
