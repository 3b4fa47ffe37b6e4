import type { CancelTimer, Clock } from '../runtime/clock.ts'
import { type ByteStream, ChannelStream, StreamError, type StreamOptions } from './byte-stream.ts'
import type { PeerConnection } from './peer-connection.ts'
import { isStreamPort, STREAM_PROTOCOL } from './stream-frames.ts'

export interface OpenStreamOptions extends StreamOptions {
  /**
   * A device that does not know the extension says nothing when it takes a stream. After so long without a word the stream
   * counts as taken; default 2,000. A device of ours answers at once.
   */
  quietMs?: number
  /** How long the channel may take to open; default 20,000. */
  timeoutMs?: number
}

/**
 * Opens a stream to a port of the device (protocol/edge-webrtc.md §4.2, docs/streams.md). Resolves when the device has taken it.
 * @throws {StreamError} `ERR_STREAM_REFUSED`: nobody listens there, or not for this client; `ERR_STREAM_CUT`
 * @throws {RangeError} for a port that is none
 */
export function openStream(
  peerConnection: Pick<PeerConnection, 'createDataChannel' | 'connectionState' | 'remoteDescription'>, port: number, clock: Clock, { quietMs = 2000, timeoutMs = 20_000, ...options }: OpenStreamOptions = {},
): Promise<ByteStream> {
  if (!isStreamPort(port)) throw new RangeError('a port of a stream is a whole number from 0 to 2^32 - 1')
  // The short label, since devices of the vendor misread the long one.
  const channel = peerConnection.createDataChannel(`stream-${port}`, { protocol: STREAM_PROTOCOL })
  const stream = new ChannelStream(channel, port, undefined, clock, options, peerConnection.remoteDescription?.sdp)
  return new Promise((resolve, reject) => {
    let timedOut = false
    let cancel: CancelTimer = clock.after(timeoutMs, () => {
      timedOut = true
      stream.abort()
    })
    const onOpen = (): void => {
      channel.removeEventListener('open', onOpen)
      cancel()
      if (!stream.isSettled) cancel = clock.after(quietMs, () => { stream.settle(false) })
    }
    stream.onAccepted = () => {
      cancel()
      resolve(stream)
    }
    channel.addEventListener('open', onOpen)
    if (channel.readyState === 'open') onOpen()
    void stream.closed.then((error) => {
      cancel()
      const isRefused = error?.code === 'ERR_STREAM_CUT' && peerConnection.connectionState === 'connected'
      if (timedOut) reject(new StreamError('ERR_STREAM_CUT', `the stream did not open within ${timeoutMs} ms`))
      else reject(isRefused ? new StreamError('ERR_STREAM_REFUSED', `the device does not serve port ${port} to this client`) : error ?? new StreamError('ERR_STREAM_CUT', 'the stream was cut'))
    })
  })
}
