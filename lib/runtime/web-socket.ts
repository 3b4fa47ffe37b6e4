/** What a socket reports. Each is called from the host's loop, never from inside a call on the socket. */
export interface WebSocketHandlers {
  opened(): void
  /** A whole text message. Binary messages are not delivered: no protocol spoken over WebSocket here has them. */
  text(message: string): void
  /**
   * Exactly once, whether the socket never opened, failed or was closed by either side.
   * @param code - RFC 6455 close code, 1006 when there was none
   */
  closed(code: number, reason: string): void
}

export interface WebSocketConnection {
  /** Ignored unless open. */
  send(message: string): void
  /** Starts the closing handshake; `closed` follows. */
  close(code: number, reason: string): void
  /** Drops the connection without a handshake: for a peer that no longer answers. `closed` follows. */
  abandon(): void
  /** Bytes accepted by `send` that the network has not taken yet. */
  bufferedBytes(): number
}

/** WebSockets (RFC 6455) as the host offers them, without headers of our own. */
export interface WebSockets {
  /**
   * Never throws: an address that cannot be opened, for whatever reason, is told by `closed`.
   * @param maxMessageBytes - a longer message closes the socket with 1009; default 256 KiB
   * @param protocol - the one subprotocol to offer, which the server must take; default none
   */
  open(url: string, handlers: WebSocketHandlers, options?: { maxMessageBytes?: number; protocol?: string }): WebSocketConnection
}
