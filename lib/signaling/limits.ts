/** What the network and the application may pile up on one end of the signaling. Defaults fit a camera. */
export interface SignalingLimits {
  /** Longest text frame sent or received, bytes of UTF-8; a longer one received closes the socket with 1009. */
  maxFrameBytes: number
  /** Messages of one channel that wait for the peer's acknowledgement; the next `sendMessage` rejects. */
  maxUnackedMessages: number
  /** The same in characters of JSON. */
  maxUnackedLength: number
  /** Messages received on one channel that wait for the application; one more fails the channel. */
  maxUndelivered: number
  /** The same in characters of the frames that brought them. */
  maxUndeliveredLength: number
  /** Bytes that wait for a service that does not read; past it the socket is given up. */
  maxBufferedBytes: number
  /** Channels of a device that are neither failed nor closed; the next client gets `NO_MORE_CHANNELS`. */
  maxChannels: number
  /** Failed channels that the application has not closed; past it the oldest is closed for it. */
  maxFailedChannels: number
}

export const DEFAULT_SIGNALING_LIMITS: SignalingLimits = {
  maxFrameBytes: 262_144,
  maxUnackedMessages: 256,
  maxUnackedLength: 524_288,
  maxUndelivered: 256,
  maxUndeliveredLength: 524_288,
  maxBufferedBytes: 2_097_152,
  maxChannels: 64,
  maxFailedChannels: 16,
}

/** Times of the signaling, ms. */
export interface SignalingTimes {
  /** How often a socket is asked whether it is alive: what comes down a link does not tell that anything goes up. */
  keepAliveMs: number
  /** How long the answer to that may take. */
  keepAliveAnswerMs: number
  /** How long the answer to `checkAlive()` may take (protocol/webrtc-signaling.md §3). */
  checkAliveAnswerMs: number
  /** A socket that stayed open for so long resets the back-off (§6). */
  stableMs: number
  /** From opening a socket to its being open. */
  openTimeoutMs: number
  /** First wait before messages without an acknowledgement are sent again on a socket that stayed open; it doubles up to 4 times. */
  retransmitMs: number
  /**
   * A message younger than this when the peer reappears may have reached it already, so its acknowledgement is awaited
   * first; and what waits is not sent again more often than this, however often the peer reappears.
   */
  inFlightMs: number
  /** How long a device lets a client wait for ICE servers before the session is set up without them. */
  iceServersMs: number
  /** How long a client waits for a function of its program that gives access tokens. */
  accessTokenMs: number
}

export const DEFAULT_SIGNALING_TIMES: SignalingTimes = {
  keepAliveMs: 30_000,
  keepAliveAnswerMs: 5_000,
  checkAliveAnswerMs: 1_000,
  stableMs: 10_000,
  openTimeoutMs: 20_000,
  retransmitMs: 15_000,
  inFlightMs: 2_000,
  iceServersMs: 5_000,
  accessTokenMs: 20_000,
}
