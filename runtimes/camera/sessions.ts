import type { ConnectionOptions } from '../../lib/access/index.ts'
import type { Signer } from '../../lib/crypto/index.ts'
import {
  addTrackEndpoints, type CameraOptions, type CameraSession, createCameraGuard, createDeviceStreams, createDeviceTracks, type DeviceTracksOptions, type OfferedTrack, type StreamListener,
} from '../../lib/device/index.ts'
import { addEdgeInfoEndpoint, createEdgeDialect } from '../../lib/edge/index.ts'
import type { Iam } from '../../lib/iam/index.ts'
import type { Host, Storage } from '../../lib/runtime/index.ts'
import type { ByteStream, PeerConnection } from '../../lib/webrtc/index.ts'
import { SHARED_SECRET_USER } from './iam.ts'
import { type OauthSettings, serveOauth } from './oauth.ts'

/** The picture by the name that clients ask for (protocol/edge-webrtc.md §8.1). */
const VIDEO_TRACK = 'frontdoor-video'
/** Sound that a client sends. */
export const AUDIO_TRACK = 'frontdoor-audio'
/** Sends back what it gets (the echo service of RFC 862). */
const ECHO_PORT = 7
/** Sends a file. */
const FILE_PORT = 80

export interface CameraSessionsOptions<Connection extends PeerConnection> {
  iam: Iam
  signer: Signer
  host: Host
  productId: string
  deviceId: string
  authorizedRole: string | undefined
  /** By role (`CameraGuardOptions.maxViewers`). */
  maxViewers?: Readonly<Record<string, number>>
  /** Whose tokens say who a connection is; nobody's when left out. */
  oauth: OauthSettings | undefined
  /** Where keys of that issuer are kept over restarts. */
  storage: Storage
  /** Offers the picture as a track of that id. */
  offerVideo: (connection: Connection, trackId: string) => OfferedTrack
  /** What becomes of tracks that clients send. */
  onTrack: NonNullable<DeviceTracksOptions<Connection>['onTrack']>
  /** Sends what a stream to port 80 gets; without it nobody listens there. */
  sendFile?: StreamListener['onStream']
  /** Called with 1 when somebody begins to see the picture, with -1 when that ends. */
  countViewers?: (difference: number) => void
}

/** For `createCamera`. */
export interface CameraSessions<Connection extends PeerConnection> extends Pick<CameraOptions<Connection>, 'dialects'> {
  /** @param from - how the client came: whether it is local */
  attach: (session: CameraSession<Connection>, from?: ConnectionOptions) => void
  /** To be called when the camera ends. */
  close(): void
}

/** What every session with a camera has, wherever the camera runs: the guard, the picture, tracks by name, streams, both dialects. */
export function createCameraSessions<Connection extends PeerConnection>(options: CameraSessionsOptions<Connection>): CameraSessions<Connection> {
  const { iam, signer, host, authorizedRole, maxViewers, offerVideo, onTrack, sendFile, countViewers } = options
  const guard = createCameraGuard<Connection>({ iam, signer, host, authorizedRole, maxViewers, links: { [SHARED_SECRET_USER]: SHARED_SECRET_USER } })
  const trackOptions: DeviceTracksOptions<Connection> = {
    iam, host, onTrack,
    sources: { [VIDEO_TRACK]: ({ peerConnection }, trackId) => offerVideo(peerConnection, trackId) },
    defaults: { videoTrackId: VIDEO_TRACK, audioTrackId: AUDIO_TRACK },
  }
  const tracks = createDeviceTracks(trackOptions)
  addTrackEndpoints(guard.router, tracks, trackOptions)
  const streams = createDeviceStreams({ iam, host })
  streams.listen({ port: ECHO_PORT, onStream: echo })
  if (sendFile !== undefined) streams.listen({ port: FILE_PORT, onStream: sendFile })

  addEdgeInfoEndpoint(guard.router, iam, host.random)
  const endOauth = options.oauth && serveOauth(guard.router, options.oauth, options, host)

  return {
    dialects: [createEdgeDialect({ iam })],
    close: () => { endOauth?.() },
    attach(session, from): void {
      const connection = guard.attach(session, {
        video: () => {
          const offered = offerVideo(session.peerConnection, 'video')
          countViewers?.(1)
          return () => {
            offered.end()
            countViewers?.(-1)
          }
        },
      }, from)
      tracks.attach(session, connection)
      streams.attach(session.peerConnection, connection)
    },
  }
}

async function echo(stream: ByteStream): Promise<void> {
  for await (const bytes of stream) await stream.write(bytes)
  await stream.end()
}
