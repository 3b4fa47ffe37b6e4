import { concatBytes, decodeUtf8, encodeUtf8 } from '../../lib/bytes/index.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Clock, Log } from '../../lib/runtime/index.ts'
import { ByteCollector, type ByteStream, type StreamHandlers } from './byte-streams.ts'

/** One line of docs/engine-protocol.md, read but not yet looked at. */
export type EngineLine = Readonly<Record<string, unknown>>

export interface EngineLinkHost {
  /** Opens the stream to the engine. */
  connect: (handlers: StreamHandlers) => ByteStream
  clock: Pick<Clock, 'after'>
  log: Log
}

const MAX_LINE_BYTES = 262_144
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
const LINE_FEED = 10

/** Takes JSON objects, one a line, out of pieces. */
export class LineObjects {
  readonly #line = new ByteCollector(MAX_LINE_BYTES)

  /** @throws {Error} a line is too long, or no JSON object */
  read(bytes: Uint8Array, take: (line: EngineLine) => void): void {
    let from = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      const piece = bytes.subarray(from, end)
      from = end + 1
      this.#line.add(piece)
      const value: unknown = JSON.parse(decodeUtf8(this.#line.take()))
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a line is no JSON object')
      take(value as EngineLine)
    }
    this.#line.add(bytes.subarray(from))
  }
}

export function encodeLine(line: EngineLine): Uint8Array {
  return concatBytes(encodeUtf8(JSON.stringify(line)), Uint8Array.of(LINE_FEED))
}

/** The stream to an engine, opened again whenever it is lost. */
export class EngineLink {
  /** What the engine said about itself; undefined while there is none. */
  hello: EngineLine | undefined
  onLine: ((line: EngineLine) => void) | undefined
  /** The engine is gone, and with it all its connections. */
  onLost: (() => void) | undefined
  onReady: (() => void) | undefined
  readonly #host: EngineLinkHost
  #stream: ByteStream | undefined
  #waitMs = FIRST_WAIT_MS
  #closed = false

  constructor(host: EngineLinkHost) {
    this.#host = host
    this.#connect()
  }

  /** Ignored while there is no engine. */
  send(line: EngineLine): void {
    if (this.hello !== undefined) this.#stream?.write(encodeLine(line))
  }

  close(): void {
    this.#closed = true
    this.#lose()
  }

  #connect(): void {
    if (this.#closed) return
    const lines = new LineObjects()
    this.#stream = this.#host.connect({
      opened: () => undefined,
      data: (bytes) => {
        try {
          lines.read(bytes, (line) => {
            this.#take(line)
          })
        } catch (thrown) {
          this.#host.log('error', 'engine.line.refused', { reason: messageOf(thrown) })
          this.#stream?.close()
          this.#again()
        }
      },
      closed: (failure) => {
        this.#host.log('warn', 'engine.lost', { reason: failure })
        this.#again()
      },
    })
  }

  #take(line: EngineLine): void {
    if (this.hello !== undefined) {
      this.onLine?.(line)
      return
    }
    if (line.event !== 'hello' || line.version !== 1) throw new Error('the engine does not begin with a hello of version 1')
    this.hello = line
    this.#waitMs = FIRST_WAIT_MS
    this.#host.log('info', 'engine.ready', { engine: String(line.engine) })
    this.onReady?.()
  }

  #again(): void {
    this.#lose()
    this.#host.clock.after(this.#waitMs, () => {
      this.#connect()
    })
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS)
  }

  #lose(): void {
    this.#stream?.close()
    this.#stream = undefined
    const had = this.hello !== undefined
    this.hello = undefined
    if (had) this.onLost?.()
  }
}
