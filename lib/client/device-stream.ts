import type { Clock } from '../runtime/index.ts'
import { type ByteStream, openStream, type OpenStreamOptions, type PeerConnection } from '../webrtc/index.ts'
import type { CameraClient } from './camera-client.ts'
import { ClientError } from './errors.ts'

/**
 * Opens a stream to a port of the device (docs/streams.md); it is cut when the session ends.
 * @throws {RangeError} for a port that is none @throws {StreamError} {ClientError} `ERR_CLIENT_ENDED`
 */
export async function openDeviceStream<Connection extends PeerConnection>(
  { viewer, ready }: Pick<CameraClient<Connection>, 'viewer' | 'ready'>, port: number, clock: Clock, options?: OpenStreamOptions,
): Promise<ByteStream> {
  await ready()
  if (viewer.peerConnection === undefined) throw new ClientError('ERR_CLIENT_ENDED', 'the session with the camera is over')
  const stream = await openStream(viewer.peerConnection, port, clock, options)
  const abandon = (): void => { stream.abort() }
  // Not every engine tells the channels of a connection that is closed here.
  viewer.on('ended', abandon)
  void stream.closed.then(() => { viewer.off('ended', abandon) })
  return stream
}
