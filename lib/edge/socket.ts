import type { Host } from '../runtime/index.ts'
import { EdgeCloseCodes } from './close-codes.ts'
import { DEFAULT_MAX_EDGE_RECORD_BYTES } from './framing.ts'
import { type EdgeLogin, encodeEdgeLogin, isEdgeLoginResponse } from './login.ts'
import type { EdgeStream } from './stream.ts'

/** Path of the WebSocket on a signaling service, and the subprotocol it is opened with (protocol/edge-webrtc.md §1). */
export const EDGE_SIGNALING_PATH = '/signaling/v1'
export const EDGE_SUBPROTOCOL = 'json'

export interface EdgeSocketHandlers {
  /** Logged in: from here on there are records. */
  opened(stream: EdgeStream): void
  /** Once, with the code and reason of the service (§1.2), whether it ever opened or not; not after `close`. */
  closed(code: number, reason: string): void
}

/** Opens a signaling stream through a service. @param url - with its path @returns closes it */
export function openEdgeSocket(
  url: string, login: EdgeLogin, handlers: EdgeSocketHandlers, { clock, webSockets }: Pick<Host, 'clock' | 'webSockets'>,
  { loginMs = 30_000, maxRecordBytes = DEFAULT_MAX_EDGE_RECORD_BYTES }: { loginMs?: number; maxRecordBytes?: number } = {},
): () => void {
  let stream: EdgeStream | undefined
  let over = false

  const end = (code: number, reason: string): void => {
    if (over) return
    over = true
    cancel()
    handlers.closed(code, reason)
    stream?.onClose?.()
  }
  const close = (): void => {
    if (over) return
    over = true
    cancel()
    socket.close(1000, '')
    stream?.onClose?.()
  }
  const cancel = clock.after(loginMs, () => {
    socket.abandon()
    end(EdgeCloseCodes.connectionTimeout, `no answer to the login within ${loginMs} ms`)
  })
  const socket = webSockets.open(url, {
    opened() {
      socket.send(encodeEdgeLogin(login))
    },
    text(record) {
      if (over) return
      if (stream !== undefined) {
        void stream.onRecord?.(record)
      } else if (isEdgeLoginResponse(record)) {
        cancel()
        stream = { send: (text) => { socket.send(text) }, close, onRecord: undefined, onClose: undefined }
        handlers.opened(stream)
      }
    },
    closed: end,
  }, { maxMessageBytes: maxRecordBytes, protocol: EDGE_SUBPROTOCOL })
  return close
}
