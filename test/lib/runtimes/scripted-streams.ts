import type { ByteStream, ByteStreams, CertificateTimes, StreamAddress, StreamHandlers } from '../../../runtimes/quickjs/byte-streams.ts'
import type { MemoryClock } from '../../../runtimes/memory/index.ts'

/** The server's end of a stream, for a test to play. */
export interface ServerEnd {
  readonly address: StreamAddress
  /** Everything the client has written. */
  readonly received: number[]
  /** Whether the client has let go. */
  dropped: boolean
  open(times?: CertificateTimes): void
  /** Text is Latin-1. */
  send(data: string | Uint8Array): void
  end(failure?: string): void
  /** What `bufferedBytes` tells. */
  buffered: number
}

/** Streams without a network: each connection is handed to `serve`, whose calls reach the client at once. */
export function scriptedStreams(clock: MemoryClock, serve: (server: ServerEnd) => void): ByteStreams {
  return {
    connect(address: StreamAddress, handlers: StreamHandlers): ByteStream {
      const server: ServerEnd = {
        address, received: [], dropped: false, buffered: 0,
        open(times) {
          if (!server.dropped) handlers.opened(times)
        },
        send(data) {
          if (!server.dropped) handlers.data(typeof data === 'string' ? latin1(data) : data)
        },
        end(failure) {
          if (!server.dropped) handlers.closed(failure)
          server.dropped = true
        },
      }
      clock.after(0, () => {
        serve(server)
      })
      return {
        write: (bytes) => {
          if (!server.dropped) server.received.push(...bytes)
        },
        close: () => {
          server.dropped = true
        },
        bufferedBytes: () => server.buffered,
      }
    },
  }
}

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

export function textOf(bytes: readonly number[] | Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}
