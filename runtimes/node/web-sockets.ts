import { WebSocket } from 'ws'
import type { WebSocketConnection, WebSockets } from '../../lib/runtime/index.ts'

const DEFAULT_MAX_MESSAGE_BYTES = 262_144
const CLOSE_TIMEOUT_MS = 3_000

/** WebSockets through `ws`. */
export const nodeWebSockets: WebSockets = {
  open(url, handlers, options = {}): WebSocketConnection {
    let socket: WebSocket
    let over = false
    const end = (code: number, reason: string): void => {
      if (over) return
      over = true
      handlers.closed(code, reason)
    }
    try {
      socket = new WebSocket(url, options.protocol, {
        perMessageDeflate: false,
        maxPayload: options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
        followRedirects: false,
      })
    } catch {
      // What `ws` throws repeats the URL, and the URL of a seat is a secret.
      setImmediate(() => {
        end(1006, 'the address of the WebSocket is no URL')
      })
      return { send: () => undefined, close: () => undefined, abandon: () => undefined, bufferedBytes: () => 0 }
    }
    let failure = ''
    socket.on('open', () => {
      handlers.opened()
    })
    socket.on('message', (data, isBinary) => {
      if (!isBinary) handlers.text((data as Buffer).toString('utf8'))
    })
    socket.on('error', (error) => {
      failure = error.message
    })
    socket.on('close', (code, reason) => {
      end(code, reason.length > 0 ? reason.toString('utf8') : failure)
    })
    return {
      send(message): void {
        if (socket.readyState === WebSocket.OPEN) socket.send(message)
      },
      close(code, reason): void {
        socket.close(code, reason)
        // A peer that does not answer the closing handshake must not keep the process alive.
        setTimeout(() => {
          socket.terminate()
        }, CLOSE_TIMEOUT_MS).unref()
      },
      abandon(): void {
        socket.terminate()
      },
      bufferedBytes: () => socket.bufferedAmount,
    }
  },
}
