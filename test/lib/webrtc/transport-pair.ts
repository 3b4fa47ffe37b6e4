import type { WebrtcSignalingMessage } from '../../../lib/signaling/messages.ts'
import type { NegotiationTransport } from '../../../lib/webrtc/perfect-negotiation.ts'

type Listener = (message: WebrtcSignalingMessage) => Promise<void> | void

/** One end of a wire in memory: ordered, never delivering from inside a send, and passing copies as a wire does. */
export interface TransportEnd extends NegotiationTransport {
  /** Every message of this end, in order. */
  readonly sent: WebrtcSignalingMessage[]
  /** Has a message arrive here, from the peer or from a test. */
  deliver(message: WebrtcSignalingMessage): void
  /** What this end sends waits until `resume`. */
  pause(): void
  resume(): void
  /** Makes every send from now on fail. */
  failWith(error: Error): void
  readonly listenerCount: number
}

function transportEnd(mode: 0 | 1, peer: () => TransportEnd, delay: () => Promise<void>): TransportEnd {
  const listeners = new Set<Listener>()
  const sent: WebrtcSignalingMessage[] = []
  let waiting: WebrtcSignalingMessage[] | undefined
  let failure: Error | undefined
  let wire = Promise.resolve()
  return {
    mode,
    sent,
    get listenerCount() {
      return listeners.size
    },
    sendWebrtcSignalingMessage(message) {
      if (failure !== undefined) return Promise.reject(failure)
      const copy = JSON.parse(JSON.stringify(message)) as WebrtcSignalingMessage
      sent.push(copy)
      if (waiting === undefined) peer().deliver(copy)
      else waiting.push(copy)
      return Promise.resolve()
    },
    deliver(message) {
      wire = wire.then(delay).then(() => {
        for (const listener of listeners) void listener(message)
      })
    },
    pause() {
      waiting ??= []
    },
    resume() {
      const messages = waiting ?? []
      waiting = undefined
      for (const message of messages) peer().deliver(message)
    },
    failWith(error) {
      failure = error
    },
    on(_event, listener) {
      listeners.add(listener)
    },
    off(_event, listener) {
      listeners.delete(listener)
    },
  }
}

/** Two ends joined to each other; the device is the polite one. */
export function transportPair(delay: () => Promise<void> = () => Promise.resolve()): { client: TransportEnd; device: TransportEnd } {
  const client: TransportEnd = transportEnd(0, () => device, delay)
  const device: TransportEnd = transportEnd(1, () => client, delay)
  return { client, device }
}
