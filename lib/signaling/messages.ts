import type { JSONValue } from './json.ts'

/** An `RTCIceServer` as it stands on the wire: `urls` always a list. */
export interface IceServer {
  urls: string[]
  username?: string
  credential?: string
}

/** W3C `RTCSessionDescriptionInit`, with the SDP always there. */
export interface SessionDescription {
  type: 'offer' | 'answer' | 'pranswer' | 'rollback'
  sdp: string
}

/** W3C `RTCIceCandidateInit`, with the candidate always there. */
export interface IceCandidate {
  candidate: string
  sdpMid?: string | null
  sdpMLineIndex?: number | null
  usernameFragment?: string | null
}

export const WebrtcSignalingMessageType = { DESCRIPTION: 'DESCRIPTION', CANDIDATE: 'CANDIDATE' } as const
export type WebrtcSignalingMessageType = (typeof WebrtcSignalingMessageType)[keyof typeof WebrtcSignalingMessageType]

export interface SignalingDescription {
  type: 'DESCRIPTION'
  description: SessionDescription
}

export interface SignalingCandidate {
  type: 'CANDIDATE'
  candidate: IceCandidate
}

/** What an application exchanges once a session is set up (protocol/webrtc-signaling.md §7.1). */
export type WebrtcSignalingMessage = SignalingDescription | SignalingCandidate

/** Everything that travels inside the signing envelope (§7.1). */
export type SignalingMessage =
  | { type: 'SETUP_REQUEST' }
  | { type: 'SETUP_RESPONSE'; iceServers?: IceServer[] }
  | WebrtcSignalingMessage

export type { JSONValue }
