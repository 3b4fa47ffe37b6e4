import { LenskeyError, messageOf } from '../../lib/errors.ts'
import type { Clock, Host, Log, LogLevel, NativeCrypto, Random, Storage } from '../../lib/runtime/index.ts'
import { type ByteStream, type ByteStreams, checkCertificateTimes, type StreamHandlers } from './byte-streams.ts'
import { createStreamHttp } from './http.ts'
import { createStreamWebSockets } from './web-sockets.ts'

/**
 * What a firmware supplies: the whole of it. The C program in host/ puts an object of this shape where the program finds it
 * as the global `board`; another firmware fills in the same list in its own way (docs/porting.md).
 *
 * Byte arrays go in as `Uint8Array` and come out as `ArrayBuffer`, which is what engines make most easily. Callbacks come
 * from the firmware's loop, one at a time, never from inside a call.
 */
export interface Board {
  /** Arguments of the program, without its name. */
  readonly args: readonly string[]
  /** One line, to people or to whoever reads the output. */
  print(line: string, toStderr: boolean): void
  /** Ends the program when the present callback has returned. */
  exit(code: number): void
  /** Set by the program: called when it is asked to stop. */
  onstop: () => void

  /** Milliseconds since 1970; may be years off. */
  wallMs(): number
  /** Milliseconds since some moment; never goes back. */
  monotonicMs(): number
  /** When the process began, by `monotonicMs`. */
  readonly startedMs?: number
  setTimer(delayMs: number, callback: () => void): number
  clearTimer(id: number): void

  /** From the system's cryptographic source; up to 65,536 bytes. */
  randomBytes(length: number): ArrayBuffer

  /** TCP, and TLS with the certificate verified for `host`, without a look at the clock: `opened` gets the chain's times. */
  connect(host: string, port: number, tls: boolean, handlers: BoardStreamHandlers): BoardStream
  /** A stream socket of this machine, by its path. */
  connectPath?(path: string, handlers: BoardStreamHandlers): BoardStream
  /** Waits at an address of this machine; port 0 takes any that is free. `accepted` returns undefined for one that is not wanted. */
  listen?(address: string, port: number, accepted: (stream: BoardStream) => BoardStreamHandlers | undefined): BoardListener
  /** The authorities for TLS, PEM. @returns how many there are in it */
  trust(pem: Uint8Array): number

  /** Undefined when there is no such file. Throws on any failure, as those below do. */
  readFile(path: string, maxBytes: number): ArrayBuffer | undefined
  /** Atomic and durable: after a power cut there is the old file or the new one. */
  writeFile(path: string, bytes: Uint8Array): void
  removeFile(path: string): void
  /** Nothing happens when it is there. */
  makeFolder(path: string): void

  /** Where the platform has it; without it JavaScript does the work. */
  readonly crypto?: BoardCrypto
  /** Memory of the engine, in bytes. */
  heap?(): { usedBytes: number; peakBytes: number }
  /** What the program runs on, for those who compare boards. */
  system?(): { engine: string; cpu: string; machine: string; emulated: boolean; rssBytes: number }
  /** The engine's memory may not grow beyond so many bytes; at the cap the process ends with exit code 75. 0 is no cap. */
  setHeapCap?(bytes: number): void
}

export interface BoardStreamHandlers {
  /** Over TLS with the times of the verified chain, milliseconds since 1970 (byte-streams.ts, `CertificateTimes`). */
  opened(notBeforeMs?: number, notAfterMs?: number): void
  data(bytes: ArrayBuffer): void
  /** @param failure - undefined when the peer ended the stream properly */
  closed(failure?: string): void
}

export type BoardStream = ByteStream

export interface BoardListener {
  /** Where it waits. */
  port(): number
  close(): void
}

