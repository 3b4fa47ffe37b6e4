import { encodeUtf8 } from '../bytes/index.ts'
import { type EdgeCloseCode, EdgeCloseCodes } from '../edge/close-codes.ts'
import { decodeEdgeEnvelope, EDGE_OPEN, encodeEdgeRecordEnvelope } from '../edge/envelope.ts'
import { decodeEdgeLogin, EDGE_LOGIN_RESPONSE, type EdgeLogin } from '../edge/login.ts'
import { LenskeyError, messageOf } from '../errors.ts'
import type { CancelTimer, Clock, Log } from '../runtime/index.ts'
import { Channel } from '../signaling/channel.ts'
import { type SignalingError, SignalingErrorCodes } from '../signaling/errors.ts'
import { parseRoutingFrame } from '../signaling/frames.ts'
import { DEFAULT_SIGNALING_LIMITS, DEFAULT_SIGNALING_TIMES } from '../signaling/limits.ts'
import { SignalingChannelState } from '../signaling/states.ts'
import { CloseReasons, type RendezvousLimits } from './limits.ts'
import { TokenBucket } from './rates.ts'
import type { SeatEvents, SeatSocket } from './seats.ts'

/** A browser's WebSocket with the subprotocol `json` (protocol/edge-webrtc.md §1). */
export interface EdgeSocket extends SeatSocket {
  /** A WebSocket ping; browsers answer by themselves. */
  ping(): void
}

/** What a client needs of the door it came in by. */
export interface EdgeDoorway {
  readonly clock: Clock
  readonly log: Log
  readonly limits: RendezvousLimits
  /** Finds out whether the login is good, and seats the client in that same moment. */
  logIn(login: EdgeLogin, client: EdgeClient): void
  ended(client: EdgeClient): void
}

/**
 * One browser of the Edge dialect: its WebSocket on one side, on the other a client's seat with a channel of the reliability
 * layer, so that nothing is lost when the device's socket is cut (docs/edge.md).
 */
export class EdgeClient implements SeatEvents {
  /** Of this end of the channel: what the relay has for the client comes out here. */
  readonly seatSocket: SeatSocket
  readonly #door: EdgeDoorway
  readonly #socket: EdgeSocket
  readonly #bucket: TokenBucket
  #state: 'login' | 'admission' | 'opening' | 'open' | 'over' = 'login'
  #seat: SeatEvents | undefined
  #channel: Channel | undefined
  #heardMs: number
  #cancelStep: CancelTimer
  #cancelPing: CancelTimer

