import { createReadStream } from 'node:fs'
import type { ConnectionOptions } from '../../../lib/access/index.ts'
import type { Signer } from '../../../lib/crypto/index.ts'
import { addTrackEndpoints, type CameraOptions, type CameraSession, createCameraGuard, createDeviceStreams, createDeviceTracks, type DeviceTracksOptions } from '../../../lib/device/index.ts'
import { addEdgeInfoEndpoint, createEdgeDialect } from '../../../lib/edge/index.ts'
import type { Iam } from '../../../lib/iam/index.ts'
import type { Host, Storage } from '../../../lib/runtime/index.ts'
import type { ByteStream, MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { attachVideo, offerVideo, type VideoSource } from '../media/index.ts'
import { SHARED_SECRET_USER } from './camera-iam.ts'
import { type OauthSettings, serveOauth } from './camera-oauth.ts'

/** The picture by the name that clients ask for (protocol/edge-webrtc.md §8.1). */
const VIDEO_TRACK = 'frontdoor-video'
/** Sound that a client sends, which comes back to it. */
const AUDIO_TRACK = 'frontdoor-audio'
/** Sends back what it gets (the echo service of RFC 862). */
const ECHO_PORT = 7
/** Sends a file. */
const FILE_PORT = 80

export interface CameraSessionsOptions {
  iam: Iam
  signer: Signer
  host: Host
  video: VideoSource
  authorizedRole: string | undefined
  /** What a stream to port 80 gets; without it nobody listens there. */
  file: string | undefined
  /** Whose tokens say who a connection is; nobody's when left out. */
  oauth: OauthSettings | undefined
  /** Where keys of that issuer are kept over restarts. */
  storage: Storage
  productId: string
  deviceId: string
  /** Called with 1 when somebody begins to see the picture, with -1 when that ends. */
  countViewers: (difference: number) => void
}

/** For `createCamera`. */
export interface CameraSessions extends Pick<CameraOptions<MediaPeerConnection>, 'dialects'> {
  /** @param from - how the client came: whether it is local */
  attach: (session: CameraSession<MediaPeerConnection>, from?: ConnectionOptions) => void
  /** To be called when the camera ends. */
  close(): void
}

/** What every session with a camera of the command line has: the guard, the picture, tracks by name, streams. */
export function createCameraSessions(options: CameraSessionsOptions): CameraSessions {
  const { iam, signer, host, video, authorizedRole, file, countViewers } = options
  const guard = createCameraGuard<MediaPeerConnection>({
    iam, signer, host, authorizedRole, links: { [SHARED_SECRET_USER]: SHARED_SECRET_USER },
  })
  const trackOptions: DeviceTracksOptions<MediaPeerConnection> = {
    iam, host,
    sources: { [VIDEO_TRACK]: ({ peerConnection }, trackId) => offerVideo(peerConnection, video, trackId) },
    defaults: { videoTrackId: VIDEO_TRACK, audioTrackId: AUDIO_TRACK },
    onTrack: ({ trackId, kind, codecs }) => {
      if (trackId !== AUDIO_TRACK || kind !== 'audio') return 'UNKNOWN_TRACK_ID'
      if (codecs.length === 0) return 'INVALID_CODECS'
      return (track) => { track.onRtp = (packet) => { if ('sendRtp' in track) track.sendRtp(packet) } }
    },
  }
  const tracks = createDeviceTracks(trackOptions)
  addTrackEndpoints(guard.router, tracks, trackOptions)
  const streams = createDeviceStreams({ iam, host })
  streams.listen({ port: ECHO_PORT, onStream: echo })
  if (file !== undefined) streams.listen({ port: FILE_PORT, onStream: (stream) => sendFile(stream, file) })

  addEdgeInfoEndpoint(guard.router, iam, host.random)
  const endOauth = options.oauth && serveOauth(guard.router, options.oauth, options, host)

  return {
    dialects: [createEdgeDialect({ iam })],
    close: () => { endOauth?.() },
    attach(session, from): void {
      const connection = guard.attach(session, {
        video: () => {
          const detach = attachVideo(session.peerConnection, video)
          countViewers(1)
          return () => {
            detach()
            countViewers(-1)
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

async function sendFile(stream: ByteStream, file: string): Promise<void> {
  for await (const bytes of createReadStream(file)) await stream.write(bytes as Uint8Array)
  await stream.end()
}
