/**
 * A way for whole messages, in order and without loss while it is open, such as a data channel. Whoever opens another
 * when one has closed attaches that to the same session or client, and nothing asked is lost or done twice.
 */
export interface MessagePipe {
  /** Text or binary, as frames of a data channel are. Ignored once the pipe has closed. */
  send(message: string | Uint8Array): void
  /** Longest binary message, or text in UTF-8, that the pipe takes; default 65,536. */
  readonly maxMessageBytes?: number
  /** Set by whoever the pipe is attached to. */
  onMessage: ((message: string | Uint8Array) => void) | undefined
  /** Set by whoever the pipe is attached to; called once, by whichever side closed it. */
  onClose: (() => void) | undefined
  /** Starts to close the pipe. */
  close(): void
}
