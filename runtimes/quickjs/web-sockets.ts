import { concatBytes, encodeBase64url, encodeUtf8 } from '../../lib/bytes/index.ts'
import type { CancelTimer, Clock, Random, WebSocketConnection, WebSocketHandlers, WebSockets } from '../../lib/runtime/index.ts'
import { type Address, parseAddress } from './address.ts'
import type { ByteStream, ByteStreams } from './byte-streams.ts'
import { type AnswerHead, badAnswer, HeadReader } from './http-answer.ts'
import { sha1 } from './sha1.ts'
import { encodeClientFrame, encodeClose, FrameReader, OPCODE, WebSocketFailure } from './web-socket-frames.ts'

const DEFAULT_MAX_MESSAGE_BYTES = 262_144
const OPEN_TIMEOUT_MS = 30_000
const CLOSE_TIMEOUT_MS = 3_000
/** A server that asks for pongs and does not take them gets none. */
const MAX_PONG_BACKLOG_BYTES = 65_536

interface SocketHost {
  streams: ByteStreams
  clock: Pick<Clock, 'after'>
  random: Random
}

/** WebSocket clients (RFC 6455) over byte streams: no extensions, so no compression, and no subprotocol. */
export function createStreamWebSockets(host: SocketHost): WebSockets {
  return {
    open: (url, handlers, { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = {}) => new Socket(host, url, handlers, maxMessageBytes),
  }
}

class Socket implements WebSocketConnection {
  readonly #host: SocketHost
  readonly #handlers: WebSocketHandlers
  readonly #frames: FrameReader
  #state: 'opening' | 'open' | 'closing' | 'over' = 'opening'
  #stream: ByteStream | undefined
  #cancelTimer: CancelTimer = () => undefined
  /** What the peer said when it closed, or why we do. */
  #outcome: { code: number; reason: string } = { code: 1006, reason: '' }

  constructor(host: SocketHost, url: string, handlers: WebSocketHandlers, maxMessageBytes: number) {
    this.#host = host
    this.#handlers = handlers
    this.#frames = new FrameReader(maxMessageBytes, {
      text: (message) => {
        if (this.#state === 'open') this.#handlers.text(message)
      },
      ping: (payload) => {
        if ((this.#stream?.bufferedBytes() ?? 0) <= MAX_PONG_BACKLOG_BYTES) this.#write(OPCODE.pong, payload)
      },
      close: (code, reason) => {
        this.#peerCloses(code, reason)
      },
    })
    const address = parseAddress(url, 'ws')
    if (address === undefined) {
      // The URL of a seat is a secret: it is not repeated.
      this.#end('the address of the WebSocket is no URL')
      return
    }
    this.#cancelTimer = host.clock.after(OPEN_TIMEOUT_MS, () => {
      this.#end('the WebSocket did not open in time')
    })
    this.#connect(address)
  }

  send(message: string): void {
    if (this.#state === 'open') this.#write(OPCODE.text, encodeUtf8(message))
  }

  close(code: number, reason: string): void {
    if (this.#state === 'opening') {
      this.#end('closed before it was open')
      return
    }
    if (this.#state === 'open') this.#startClosing(code, reason)
  }

  abandon(): void {
    this.#end('')
  }

  bufferedBytes(): number {
    return this.#state === 'over' ? 0 : (this.#stream?.bufferedBytes() ?? 0)
  }

  #connect(address: Address): void {
    const key = standardBase64(this.#host.random.bytes(16))
    const heads = new HeadReader()
    this.#stream = this.#host.streams.connect(address, {
      opened: () => {
        this.#stream?.write(encodeUtf8([
          `GET ${address.path} HTTP/1.1`, `host: ${address.hostHeader}`, 'connection: Upgrade', 'upgrade: websocket',
          'sec-websocket-version: 13', `sec-websocket-key: ${key}`, '', '',
        ].join('\r\n')))
      },
      data: (bytes) => {
        try {
          if (this.#state !== 'opening') this.#frames.read(bytes)
          else this.#readHead(heads, key, bytes)
        } catch (thrown) {
          this.#fail(thrown as Error)
        }
      },
      closed: (failure) => {
        this.#end(failure ?? '')
      },
    })
  }

  #readHead(heads: HeadReader, key: string, bytes: Uint8Array): void {
    const found = heads.read(bytes)
    if (found === undefined) return
    checkUpgrade(found.head, key)
    this.#cancelTimer()
    this.#state = 'open'
    this.#handlers.opened()
    this.#frames.read(bytes.subarray(found.end))
  }

  #peerCloses(code: number, reason: string): void {
    if (this.#state === 'open') {
      this.#outcome = { code, reason }
      // Its code is answered; one that may not be sent is answered with nothing said (§5.5.1).
      this.#write(OPCODE.close, code === 1005 ? new Uint8Array(0) : encodeClose(code, ''))
      this.#becomeClosing()
    } else if (this.#state === 'closing') {
      if (this.#outcome.code === 1006) this.#outcome = { code, reason }
      this.#end('')
    }
  }

  #startClosing(code: number, reason: string): void {
    this.#write(OPCODE.close, encodeClose(code, reason))
    this.#becomeClosing()
  }

  /** The server ends the stream (§7.1.1); one that does not is left after a while. */
  #becomeClosing(): void {
    this.#state = 'closing'
    this.#cancelTimer = this.#host.clock.after(CLOSE_TIMEOUT_MS, () => {
      this.#end('')
    })
  }

  #fail(error: Error): void {
    if (this.#state === 'open' && error instanceof WebSocketFailure) {
      this.#outcome = { code: error.closeCode, reason: error.message }
      this.#startClosing(error.closeCode, error.message)
      this.#frames.stop()
    } else this.#end(error.message)
  }

  #write(opcode: number, payload: Uint8Array): void {
    this.#stream?.write(encodeClientFrame(opcode, payload, this.#host.random))
  }

  /** `closed` comes from the host's loop, never from inside a call on the socket. */
  #end(failure: string): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#frames.stop()
    this.#cancelTimer()
    this.#stream?.close()
    const { code, reason } = this.#outcome
    this.#host.clock.after(0, () => {
      this.#handlers.closed(code, reason === '' ? failure : reason)
    })
  }
}

/** @throws {LenskeyError} `ERR_HTTP_ANSWER` the server did not switch as it was asked to (§4.1) */
function checkUpgrade({ status, headers }: AnswerHead, key: string): void {
  if (status !== 101) throw badAnswer(`the WebSocket is refused with status ${status}`)
  const accept = standardBase64(sha1(concatBytes(encodeUtf8(key), encodeUtf8('258EAFA5-E914-47DA-95CA-C5AB0DC85B11'))))
  const switched = headers.get('upgrade')?.toLowerCase() === 'websocket' && /(^|[\s,])upgrade($|[\s,])/i.test(headers.get('connection') ?? '')
  if (!switched || headers.get('sec-websocket-accept') !== accept) throw badAnswer('the server does not speak WebSocket')
  if (headers.has('sec-websocket-extensions') || headers.has('sec-websocket-protocol')) throw badAnswer('an extension or protocol that nobody asked for')
}

/** RFC 4648 §4, with padding. */
function standardBase64(bytes: Uint8Array): string {
  const text = encodeBase64url(bytes).replace(/-/g, '+').replace(/_/g, '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}