/** Plain numbers and bytes; the same meanings as in lib/runtime/native-crypto.ts. */
export interface BoardCrypto {
  /** Of the library, with its version. */
  readonly name: string
  sha256(message: Uint8Array): ArrayBuffer
  hmacSha256(key: Uint8Array, message: Uint8Array): ArrayBuffer
  p256PublicPoint(d: Uint8Array): ArrayBuffer
  p256Sign(d: Uint8Array, message: Uint8Array): ArrayBuffer
  p256Verify(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

/** The board's parts in the shapes that lib/ takes. */
export function boardClock(board: Board): Clock {
  return {
    nowMs: () => board.wallMs(),
    monotonicMs: () => board.monotonicMs(),
    after(delayMs, callback) {
      const id = board.setTimer(delayMs, callback)
      return () => {
        board.clearTimer(id)
      }
    },
  }
}

export function boardRandom(board: Board): Random {
  return { bytes: (length) => new Uint8Array(board.randomBytes(length)) }
}

export function boardStreams(board: Board): ByteStreams {
  return { connect: ({ host, port, tls }, handlers) => board.connect(host, port, tls, fromBoard(handlers)) }
}

/** What a board calls, for what takes streams. */
export function fromBoard(handlers: StreamHandlers): BoardStreamHandlers {
  return {
    opened(notBeforeMs, notAfterMs) {
      handlers.opened(notBeforeMs === undefined || notAfterMs === undefined ? undefined : { notBeforeMs, notAfterMs })
    },
    data(bytes) {
      handlers.data(new Uint8Array(bytes))
    },
    closed(failure) {
      handlers.closed(failure)
    },
  }
}

export function boardCrypto({ crypto }: Board): NativeCrypto | undefined {
  if (crypto === undefined) return undefined
  return {
    sha256: (message) => new Uint8Array(crypto.sha256(message)),
    hmacSha256: (key, message) => new Uint8Array(crypto.hmacSha256(key, message)),
    p256PublicPoint: (d) => new Uint8Array(crypto.p256PublicPoint(d)),
    p256Signer: (d) => ({ sign: (message) => new Uint8Array(crypto.p256Sign(d, message)) }),
    p256Verifier: (point) => ({ verify: (message, signature) => signature.length === 64 && crypto.p256Verify(point, message, signature) }),
  }
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** One line of JSON for each event of the level or above. */
export function boardLog(board: Board, least: LogLevel): Log {
  return (level, event, fields) => {
    if (LEVELS.indexOf(level) >= LEVELS.indexOf(least)) board.print(JSON.stringify({ level, event, ...fields }), true)
  }
}

/** Blobs as files of a folder. @param maxBytes - of one that is read */
export function boardStorage(board: Board, folder: string, maxBytes = 4_194_304): Storage {
  const path = (name: string): string => {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/.test(name)) throw new RangeError('a blob is named with letters, digits, _, - and dots, and does not begin with a dot')
    return `${folder}/${name}`
  }
  const report = async <Result>(name: string, step: () => Result): Promise<Result> => {
    try {
      return await Promise.resolve(step())
    } catch (cause) {
      if (cause instanceof RangeError) throw cause
      throw new LenskeyError('ERR_STORAGE_FAILED', `The file ${name} could not be read or written (${messageOf(cause)}): look at its folder's rights and free space.`, { cause })
    }
  }
  return {
    read: (name) => report(name, () => {
      const bytes = board.readFile(path(name), maxBytes)
      return bytes === undefined ? undefined : new Uint8Array(bytes)
    }),
    write: (name, bytes) => report(name, () => {
      board.makeFolder(folder)
      board.writeFile(path(name), bytes)
    }),
    remove: (name) => report(name, () => {
      board.removeFile(path(name))
    }),
  }
}

/** A whole host. @param clock - by which certificates are judged and tokens dated: the board's, or one that has learned the time */
export function createBoardHost(board: Board, { clock = boardClock(board), log }: { clock?: Clock; log: Log }): Host {
  const random = boardRandom(board)
  const streams = checkCertificateTimes(boardStreams(board), clock)
  return {
    clock, random, log, nativeCrypto: boardCrypto(board),
    http: createStreamHttp(streams, clock),
    webSockets: createStreamWebSockets({ streams, clock, random }),
  }
}
