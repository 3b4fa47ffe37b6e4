// String enums in the shape of constants: the published API has them as enums, and the language alone has none.

/** State of the connection to the rendezvous (protocol/webrtc-signaling.md §6). */
export const SignalingConnectionState = {
  NEW: 'NEW',
  CONNECTING: 'CONNECTING',
  CONNECTED: 'CONNECTED',
  /** Lost; the next attempt is scheduled. */
  WAIT_RETRY: 'WAIT_RETRY',
  FAILED: 'FAILED',
  CLOSED: 'CLOSED',
} as const
export type SignalingConnectionState = (typeof SignalingConnectionState)[keyof typeof SignalingConnectionState]

/** State of a channel: a hint about the peer (§5.1). */
export const SignalingChannelState = {
  NEW: 'NEW',
  CONNECTED: 'CONNECTED',
  /** The peer has no socket right now; messages wait for it. */
  DISCONNECTED: 'DISCONNECTED',
  FAILED: 'FAILED',
  CLOSED: 'CLOSED',
} as const
export type SignalingChannelState = (typeof SignalingChannelState)[keyof typeof SignalingChannelState]
