import type { Clock, Log } from '../runtime/index.ts'
import { type ErrorFrame, parseRoutingFrame } from '../signaling/frames.ts'
import { isVouchedFor } from './credentials.ts'
import { type ClaimOrder, DEVICE_PLACE, type Fabric, type Occupant, type Room, whenAnswered } from './fabric.ts'
import type { DeviceIds } from './ids.ts'
import { channelsAllowed, type CloseReason, CloseReasons, type RendezvousLimits } from './limits.ts'
import { memberText } from './member-text.ts'
import { TokenBucket } from './rates.ts'

/** One WebSocket of a peer, as the relay needs it. */
export interface SeatSocket {
  /** May wait for what else is sent before the host's loop goes on. */
  sendText(text: string): void
  /** Starts the closing handshake, and drops the connection if the peer does not answer it. */
  close(code: number, reason: string): void
  /** Drops the connection of a peer that does not read or answer. */
  abandon(): void
  bufferedBytes(): number
}

/** What the socket's owner tells the relay. */
export interface SeatEvents {
  onText(text: string): void
  /** A WebSocket ping or pong, or a message that is not text. */
  onOther(): void
  onClosed(): void
}

/** Who may sit where, as a ticket says. */
export interface SeatGrant extends DeviceIds {
  /** What it rests on (`Credential`): of a device its key. Undefined for anonymous clients. */
  kid: string | undefined
  /** Undefined for the device. */
  channelId: string | undefined
  order: ClaimOrder
}

export interface SeatContext {
  clock: Clock
  log: Log
  limits: RendezvousLimits
  fabric: Fabric
  seats: Set<Seat>
}

const PING = '{"type":"PING"}'
const PONG = '{"type":"PONG"}'

/** A socket in its place: everything a device's and a client's have in common. */
export abstract class Seat implements Occupant, SeatEvents {
  readonly grant: SeatGrant
  /** Which share of the seats it is pinged with. */
  readonly portion: number
  protected readonly context: SeatContext
  protected room: Room | undefined
  private readonly socket: SeatSocket
  private readonly bucket: TokenBucket
  private heardMs: number
  private ended = false

  constructor(context: SeatContext, grant: SeatGrant, socket: SeatSocket) {
    this.context = context
    this.grant = grant
    this.socket = socket
    this.portion = context.seats.size
    this.heardMs = context.clock.monotonicMs()
    this.bucket = new TokenBucket(this.framesPerSecond() * context.limits.frameBurstSeconds, this.heardMs)
  }

  /** Takes the place; ends at once when a newer claim holds it. */
  open(): void {
    this.context.seats.add(this)
    this.room = this.context.fabric.enter(this.grant, this.place(), this)
    if (!this.ended) this.entered()
  }

  get order(): ClaimOrder {
    return this.grant.order
  }

  protected abstract place(): string
  protected abstract framesPerSecond(): number
  /** The place is taken: tells the other side (§11.9). */
  protected abstract entered(): void
  /** @param message - JSON as the sender spelled it; it is passed on unseen, as deep and as odd as it may be */
  protected abstract relayMessage(channelId: string, message: string): void
  protected abstract relayError(frame: ErrorFrame): void
  abstract deviceArrived(): void
  /** Whether nothing was relayed for too long. */
  abstract isIdle(nowMs: number): boolean

  onText(text: string): void {
    if (!this.countFrame()) return
    const frame = parseRoutingFrame(text)
    switch (frame?.type) {
      case 'MESSAGE': {
        const message = memberText(text, 'message')
        if (message === undefined) this.ignored()
        else this.relayMessage(frame.channelId, message)
        return
      }
      case 'ERROR':
        this.relayError(frame)
        return
      case 'PING':
        this.receive(PONG)
        return
      case 'PONG':
        return
      default:
        this.ignored()
    }
  }

  private ignored(): void {
    this.context.log('debug', 'rendezvous.frame.ignored', { productId: this.grant.productId, deviceId: this.grant.deviceId })
  }

  onOther(): void {
    this.countFrame()
  }

  /** False when the frame is not to be looked at. */
  private countFrame(): boolean {
    if (this.ended) return false
    this.heardMs = this.context.clock.monotonicMs()
    const perSecond = this.framesPerSecond()
    if (this.bucket.take(this.heardMs, perSecond, perSecond * this.context.limits.frameBurstSeconds)) return true
    this.end(CloseReasons.tooManyFrames)
    return false
  }

  onClosed(): void {
    this.ended = true
    this.context.seats.delete(this)
    this.room?.leave(this.place(), this)
  }

  receive(text: string): void {
    if (this.ended) return
    this.socket.sendText(text)
    if (this.socket.bufferedBytes() > this.context.limits.sendBufferBytes) this.drop(CloseReasons.slowReader)
  }

