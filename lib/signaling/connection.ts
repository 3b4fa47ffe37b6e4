import { messageOf } from '../errors.ts'
import type { CancelTimer, Host, WebSocketConnection } from '../runtime/index.ts'
import { randomFraction } from '../runtime/index.ts'
import { jitteredWaitMs, retryAfterWaitMs } from './back-off.ts'
import { SignalingConnectionError, TooManyRequestsError } from './errors.ts'
import { parseRoutingFrame, type RoutingFrame } from './frames.ts'
import type { SignalingLimits, SignalingTimes } from './limits.ts'
import { SignalingConnectionState } from './states.ts'

/** How the two ends differ (protocol/webrtc-signaling.md §6). */
export interface ConnectionRole {
  /** Where to open the next WebSocket; may ask the service over HTTP. */
  locate(): Promise<string>
  /** Whether a failure before the first socket has opened is tried again; otherwise it ends in `FAILED`. */
  readonly retriesFirstConnect: boolean
  /** Attempts in a row before giving up. */
  readonly maxAttempts: number
  backOffCapMs(attempt: number): number
  /** A socket is open; called before anybody is told, so that what waits goes out first. */
  opened(): void
  /** @param length - characters of the text it came in */
  received(frame: RoutingFrame, length: number): void
  stateChanged(): void
  /** Open again, from the second time on. */
  reconnected(): void
  /** An attempt failed. */
  failed(error: unknown): void
}

/** A WebSocket to the service that is opened again when it is lost, and noticed when it is dead. */
export class SignalingConnection {
  readonly #host: Host
  readonly #limits: SignalingLimits
  readonly #times: SignalingTimes
  readonly #role: ConnectionRole
  #state: SignalingConnectionState = SignalingConnectionState.NEW
  #socket: WebSocketConnection | undefined
  #socketNumber = 0
  #socketsOpened = 0
  #attempt = 0
  /** Anything else may still come down a link on which nothing goes up. */
  #pongs = 0
  #retryTimer: CancelTimer | undefined
  #stableTimer: CancelTimer | undefined
  #openTimer: CancelTimer | undefined
  #keepAliveTimer: CancelTimer | undefined
  #aliveTimer: CancelTimer | undefined

  constructor(host: Host, limits: SignalingLimits, times: SignalingTimes, role: ConnectionRole) {
    this.#host = host
    this.#limits = limits
    this.#times = times
    this.#role = role
  }

  get state(): SignalingConnectionState {
    return this.#state
  }

  /** Number of the open socket, counted from 1; 0 when none is open. */
  get socketNumber(): number {
    return this.#socketNumber
  }

