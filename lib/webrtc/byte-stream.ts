import { LenskeyError } from '../errors.ts'
import type { Clock } from '../runtime/clock.ts'
import { ByteQueue } from './byte-queue.ts'
import type { DataChannel, DataChannelEvents } from './peer-connection.ts'
import { decodeStreamFrame, maxMessageBytes, MAX_STREAM_MESSAGE_BYTES, type StreamFrame } from './stream-frames.ts'

/**
 * - `ERR_STREAM_REFUSED`: the device closed the stream before anything came over it
 * - `ERR_STREAM_ABORTED`: one of the ends gave it up
 * - `ERR_STREAM_CUT`: the channel or its connection went away in the middle
 * - `ERR_STREAM_OVERFLOW`: the peer sent more than may wait to be read
 * - `ERR_STREAM_MALFORMED`: the peer sent something that has no place in a stream
 */
export type StreamErrorCode =
  | 'ERR_STREAM_REFUSED' | 'ERR_STREAM_ABORTED' | 'ERR_STREAM_CUT' | 'ERR_STREAM_OVERFLOW' | 'ERR_STREAM_MALFORMED'

export class StreamError extends LenskeyError {
  declare readonly code: StreamErrorCode

  constructor(code: StreamErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
    this.name = 'StreamError'
  }
}

export interface StreamOptions {
  /** Bytes that may wait to be read. The peer is kept within it where it knows how; one that does not is cut off. Default 262,144. */
  maxUnreadBytes?: number
  /** Bytes that may wait in the data channel to be sent: `write` resolves when there are fewer. Default 262,144. */
  maxUnsentBytes?: number
  /** Longest message sent; default 65,536, or less where the peer takes less (RFC 8841 §6). */
  chunkBytes?: number
}

/** Bytes both ways, in order. */
export interface ByteStream extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  readonly port: number
  /** Whether the other end knows half close, abort and windows; with another one, the end of one direction is that of both. */
  readonly isExtended: boolean
  /**
   * The next bytes, as many as there are in one piece; undefined when the other end has sent all it had. One read at a time.
   * @throws {StreamError} once what had come before is read
   */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>
  /**
   * Sends the bytes. Resolves when all of them are on their way: whoever waits for it before writing more never fills the
   * memory. Not to be changed before that.
   * @throws {StreamError} @throws {TypeError} after `end`
   */
  write(bytes: Uint8Array): Promise<void>
  /**
   * There is no more to write; what comes can still be read. Resolves when all of it has been handed to the network.
   * @throws {StreamError}
   */
  end(): Promise<void>
  /** Gives up both directions; the other end is told. Nothing happens when it is over already. */
  abort(): void
  /** Resolves when the stream is over, with why; undefined when both ends had come to theirs. */
  readonly closed: Promise<StreamError | undefined>
}

/** Control frames of the peer in a row, without a byte of ours in between and no window of ours: there is no need for so many. */
const MAX_FRAMES = 64

/** For so long an end that gives up leaves closing to the peer, which has to get through all that was sent before. */
const ABORT_MS = 5000

interface Waiting { resolve(): void; reject(reason: StreamError): void }

/** A stream over one data channel (protocol/edge-webrtc.md §4.2). To be made before the channel can have received anything. */
export class ChannelStream implements ByteStream {
  readonly port: number
  readonly closed: Promise<StreamError | undefined>
  /** Called when the peer has shown for the first time that it serves this stream. */
  onAccepted: (() => void) | undefined
  readonly #channel: DataChannel
  readonly #clock: Pick<Clock, 'after'>
  readonly #unread = new ByteQueue()
  readonly #maxUnread: number
  readonly #maxUnsent: number
  readonly #chunkBytes: number
  #extended: boolean | undefined
  #received = 0
  /** What the peer may have sent in all, by the last that we told it. */
  #granted = 0
  #frames = 0
  #sent = 0
  /** What we may have sent in all. */
  #allowed = Infinity
  #reading: Waiting | undefined
  #sending: Waiting | undefined
  #writes: Promise<void> = Promise.resolve()
  #ended = false
  #eofSent = false
  #eofReceived = false
  #eofConfirmed = false
  #over: { error: StreamError | undefined } | undefined
  #resolveClosed: (error: StreamError | undefined) => void = () => undefined