  replaced(): void {
    this.end(CloseReasons.replaced)
  }

  /** Called now and then; sends a PING when it is this seat's turn. */
  keepAlive(nowMs: number, pingNow: boolean): void {
    const { pingIntervalMs, silentIntervals } = this.context.limits
    if (nowMs - this.heardMs > pingIntervalMs * silentIntervals) this.drop(CloseReasons.silent)
    else if (this.isIdle(nowMs)) this.end(CloseReasons.idle)
    else if (pingNow) this.receive(PING)
  }

  /** From here on the seat neither sends nor relays, and the place is free. */
  end({ code, reason }: CloseReason): void {
    if (this.ended) return
    this.logEnd(code)
    // First, while the place is still its own: whoever is behind the socket may have a last word for the other side.
    this.socket.close(code, reason)
    this.onClosed()
  }

  private drop({ code }: CloseReason): void {
    this.logEnd(code)
    this.onClosed()
    this.socket.abandon()
  }

  private logEnd(code: number): void {
    const { productId, deviceId, channelId } = this.grant
    this.context.log('info', 'rendezvous.seat.ended', { productId, deviceId, role: channelId === undefined ? 'device' : 'client', code })
  }

  /** Delivers, or says that nobody was there to deliver to (protocol/webrtc-signaling.md §11.8). */
  protected deliver(place: string, channelId: string, text: string): void {
    whenAnswered(this.room?.send(place, text), (delivered) => {
      if (delivered !== true) this.receive(`{"type":"PEER_OFFLINE","channelId":${JSON.stringify(channelId)}}`)
    })
  }
}

/** The one seat of a device (§11.3, §11.6, §11.9). */
export class DeviceSeat extends Seat {
  protected place(): string {
    return DEVICE_PLACE
  }

  protected framesPerSecond(): number {
    return this.context.limits.deviceFramesPerSecond
  }

  protected entered(): void {
    this.room?.announceDevice()
  }

  deviceArrived(): void {
    // News for clients.
  }

  isIdle(): boolean {
    return false
  }

  protected relayMessage(channelId: string, message: string): void {
    this.toClient(channelId, `${messageStart(channelId)}${message}}`)
  }

  protected relayError(frame: ErrorFrame): void {
    this.toClient(frame.channelId, JSON.stringify(frame))
  }

  private toClient(channelId: string, text: string): void {
    // The empty ID is nobody's, and must not lead back to the device's own place.
    if (channelId !== DEVICE_PLACE) this.deliver(channelId, channelId, text)
  }
}

/** A client on its channel (§11.4, §11.6, §11.7). */
export class ClientSeat extends Seat {
  private readonly channelId: string
  private readonly messageStart: string
  private readonly messageEnd: string
  private relayedMs: number

  constructor(context: SeatContext, grant: SeatGrant & { channelId: string }, socket: SeatSocket) {
    super(context, grant, socket)
    this.channelId = grant.channelId
    this.messageStart = messageStart(grant.channelId)
    this.messageEnd = isVouchedFor(grant.kid) ? ',"authorized":true}' : '}'
    this.relayedMs = context.clock.monotonicMs()
  }

  protected place(): string {
    return this.channelId
  }

  protected framesPerSecond(): number {
    return this.context.limits.clientFramesPerSecond
  }

  protected entered(): void {
    whenAnswered(this.context.fabric.clientCount(this.grant), (count) => {
      if (count > channelsAllowed(this.context.limits, this.grant.kid)) this.end(CloseReasons.tooManyChannels)
      else void this.room?.send(DEVICE_PLACE, this.connectedFrame())
    })
  }

  deviceArrived(): void {
    this.receive(this.connectedFrame())
  }

  private connectedFrame(): string {
    return JSON.stringify({ type: 'PEER_CONNECTED', channelId: this.channelId })
  }

  isIdle(nowMs: number): boolean {
    return nowMs - this.relayedMs > this.context.limits.clientIdleMs
  }

  // Whatever channel and authority a frame claims, it goes out with the seat's own.

  protected relayMessage(_claimed: string, message: string): void {
    this.toDevice(this.messageStart + message + this.messageEnd)
  }

  protected relayError(frame: ErrorFrame): void {
    this.toDevice(JSON.stringify({ ...frame, channelId: this.channelId }))
  }

  private toDevice(text: string): void {
    this.relayedMs = this.context.clock.monotonicMs()
    this.deliver(DEVICE_PLACE, this.channelId, text)
  }
}

const messageStart = (channelId: string): string => `{"type":"MESSAGE","channelId":${JSON.stringify(channelId)},"message":`
