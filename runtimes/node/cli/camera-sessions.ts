import { createReadStream } from 'node:fs'
import type { MediaPeerConnection, VideoReceiver, AudioTrack } from '../../../lib/webrtc/index.ts'
import { AUDIO_TRACK, type CameraSessions, type CameraSessionsOptions, createCameraSessions } from '../../camera/sessions.ts'
import { offerVideo, type VideoSource } from '../media/index.ts'

type Options = CameraSessionsOptions<MediaPeerConnection>

export interface NodeCameraSessionsOptions extends Omit<Options, 'offerVideo' | 'onTrack' | 'sendFile'> {
  video: VideoSource
  /** What a stream to port 80 gets; without it nobody listens there. */
  file: string | undefined
}

/** What every session with a camera of the command line has. Sound that a client sends comes back to it. */
export function createNodeCameraSessions({ video, file, ...options }: NodeCameraSessionsOptions): CameraSessions<MediaPeerConnection> {
  return createCameraSessions<MediaPeerConnection>({
    ...options,
    offerVideo: (connection, trackId) => offerVideo(connection, video, trackId),
    onTrack: ({ trackId, kind, codecs }) => {
      if (trackId !== AUDIO_TRACK || kind !== 'audio') return 'UNKNOWN_TRACK_ID'
      if (codecs.length === 0) return 'INVALID_CODECS'
      return sendBack
    },
    sendFile: file === undefined ? undefined : async (stream) => {
      for await (const bytes of createReadStream(file)) await stream.write(bytes as Uint8Array)
      await stream.end()
    },
  })
}

function sendBack(track: AudioTrack | VideoReceiver): void {
  track.onRtp = (packet) => { if ('sendRtp' in track) track.sendRtp(packet) }
}
