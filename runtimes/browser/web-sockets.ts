import { type WebSocketConnection, type WebSocketHandlers, type WebSockets } from '../../lib/runtime/index.ts'

const defaultMaxMessageBytes = 256 * 1024

/** The browser's own WebSocket. What a page may not do is done as nearly as it can: see `close` and `abandon`. */
export const browserWebSockets: WebSockets = {
  open(url: string, handlers: WebSocketHandlers, { maxMessageBytes = defaultMaxMessageBytes, protocol } = {}): WebSocketConnection {
    let ended = false
    const end = (code: number, reason: string): void => {
      if (ended) return
      ended = true
      handlers.closed(code, reason)
    }
    let socket: WebSocket
    try {
      socket = new WebSocket(url, protocol)
    } catch {
      setTimeout(() => { end(1006, 'the page may not open this WebSocket: a page served over https needs wss') }, 0)
      return { send: () => undefined, close: () => undefined, abandon: () => undefined, bufferedBytes: () => 0 }
    }
    socket.onopen = () => {
      if (!ended) handlers.opened()
    }
    socket.onclose = ({ code, reason }) => { end(code, reason) }
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (ended || typeof data !== 'string') return
      if (isLongerThan(data, maxMessageBytes)) {
        socket.close()
        end(1009, `a message was longer than ${maxMessageBytes} bytes`)
        return
      }
      handlers.text(data)
    }
    return {
      send(message) {
        if (!ended && socket.readyState === WebSocket.OPEN) socket.send(message)
      },
      close(code, reason) {
        // A page may only send 1000 and 3000 to 4999.
        if (code === 1000 || (code >= 3000 && code <= 4999)) socket.close(code, reason)
        else socket.close()
      },
      abandon() {
        socket.close()
        // A dead link answers no closing handshake, and the browser would wait for one for a minute.
        setTimeout(() => { end(1006, 'abandoned') }, 0)
      },
      bufferedBytes: () => socket.bufferedAmount,
    }
  },
}

/** Counts bytes only when the number of UTF-16 units leaves it open. */
function isLongerThan(text: string, limit: number): boolean {
  if (text.length > limit) return true
  return text.length * 3 > limit && new TextEncoder().encode(text).length > limit
}
