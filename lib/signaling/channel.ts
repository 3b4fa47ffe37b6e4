import { messageOf } from '../errors.ts'
import type { CancelTimer, Host } from '../runtime/index.ts'
import { SignalingError, SignalingErrorCodes } from './errors.ts'
import { TypedEventEmitter } from './event-emitter.ts'
import { parseReliabilityFrame, type RoutingFrame } from './frames.ts'
import type { JSONValue } from './json.ts'
import type { SignalingLimits, SignalingTimes } from './limits.ts'
import { ReliableReceiver, ReliableSender, type Unacked } from './reliability.ts'
import { SignalingChannelState } from './states.ts'

/** Listeners of a channel. `message` listeners are awaited one after the other before the next message is delivered. */
export interface SignalingChannelEvents {
  message: (message: JSONValue) => void | Promise<void>
  error: (error: SignalingError) => void
  channelstatechange: () => void
}

/**
 * A conversation between one client and the device: ordered, acknowledged, resumed after a cut on either side, nothing
 * lost, nothing twice (protocol/webrtc-signaling.md §4, §5).
 */
export interface SignalingChannel {
  /** Undefined on a client that has not been given one yet. */
  readonly channelId: string | undefined
  readonly channelState: SignalingChannelState
  /**
   * Resolves when the message is queued; it is sent, and sent again, until the peer has it.
   * @throws {SignalingError} `CHANNEL_CLOSED` on a failed or closed channel; {LenskeyError} `ERR_SIGNALING_QUEUE_FULL`,
   * `ERR_SIGNALING_MESSAGE_TOO_LARGE`; {TypeError} what is not JSON
   */
  sendMessage(message: JSONValue): Promise<void>
  /** Tells the peer why and fails the channel; ignored once the channel has ended. */
  sendError(error: SignalingError): Promise<void>
  close(): void
  on<Name extends keyof SignalingChannelEvents>(name: Name, listener: SignalingChannelEvents[Name]): void
  off<Name extends keyof SignalingChannelEvents>(name: Name, listener: SignalingChannelEvents[Name]): void
}

/** What a channel needs of the end it belongs to. */
export interface ChannelLink {
  readonly host: Pick<Host, 'clock' | 'log'>
  readonly limits: SignalingLimits
  readonly times: SignalingTimes
  /** Number of the open socket, counted from 1; 0 when none is open. */
  socketNumber(): number
  /** Text of a frame onto the open socket. */
  transmit(frame: string): void
  /** The channel has been closed and may be forgotten. */
  closed(channel: Channel): void
  /** The channel has failed. */
  failed(channel: Channel): void
}

/** Something to be done in the order of arrival. Does not throw: what goes wrong is in its promise. */
type Task = () => Promise<void>

/** A message that the application has not had yet. */
interface Arrived {
  data: JSONValue
  length: number
}

/** Both ends' channel; the device has many, the client is one. */
export class Channel implements SignalingChannel {
  readonly #link: ChannelLink
  readonly #events: TypedEventEmitter<{ [Name in keyof SignalingChannelEvents]: SignalingChannelEvents[Name] }>
  readonly #sender: ReliableSender
  readonly #receiver = new ReliableReceiver()
  /** Messages for the application, and tasks among them. */
  readonly #work: (Task | Arrived)[] = []
  #undeliveredLength = 0
  #delivering = false
  #state: SignalingChannelState = SignalingChannelState.NEW
  /** New messages wait until the peer is back, or until it has had time to acknowledge what it may have already. */
  #held: 'no' | 'peer away' | 'awaiting acknowledgement' = 'no'
  #heldTimer: CancelTimer | undefined
  /** When the peer last came back from being away. */
  #returnedMs = -Infinity
  #retransmitTimer: CancelTimer | undefined
  #retransmits = 0
  #channelId: string | undefined
  #messageHead = ''

  constructor(link: ChannelLink, channelId?: string) {
    this.#link = link
    this.channelId = channelId
    this.#events = new TypedEventEmitter(link.host.log)
    this.#sender = new ReliableSender(link.limits)
  }

  get channelId(): string | undefined {
    return this.#channelId
  }

  set channelId(channelId: string | undefined) {
    this.#channelId = channelId
    this.#messageHead = `{"type":"MESSAGE","channelId":${JSON.stringify(channelId)},"message":`
  }

  get channelState(): SignalingChannelState {
    return this.#state
  }

