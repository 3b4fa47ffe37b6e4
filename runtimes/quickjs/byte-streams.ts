import { LenskeyError } from '../../lib/errors.ts'
import type { Clock } from '../../lib/runtime/index.ts'

/** Where a stream goes. */
export interface StreamAddress {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  host: string
  port: number
  /**
   * TLS, with the server's certificate verified against the host's list of CAs: its chain, its signatures, and that it is
   * for `host`. There is no way to go on without.
   */
  tls: boolean
}

/** When all certificates of a verified chain are valid, both included; milliseconds since 1970. */
export interface CertificateTimes {
  notBeforeMs: number
  notAfterMs: number
}

/** What a stream reports; each is called from the host's loop, never from inside a call on the stream. */
export interface StreamHandlers {
  /**
   * Bytes can flow. @param times - over TLS, where the host leaves the look at the clock to us ({@link checkCertificateTimes});
   * a TLS stack that compares them with a clock of its own says nothing here
   */
  opened(times?: CertificateTimes): void
  /** Some bytes; the array is the receiver's. */
  data(bytes: Uint8Array): void
  /** Once, whether it never opened, broke, or the peer has ended it. @param failure - undefined when the peer ended it properly */
  closed(failure?: string): void
}

/** A connection that carries bytes. */
export interface ByteStream {
  /** Queued as a copy; ignored unless open. */
  write(bytes: Uint8Array): void
  /** Drops the connection and what is queued; nothing is called afterwards. */
  close(): void
  /** Queued bytes that the network has not taken yet. */
  bufferedBytes(): number
}

/** TCP and TLS as a host has them. */
export interface ByteStreams {
  /** Never throws: what cannot be reached is told by `closed`. */
  connect(address: StreamAddress, handlers: StreamHandlers): ByteStream
}

/**
 * Lets nothing be sent to a server whose certificates are not valid now, by a clock that may know better than the system's
 * (docs/time.md).
 */
export function checkCertificateTimes(streams: ByteStreams, clock: Pick<Clock, 'nowMs'>): ByteStreams {
  return {
    connect(address, handlers): ByteStream {
      const stream = streams.connect(address, {
        ...boundTo(handlers),
        opened(times) {
          const wrong = times === undefined ? undefined : wrongTime(times, clock.nowMs())
          if (wrong === undefined) {
            handlers.opened(times)
            return
          }
          stream.close()
          handlers.closed(`by the clock of this device, ${wrong}`)
        },
      })
      return stream
    },
  }
}

/** Why certificates are not valid at `nowMs`; undefined when they are. */
export function wrongTime({ notBeforeMs, notAfterMs }: CertificateTimes, nowMs: number): string | undefined {
  if (nowMs < notBeforeMs) return 'the certificate is not valid yet'
  return nowMs > notAfterMs ? 'the certificate has expired' : undefined
}

/** The calls of an object that may use `this`. */
function boundTo(handlers: StreamHandlers): StreamHandlers {
  return {
    opened: (times) => {
      handlers.opened(times)
    },
    data: (bytes) => {
      handlers.data(bytes)
    },
    closed: (failure) => {
      handlers.closed(failure)
    },
  }
}

/** Bytes that come in pieces, up to a limit. */
export class ByteCollector {
  #bytes = new Uint8Array(0)
  #length = 0
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get length(): number {
    return this.#length
  }

  /** Whether as many more fit. */
  hasRoomFor(count: number): boolean {
    return this.#length + count <= this.#maxBytes
  }

  /** @throws {LenskeyError} `ERR_STREAM_TOO_LONG` beyond the limit */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length
    if (length > this.#maxBytes) throw new LenskeyError('ERR_STREAM_TOO_LONG', `more than ${this.#maxBytes} bytes came`)
    if (length > this.#bytes.length) {
      // Doubled, so that a sender of single bytes costs neither time nor memory.
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(length, 2 * this.#bytes.length, 64)))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.#length)
    this.#length = length
  }

  /** What was collected; begins anew. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array(0)
    this.#length = 0
    return taken
  }
}