  /** @throws {TypeError} when called a second time */
  start(): void {
    if (this.#state !== SignalingConnectionState.NEW) throw new TypeError('start() may be called once')
    void this.#connect()
  }

  /** Dropped when no socket is open: the reliability layer sends again what matters. */
  transmit(frame: string): void {
    const socket = this.#socket
    if (socket === undefined || this.#socketNumber === 0) return
    socket.send(frame)
    if (socket.bufferedBytes() > this.#limits.maxBufferedBytes) this.#giveSocketUp('the service does not read')
  }

  /** Asks the service for a PONG; without one within a second the socket is given up and a new one opened (§3). */
  checkAlive(): void {
    this.#expectPong(this.#times.checkAliveAnswerMs)
  }

  close(): void {
    if (this.#state === SignalingConnectionState.CLOSED) return
    const socket = this.#socket
    this.#letGo()
    this.#retryTimer?.()
    this.#setState(SignalingConnectionState.CLOSED)
    socket?.close(1000, 'The application is closing down.')
  }

  #isOver(): boolean {
    return this.#state === SignalingConnectionState.CLOSED || this.#state === SignalingConnectionState.FAILED
  }

  async #connect(): Promise<void> {
    this.#setState(SignalingConnectionState.CONNECTING)
    if (this.#isOver()) return
    try {
      const url = await this.#role.locate()
      if (!this.#isOver()) this.#open(url)
    } catch (thrown) {
      this.#attemptFailed(thrown)
    }
  }

  #open(url: string): void {
    // Only the newest socket is listened to; what an abandoned one still reports is of no interest.
    const current = (): boolean => this.#socket === socket
    let opened = false
    const socket = this.#host.webSockets.open(
      url,
      {
        opened: () => {
          opened = true
          if (current()) this.#opened()
        },
        text: (message) => {
          if (current()) this.#received(message)
        },
        closed: (code, reason) => {
          if (!current()) return
          this.#host.log('info', 'signaling.socket.closed', { code, reason: reason.slice(0, 123) })
          this.#letGo()
          if (opened) this.#retry()
          else this.#attemptFailed(new SignalingConnectionError(`the WebSocket could not be opened (code ${code})`))
        },
      },
      { maxMessageBytes: this.#limits.maxFrameBytes },
    )
    this.#socket = socket
    this.#openTimer = this.#host.clock.after(this.#times.openTimeoutMs, () => {
      this.#letGo()
      socket.abandon()
      this.#attemptFailed(new SignalingConnectionError('the WebSocket did not open in time'))
    })
  }

  #opened(): void {
    this.#openTimer?.()
    this.#socketNumber = ++this.#socketsOpened
    this.#stableTimer = this.#host.clock.after(this.#times.stableMs, () => {
      this.#attempt = 0
    })
    this.#keepAlive()
    this.#role.opened()
    this.#setState(SignalingConnectionState.CONNECTED)
    if (this.#socketsOpened > 1) this.#role.reconnected()
  }

  #received(text: string): void {
    const frame = parseRoutingFrame(text)
    if (frame === undefined) this.#host.log('debug', 'signaling.frame.ignored', { length: text.length })
    else if (frame.type === 'PING') this.transmit('{"type":"PONG"}')
    else if (frame.type === 'PONG') this.#pongs++
    else this.#role.received(frame, text.length)
  }

  #keepAlive(): void {
    this.#keepAliveTimer = this.#host.clock.after(this.#times.keepAliveMs, () => {
      this.#expectPong(this.#times.keepAliveAnswerMs)
      this.#keepAlive()
    })
  }

  #expectPong(withinMs: number): void {
    if (this.#socketNumber === 0 || this.#aliveTimer !== undefined) return
    const pongsBefore = this.#pongs
    this.#aliveTimer = this.#host.clock.after(withinMs, () => {
      this.#aliveTimer = undefined
      if (this.#pongs === pongsBefore) this.#giveSocketUp(`no answer within ${withinMs} ms`)
    })
    this.transmit('{"type":"PING"}')
  }

  #giveSocketUp(reason: string): void {
    this.#host.log('warn', 'signaling.socket.dead', { reason })
    const socket = this.#socket
    this.#letGo()
    socket?.abandon()
    this.#retry()
  }

  #attemptFailed(thrown: unknown): void {
    if (this.#isOver()) return
    this.#host.log('warn', 'signaling.connect.failed', { reason: messageOf(thrown), attempt: this.#attempt })
    if (this.#socketsOpened === 0 && !this.#role.retriesFirstConnect) this.#giveUp(thrown)
    else {
      if (this.#role.retriesFirstConnect) this.#role.failed(thrown)
      this.#retry(thrown)
    }
  }

  #giveUp(thrown: unknown): void {
    this.#setState(SignalingConnectionState.FAILED)
    this.#role.failed(thrown)
  }

  #retry(thrown?: unknown): void {
    if (this.#isOver()) return
    if (this.#attempt >= this.#role.maxAttempts) {
      this.#giveUp(thrown ?? new SignalingConnectionError(`no connection after ${this.#attempt} attempts`))
      return
    }
    this.#setState(SignalingConnectionState.WAIT_RETRY)
    if (this.#isOver()) return
    const fraction = randomFraction(this.#host.random)
    const asked = thrown instanceof TooManyRequestsError ? thrown.retryAfterSeconds : undefined
    const waitMs = asked === undefined ? jitteredWaitMs(this.#role.backOffCapMs(this.#attempt), fraction) : retryAfterWaitMs(asked, fraction)
    this.#attempt++
    this.#retryTimer = this.#host.clock.after(waitMs, () => void this.#connect())
  }

  /** Forgets the socket and all that was timed for it. */
  #letGo(): void {
    this.#socket = undefined
    this.#socketNumber = 0
    for (const cancel of [this.#openTimer, this.#stableTimer, this.#keepAliveTimer, this.#aliveTimer]) cancel?.()
    this.#aliveTimer = undefined
  }

  #setState(state: SignalingConnectionState): void {
    if (this.#state === state || this.#state === SignalingConnectionState.CLOSED) return
    this.#state = state
    this.#role.stateChanged()
  }
}