  get ended(): boolean {
    return this.#state === SignalingChannelState.FAILED || this.#state === SignalingChannelState.CLOSED
  }

  on<Name extends keyof SignalingChannelEvents>(name: Name, listener: SignalingChannelEvents[Name]): void {
    this.#events.on(name, listener)
  }

  off<Name extends keyof SignalingChannelEvents>(name: Name, listener: SignalingChannelEvents[Name]): void {
    this.#events.off(name, listener)
  }

  sendMessage(message: JSONValue): Promise<void> {
    return new Promise((resolve) => {
      if (this.ended) throw new SignalingError(SignalingErrorCodes.CHANNEL_CLOSED, `the channel is ${this.#state}`)
      const added = this.#sender.add(message)
      if (this.#held === 'no') this.#transmit(added)
      else this.#watch()
      resolve()
    })
  }

  sendError(error: SignalingError): Promise<void> {
    if (!this.ended) {
      this.#transmitError(error)
      this.#work.length = 0
      this.setState(SignalingChannelState.FAILED)
    }
    return Promise.resolve()
  }

  close(): void {
    if (this.#state === SignalingChannelState.CLOSED) return
    if (this.#state !== SignalingChannelState.FAILED) {
      this.#transmitError(new SignalingError(SignalingErrorCodes.CHANNEL_CLOSED, 'The channel has been closed.'))
    }
    this.setState(SignalingChannelState.CLOSED)
    this.#events.clear()
    this.#link.closed(this)
  }

  /**
   * Takes one frame that the service routed to this channel.
   * @param length - characters of the text it came in
   */
  handleFrame(frame: RoutingFrame, length: number): void {
    if (this.ended) return
    switch (frame.type) {
      case 'MESSAGE':
        this.#handleReliability(frame.message, length)
        break
      case 'ERROR':
        this.#fail(new SignalingError(frame.error.code, frame.error.message))
        break
      case 'PEER_CONNECTED':
        this.#peerIsBack()
        this.setState(SignalingChannelState.CONNECTED)
        break
      case 'PEER_OFFLINE':
        this.#hold('peer away')
        this.setState(SignalingChannelState.DISCONNECTED)
        break
    }
  }

  /** A new socket is open: everything unacknowledged goes out again, in order, before anything new. */
  handleSocketOpened(): void {
    if (!this.ended) this.#resume()
  }

  /** A task runs after everything received before it and ahead of everything received later. */
  enqueue(work: Task | Arrived): void {
    this.#work.push(work)
    if (!this.#delivering) this.#deliver()
  }

  setState(state: SignalingChannelState): void {
    if (this.#state === state || (this.ended && state !== SignalingChannelState.CLOSED)) return
    this.#state = state
    if (this.ended) {
      this.#release()
      this.#retransmitTimer?.()
      this.#sender.clear()
    }
    // What was acknowledged is still delivered when the peer ends the channel, but not when the application does.
    if (state === SignalingChannelState.CLOSED) this.#work.length = 0
    this.#events.emit('channelstatechange')
    if (state === SignalingChannelState.FAILED) this.#link.failed(this)
  }

  #handleReliability(message: JSONValue, length: number): void {
    const frame = parseReliabilityFrame(message)
    if (frame === undefined) {
      const error = new SignalingError(SignalingErrorCodes.DECODE_ERROR, 'not a frame of the reliability layer')
      this.#transmitError(error)
      this.#fail(error)
    } else if (frame.type === 'ACK') {
      if (this.#sender.acknowledge(frame.seq)) this.#acknowledged()
    } else {
      const arrival = this.#receiver.receive(frame.seq)
      if (arrival === 'gap') return
      this.#transmitFrame(`{"type":"ACK","seq":${frame.seq}}`)
      if (arrival === 'new') this.#receive(frame.data, length)
      // A peer that is heard is not away, whatever the service said last.
      if (this.#held === 'peer away') this.#peerIsBack()
    }
  }

  #receive(data: JSONValue, length: number): void {
    const { maxUndelivered, maxUndeliveredLength } = this.#link.limits
    // One message is always taken; it has the limit of a frame.
    if (this.#work.length >= maxUndelivered || (this.#work.length > 0 && this.#undeliveredLength + length > maxUndeliveredLength)) {
      const error = new SignalingError(SignalingErrorCodes.INTERNAL_ERROR, 'messages arrive faster than the application takes them')
      this.#transmitError(error)
      this.#fail(error)
      return
    }
    this.#undeliveredLength += length
    this.enqueue({ data, length })
  }

  /** One piece of work at a time; what is not done at once is waited for. Bound once: it is on the way of every message. */
  readonly #deliver = (): void => {
    this.#delivering = true
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) {
      if (typeof work === 'function') {
        work().then(this.#deliver, this.#workFailed)
        return
      }
      this.#undeliveredLength -= work.length
      if (this.#events.emitInTurnThen(this.#deliver, 'message', work.data)) return
    }
    this.#delivering = false
  }

  readonly #workFailed = (thrown: unknown): void => {
    this.#link.host.log('error', 'signaling.handler.failed', { channelId: this.channelId, reason: messageOf(thrown) })
    this.#deliver()
  }

  #fail(error: SignalingError): void {
    this.setState(SignalingChannelState.FAILED)
    this.#events.emit('error', error)
  }

  /**
   * What was sent on this socket a moment ago may have reached the peer's new socket already. Some peers deliver
   * duplicates, so its acknowledgement gets a chance to arrive first. After an absence nothing has arrived, and what waits
   * goes out at once, unless it just did: a service that reports one absence after the other must not make us send for ever.
   */
  #peerIsBack(): void {
    if (this.#held === 'awaiting acknowledgement') return
    const { clock } = this.#link.host
    const { inFlightMs } = this.#link.times
    const sinceMs = clock.monotonicMs() - inFlightMs
    const recent = this.#held === 'peer away' ? this.#returnedMs > sinceMs : this.#mayBeInFlight(sinceMs)
    if (recent) {
      this.#hold('awaiting acknowledgement')
      this.#heldTimer = clock.after(inFlightMs, () => {
        this.#resume()
      })
    } else {
      this.#returnedMs = clock.monotonicMs()
      this.#resume()
    }
  }