  constructor(door: EdgeDoorway, socket: EdgeSocket) {
    const { clock, limits } = door
    this.#door = door
    this.#socket = socket
    this.#heardMs = clock.monotonicMs()
    this.#bucket = new TokenBucket(limits.clientFramesPerSecond * limits.frameBurstSeconds, this.#heardMs)
    this.#cancelStep = this.#within(limits.edgeLoginMs, EdgeCloseCodes.connectionTimeout, 'no login came in time')
    this.#cancelPing = clock.after(limits.pingIntervalMs, this.#keepAlive)
    this.seatSocket = {
      sendText: (text) => {
        // Never from inside a call on the seat: the channel may be in the middle of sending.
        void Promise.resolve().then(() => { this.#fromSeat(text) })
      },
      close: (code, reason) => { this.end(closeCodes.get(code) ?? EdgeCloseCodes.policy, reason) },
      abandon: () => { this.#abandon() },
      bufferedBytes: () => socket.bufferedBytes(),
    }
  }

  onText(text: string): void {
    if (!this.#countFrame()) return
    if (this.#state === 'open') {
      this.#sendRecord(text)
    } else if (this.#state === 'login') {
      const login = decodeEdgeLogin(text)
      if (login === undefined) {
        this.end(EdgeCloseCodes.unsupportedPayload, 'the first frame must be a LOGIN_REQUEST')
        return
      }
      this.#state = 'admission'
      this.#cancelStep()
      this.#door.logIn(login, this)
    } else {
      this.end(EdgeCloseCodes.unsupportedPayload, 'nothing may be sent before LOGIN_RESPONSE')
    }
  }

  onOther(): void {
    this.#countFrame()
  }

  onClosed(): void {
    this.#finish()
  }

  get over(): boolean {
    return this.#state === 'over'
  }

  /** Opens the stream to the device. @param seat - what the client's frames go to */
  enter(seat: SeatEvents, channelId: string): void {
    if (this.over) {
      seat.onClosed()
      return
    }
    const { clock, log, limits } = this.#door
    this.#state = 'opening'
    this.#seat = seat
    this.#cancelStep = this.#within(limits.edgeOpenMs, EdgeCloseCodes.connectionTimeout, 'the device did not answer in time')
    const channel = new Channel({
      host: { clock, log },
      limits: DEFAULT_SIGNALING_LIMITS,
      times: DEFAULT_SIGNALING_TIMES,
      // One that lasts as long as the browser's own.
      socketNumber: () => 1,
      transmit: (frame) => { seat.onText(frame) },
      closed: () => undefined,
      failed: () => undefined,
    }, channelId)
    this.#channel = channel
    channel.on('message', (message) => { this.#fromDevice(message) })
    channel.on('error', (error) => { this.#refused(error) })
    channel.on('channelstatechange', () => { this.#stateChanged(channel.channelState) })
    channel.setState(SignalingChannelState.CONNECTED)
    this.#send(EDGE_OPEN)
  }

  /** Ends the session; the device is told where it has one. */
  end(code: EdgeCloseCode, reason: string): void {
    if (this.over) return
    this.#door.log('info', 'rendezvous.edge.ended', { code })
    this.#finish()
    this.#socket.close(code, shortReason(reason))
  }

  #abandon(): void {
    if (this.over) return
    this.#finish()
    this.#socket.abandon()
  }

  #finish(): void {
    if (this.over) return
    this.#state = 'over'
    this.#cancelStep()
    this.#cancelPing()
    this.#channel?.close()
    this.#seat?.onClosed()
    this.#door.ended(this)
  }

  #within(ms: number, code: EdgeCloseCode, reason: string): CancelTimer {
    return this.#door.clock.after(ms, () => { this.end(code, reason) })
  }

  readonly #keepAlive = (): void => {
    const { clock, limits: { pingIntervalMs, silentIntervals } } = this.#door
    this.#cancelPing = clock.after(pingIntervalMs, this.#keepAlive)
    if (clock.monotonicMs() - this.#heardMs > pingIntervalMs * silentIntervals) this.#abandon()
    else this.#socket.ping()
  }

  #countFrame(): boolean {
    if (this.over) return false
    const { clock, limits: { clientFramesPerSecond, frameBurstSeconds } } = this.#door
    this.#heardMs = clock.monotonicMs()
    if (this.#bucket.take(this.#heardMs, clientFramesPerSecond, clientFramesPerSecond * frameBurstSeconds)) return true
    this.end(EdgeCloseCodes.policy, CloseReasons.tooManyFrames.reason)
    return false
  }

  #sendRecord(record: string): void {
    this.#send(encodeEdgeRecordEnvelope(record))
  }

  #send(message: Parameters<Channel['sendMessage']>[0]): void {
    this.#channel?.sendMessage(message).catch((thrown: unknown) => {
      if (thrown instanceof LenskeyError && thrown.code === 'ERR_SIGNALING_MESSAGE_TOO_LARGE') this.end(EdgeCloseCodes.tooLarge, thrown.message)
      else this.end(EdgeCloseCodes.deviceInternalError, `the device does not take what is sent: ${messageOf(thrown)}`)
    })
  }

  #fromSeat(text: string): void {
    if (this.over) return
    const frame = parseRoutingFrame(text)
    if (frame?.type === 'PING') this.#seat?.onText('{"type":"PONG"}')
    else if (frame !== undefined && frame.type !== 'PONG') this.#channel?.handleFrame(frame, text.length)
  }

  #fromDevice(message: unknown): void {
    const envelope = decodeEdgeEnvelope(message)
    if (envelope === EDGE_OPEN && this.#state === 'opening') {
      this.#state = 'open'
      this.#cancelStep()
      this.#socket.sendText(EDGE_LOGIN_RESPONSE)
    } else if (envelope !== undefined && 'record' in envelope && this.#state === 'open') {
      this.#socket.sendText(envelope.record)
    } else {
      this.end(EdgeCloseCodes.deviceInternalError, 'the device sent what is no message of an Edge stream')
    }
  }

  /** A device that was there may come back, one that never was will not in time. */
  #stateChanged(state: SignalingChannelState): void {
    if (this.over || (state !== SignalingChannelState.DISCONNECTED && state !== SignalingChannelState.CONNECTED)) return
    if (this.#state === 'opening') {
      if (state === SignalingChannelState.DISCONNECTED) this.end(EdgeCloseCodes.deviceOffline, 'the device is not connected')
      return
    }
    this.#cancelStep()
    if (state === SignalingChannelState.DISCONNECTED) {
      this.#cancelStep = this.#within(this.#door.limits.edgeDeviceAwayMs, EdgeCloseCodes.deviceOffline, 'the device went away and did not come back')
    }
  }

  /** The device ended the channel (protocol/webrtc-signaling.md §5.2). */
  #refused({ errorCode, errorMessage = '' }: SignalingError): void {
    switch (errorCode) {
      case SignalingErrorCodes.CHANNEL_CLOSED:
        this.end(EdgeCloseCodes.deviceClosed, 'the device closed the session')
        return
      case SignalingErrorCodes.ACCESS_DENIED:
      case SignalingErrorCodes.NO_MORE_CHANNELS:
        this.end(EdgeCloseCodes.signalingDenied, errorMessage === '' ? 'the device refused the session' : errorMessage)
        return
      case SignalingErrorCodes.DECODE_ERROR:
      case SignalingErrorCodes.VERIFICATION_ERROR:
        if (this.#state === 'opening') {
          this.end(EdgeCloseCodes.signalingDenied, 'this device does not speak the Edge dialect')
          return
        }
        break
      case SignalingErrorCodes.CHANNEL_NOT_FOUND:
        this.end(EdgeCloseCodes.deviceInternalError, 'the device has started anew')
        return
    }
    this.end(EdgeCloseCodes.deviceInternalError, errorMessage === '' ? `the device failed: ${errorCode}` : errorMessage)
  }
}

/** What the reasons for which a seat ends are to a browser. */
const closeCodes = /* @__PURE__ */ new Map<number, EdgeCloseCode>([
  [CloseReasons.draining.code, EdgeCloseCodes.goingAway],
  [CloseReasons.revoked.code, EdgeCloseCodes.tokenRejected],
  [CloseReasons.idle.code, EdgeCloseCodes.connectionTimeout],
  [CloseReasons.tooManyChannels.code, EdgeCloseCodes.tryAgainLater],
])

/** As much as fits into a close frame (RFC 6455 §5.5), 123 bytes. */
function shortReason(reason: string): string {
  let text = reason.slice(0, 123)
  while (encodeUtf8(text).length > 123) text = text.slice(0, -1)
  return text
}
