import type { Iam, IamConnection } from '../iam/index.ts'
import type { SignalingChannel } from '../signaling/channel.ts'
import type { SignalingDevice } from '../signaling/device.ts'
import { SignalingError, SignalingErrorCodes } from '../signaling/errors.ts'
import type { JSONValue } from '../signaling/json.ts'
import { createEdgeDeviceSession } from './device-session.ts'
import { decodeEdgeEnvelope, EDGE_OPEN } from './envelope.ts'
import { createChannelEdgeStream } from './stream.ts'
import type { EdgeTransport } from './transport.ts'

/** The right to open a signaling stream (protocol/edge-webrtc.md §8.2). */
export const SIGNALING_ACTION = 'Webrtc:Signaling'

export interface EdgeDialectOptions {
  /** Decides on `Webrtc:Signaling` for whoever opens a stream: nobody in particular, since it is the service that is seen. */
  iam: Iam
  /** How long gathering may take for a client that wants whole descriptions; default 5,000. */
  gatheringMs?: number
}

/**
 * The Edge dialect for `CameraOptions.dialects`: channels that begin as Edge streams (docs/edge.md) get sessions like all
 * others. Such sessions are not signed end to end, so that `attach` must put a guard before everything there is to see.
 */
export function createEdgeDialect({ iam, gatheringMs }: EdgeDialectOptions) {
  /** @throws {SignalingError} `ACCESS_DENIED` */
  return function edgeDialect(device: SignalingDevice, channel: SignalingChannel, first: JSONValue): EdgeTransport | undefined {
    if (decodeEdgeEnvelope(first) !== EDGE_OPEN) return undefined
    const { host, times: { iceServersMs } } = device
    if (!mayOpen(iam, channel)) throw new SignalingError(SignalingErrorCodes.ACCESS_DENIED, 'This camera does not let you open a signaling stream.')
    const stream = createChannelEdgeStream(channel, host.log)
    return createEdgeDeviceSession(stream, { iceServers: () => device.requestIceServers(), iceServersMs, gatheringMs }, host, () => {
      stream.accept()
    })
  }
}

function mayOpen(iam: Iam, { channelId = '' }: SignalingChannel): boolean {
  const opener: IamConnection = { id: `stream ${channelId}`, clientFingerprint: undefined, isLocal: false, isVirtual: true }
  iam.begin(opener)
  try {
    return iam.check(opener, SIGNALING_ACTION)
  } finally {
    iam.end(opener)
  }
}