  /** Whether a message without an acknowledgement was sent on this socket after `sinceMs`. */
  #mayBeInFlight(sinceMs: number): boolean {
    const socket = this.#link.socketNumber()
    return this.#sender.unacked().some((message) => message.socket === socket && message.sentMs > sinceMs)
  }

  #hold(reason: 'peer away' | 'awaiting acknowledgement'): void {
    this.#release()
    this.#held = reason
  }

  #acknowledged(): void {
    this.#retransmits = 0
    if (this.#held === 'peer away') this.#peerIsBack()
    else if (this.#held === 'awaiting acknowledgement' && !this.#mayBeInFlight(-Infinity)) this.#resume()
  }

  #release(): void {
    this.#held = 'no'
    this.#heldTimer?.()
    this.#heldTimer = undefined
  }

  #resume(): void {
    this.#release()
    this.#retransmits = 0
    this.#transmitAll()
  }

  #transmitAll(): void {
    for (const message of this.#sender.unacked()) this.#transmit(message)
  }

  #transmit(message: Unacked): void {
    const socket = this.#link.socketNumber()
    if (socket === 0) return
    message.socket = socket
    message.sentMs = this.#link.host.clock.monotonicMs()
    this.#transmitFrame(message.frame)
    this.#watch()
  }

  /**
   * On a socket that stays open an acknowledgement can only be missing because the service lost a frame, or told us of the
   * peer's absence after its return. Long after, with growing pauses, we try again; one message is enough to find the peer.
   */
  #watch(): void {
    if (this.#retransmitTimer !== undefined) return
    const { clock } = this.#link.host
    const waitMs = this.#link.times.retransmitMs * 2 ** Math.min(this.#retransmits, 2)
    this.#retransmitTimer = clock.after(waitMs, () => {
      this.#retransmitTimer = undefined
      if (this.#sender.pending === 0 || this.#link.socketNumber() === 0) return
      const [oldest] = this.#sender.unacked()
      if (clock.monotonicMs() - oldest.sentMs >= waitMs) {
        this.#retransmits++
        if (this.#held === 'no') this.#transmitAll()
        else this.#transmit(oldest)
      }
      this.#watch()
    })
  }

  #transmitFrame(frame: string): void {
    this.#link.transmit(`${this.#messageHead}${frame}}`)
  }

  #transmitError({ errorCode, errorMessage }: SignalingError): void {
    const frame = { type: 'ERROR', channelId: this.channelId, error: { code: errorCode, message: errorMessage } }
    this.#link.transmit(JSON.stringify(frame))
  }
}