  /**
   * @param isExtended - undefined where the first message will tell
   * @param clock - for the time limit of `abort`
   * @param peerSdp - the peer's description, where there is one
   */
  constructor(channel: DataChannel, port: number, isExtended: boolean | undefined, clock: Pick<Clock, 'after'>, options: StreamOptions = {}, peerSdp?: string) {
    this.port = port
    this.#channel = channel
    this.#clock = clock
    this.#maxUnread = options.maxUnreadBytes ?? 262_144
    this.#maxUnsent = options.maxUnsentBytes ?? 262_144
    this.#chunkBytes = Math.min(options.chunkBytes ?? 65_536, maxMessageBytes(peerSdp))
    this.closed = new Promise((resolve) => { this.#resolveClosed = resolve })
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = this.#maxUnsent >> 1
    // A channel of the peer may be announced before it is open.
    channel.addEventListener('open', this.#onOpen)
    channel.addEventListener('message', this.#onMessage)
    channel.addEventListener('close', this.#onClose)
    channel.addEventListener('bufferedamountlow', this.#onRoom)
    if (isExtended !== undefined) this.settle(isExtended)
  }

  get isExtended(): boolean {
    return this.#extended === true
  }

  /** Whether it is known what the peer can do. */
  get isSettled(): boolean {
    return this.#extended !== undefined
  }

  /** From now on it is known what the peer can do. */
  settle(isExtended: boolean): void {
    if (this.#extended !== undefined || this.#over !== undefined) return
    this.#extended = isExtended
    if (isExtended) {
      this.#allowed = 0
      this.#grant()
    }
    this.onAccepted?.()
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#reading !== undefined) throw new TypeError('one read at a time')
    for (;;) {
      const bytes = this.#unread.take()
      if (bytes !== undefined) {
        this.#grant()
        return bytes
      }
      if (this.#over?.error !== undefined) throw this.#over.error
      if (this.#eofReceived || this.#over !== undefined) return undefined
      await new Promise<void>((resolve, reject) => { this.#reading = { resolve, reject } })
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(new TypeError('the stream has been ended'))
    return this.#next(() => this.#send(bytes))
  }

  end(): Promise<void> {
    if (this.#ended) return this.#writes
    this.#ended = true
    return this.#next(async () => {
      while (this.#channel.readyState === 'connecting') await this.#room()
      this.#eofSent = true
      if (this.isExtended) this.#sendFrame({ type: 'eof' })
      else await this.#drained()
      this.#closeWhenDone()
    })
  }

  abort(): void {
    this.fail(new StreamError('ERR_STREAM_ABORTED', 'the stream was given up here'))
  }

  /** Ends it with an error; the peer is told. */
  fail(error: StreamError): void {
    if (this.#over !== undefined) return
    const tells = this.isExtended && this.#channel.readyState === 'open'
    if (tells) this.#sendFrame({ type: 'abort' })
    this.#finish(error, tells)
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array<ArrayBuffer>, undefined> {
    return {
      next: async () => {
        const value = await this.read()
        return value === undefined ? { done: true, value } : { done: false, value }
      },
    }
  }

  /** One after another, whether the one before went well or not. */
  #next(step: () => Promise<void>): Promise<void> {
    const result = this.#writes.then(() => {
      if (this.#over !== undefined) throw this.#over.error ?? new StreamError('ERR_STREAM_CUT', 'the other end has ended the stream')
      return step()
    })
    this.#writes = result.catch(() => undefined)
    return result
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      while (!this.#hasRoom()) await this.#room()
      const size = Math.min(this.#chunkBytes, bytes.length - at, this.#allowed - this.#sent)
      this.#transmit(bytes.subarray(at, at + size) as Uint8Array<ArrayBuffer>)
      this.#sent += size
      this.#frames = 0
      at += size
    }
  }

  #hasRoom(): boolean {
    return this.#sent < this.#allowed && this.#channel.readyState !== 'connecting' && this.#channel.bufferedAmount < this.#maxUnsent
  }

  /** Resolves when something may be sent again. */
  #room(): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over.error ?? new StreamError('ERR_STREAM_CUT', 'the stream is over'))
    return new Promise((resolve, reject) => { this.#sending = { resolve, reject } })
  }

  async #drained(): Promise<void> {
    this.#channel.bufferedAmountLowThreshold = 0
    while (this.#channel.bufferedAmount > 0) await this.#room()
  }

  #transmit(data: Uint8Array<ArrayBuffer> | string): void {
    try {
      if (typeof data === 'string') this.#channel.send(data)
      else this.#channel.send(data)
    } catch (cause) {
      const error = new StreamError('ERR_STREAM_CUT', 'the data channel takes no more', { cause })
      this.#finish(error)
      throw error
    }
  }

  #sendFrame(frame: StreamFrame): void {
    if (this.#over !== undefined || this.#channel.readyState !== 'open') return
    try {
      this.#transmit(JSON.stringify(frame))
    } catch {
      // It is over now, and says why.
    }
  }

  /** Lets the peer send as much as there is room for, told in steps that are worth a message. */
  #grant(): void {
    if (!this.isExtended || this.#eofReceived || this.#channel.readyState !== 'open') return
    const upTo = this.#received - this.#unread.length + this.#maxUnread
    if (upTo - this.#granted < this.#maxUnread / 4) return
    this.#granted = upTo
    this.#frames = 0
    this.#sendFrame({ type: 'window', upTo })
  }

  readonly #onMessage = ({ data }: DataChannelEvents['message']): void => {
    if (this.#over !== undefined) return
    if (typeof data === 'string') this.#takeText(data)
    else if (data instanceof ArrayBuffer && data.byteLength <= MAX_STREAM_MESSAGE_BYTES) this.#takeBytes(new Uint8Array(data))
    else this.fail(new StreamError('ERR_STREAM_MALFORMED', 'a message of the stream is too long'))
  }

  #takeBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.settle(false)
    if (this.#eofReceived) {
      this.fail(new StreamError('ERR_STREAM_MALFORMED', 'bytes came behind the end of the stream'))
      return
    }
    this.#received += bytes.length
    const isTooMuch = this.isExtended ? this.#received > this.#granted : this.#unread.length + bytes.length > this.#maxUnread
    if (isTooMuch) {
      this.fail(new StreamError('ERR_STREAM_OVERFLOW', `more than ${this.#maxUnread} bytes came that nobody had read`))
      return
    }
    if (bytes.length === 0) return
    this.#unread.push(bytes)
    this.#wake('reading')
  }

  #takeText(text: string): void {
    const frame = decodeStreamFrame(text)
    if (this.#extended === undefined && frame !== undefined) this.settle(true)
    // Of a peer that is not ours, text means nothing; ours sends nothing that is not in the list, and not without need.
    if (!this.isExtended) return
    if (frame === undefined || ++this.#frames > MAX_FRAMES) {
      this.fail(new StreamError('ERR_STREAM_MALFORMED', 'a control frame of the stream makes no sense'))
      return
    }
    switch (frame.type) {
      case 'window':
        this.#allowed = Math.max(this.#allowed, frame.upTo)
        this.#onRoom()
        return
      case 'eof':
        this.#eofReceived = true
        this.#sendFrame({ type: 'done' })
        this.#wake('reading')
        break
      case 'done':
        this.#eofConfirmed = this.#eofSent
        break
      case 'abort':
        this.#finish(new StreamError('ERR_STREAM_ABORTED', 'the other end has given the stream up'))
        return
    }
    this.#closeWhenDone()
  }

  readonly #onOpen = (): void => {
    this.#grant()
    this.#onRoom()
  }

  readonly #onRoom = (): void => {
    this.#wake('sending')
  }

  readonly #onClose = (): void => {
    // A peer that is not ours has no other way to say that it has come to its end (protocol/edge-webrtc.md §4.2).
    const isEnd = this.isExtended ? this.#eofReceived && this.#eofSent : this.#extended === false
    if (isEnd) this.#eofReceived = true
    this.#finish(isEnd ? undefined : new StreamError('ERR_STREAM_CUT', 'the stream was cut'))
  }

  /** Both ends have said all, and know that it has arrived. */
  #closeWhenDone(): void {
    if (!this.#eofSent || this.#over !== undefined) return
    if (!this.isExtended || (this.#eofReceived && this.#eofConfirmed)) this.#finish(undefined)
  }

  #wake(which: 'reading' | 'sending', error?: StreamError): void {
    const waiting = which === 'reading' ? this.#reading : this.#sending
    if (which === 'reading') this.#reading = undefined
    else this.#sending = undefined
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(error)
  }

  /** @param told - that the peer is on its way to know, and will close the channel */
  #finish(error: StreamError | undefined, told = false): void {
    if (this.#over !== undefined) return
    this.#over = { error }
    this.#channel.removeEventListener('open', this.#onOpen)
    this.#channel.removeEventListener('message', this.#onMessage)
    this.#channel.removeEventListener('close', this.#onClose)
    this.#channel.removeEventListener('bufferedamountlow', this.#onRoom)
    if (told) this.#closeBehindPeer()
    else this.#channel.close()
    // Void: nobody may take the half of something for the whole.
    if (error?.code === 'ERR_STREAM_ABORTED' || error?.code === 'ERR_STREAM_OVERFLOW') this.#unread.clear()
    this.#wake('reading', error)
    this.#wake('sending', error ?? new StreamError('ERR_STREAM_CUT', 'the other end has ended the stream'))
    this.#resolveClosed(error)
  }

  /** An engine may close a channel over what it has still to send. */
  #closeBehindPeer(): void {
    const channel = this.#channel
    const close = (): void => {
      cancel()
      channel.removeEventListener('close', close)
      channel.removeEventListener('message', onMessage)
      channel.close()
    }
    const onMessage = ({ data }: DataChannelEvents['message']): void => {
      // It has given up at the same time, and waits as well.
      if (typeof data === 'string' && decodeStreamFrame(data)?.type === 'abort') close()
    }
    const cancel = this.#clock.after(ABORT_MS, close)
    channel.addEventListener('close', close)
    channel.addEventListener('message', onMessage)
  }
}
