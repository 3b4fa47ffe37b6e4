import type * as Werift from 'werift'
import type { MediaSection } from '../../../lib/webrtc/sdp.ts'

/**
 * werift 0.24 starts ICE and DTLS once more, over those that are starting, when an exchange is completed before the connection
 * is up; then neither comes up. Its own method is replaced by one that joins the start in progress.
 */
export function connectOnceAtATime(native: Werift.RTCPeerConnection): void {
  const connect: unknown = Reflect.get(native, 'connect')
  if (typeof connect !== 'function') return
  let running: Promise<unknown> | undefined
  Reflect.set(native, 'connect', () => {
    running ??= Promise.resolve(Reflect.apply(connect, native, [])).finally(() => {
      running = undefined
    })
    return running
  })
}

/**
 * werift 0.24 numbers data channels by the ICE role, which changes hands when both ends offered: then both use the same numbers. It
 * has to be the DTLS role, the client even and the server odd (RFC 8832 §6). What the library calls a server uses even numbers.
 */
export function numberByDtlsRole(transport: Werift.RTCSctpTransport): void {
  if (Object.hasOwn(transport, 'isServer')) return
  Object.defineProperty(transport, 'isServer', { get: () => transport.dtlsTransport.role === 'client' })
}

/**
 * werift 0.24 gives the number of a closed data channel to the next one while the streams of the first are still being reset, and
 * the reset then closes the second. Here each channel of a connection has a number of its own.
 */
export function neverReuseNumbers(transport: Werift.RTCSctpTransport): void {
  if (Object.getOwnPropertyDescriptor(transport, 'dataChannelId')?.get !== undefined) return
  // The library reads it once for each channel, and sets it when it knows its role.
  let next: unknown = Reflect.get(transport, 'dataChannelId')
  Object.defineProperty(transport, 'dataChannelId', {
    get() {
      const number = next
      if (typeof next === 'number') next += 2
      return number
    },
    set(first: unknown) {
      next = first
    },
  })
}

/**
 * werift 0.24 takes the controlling role with each offer, in the middle of the connectivity checks too: an answer that is followed by
 * an offer of our own then has both ends control, and the path comes seconds later or never. A role is for as long as the path is
 * (RFC 8445 §6.1.1): what is checked already keeps its own.
 */
export function keepIceRoles(native: Werift.RTCPeerConnection): void {
  const manager: unknown = Reflect.get(native, 'secureManager')
  if (typeof manager !== 'object' || manager === null) return
  const setLocalRole: unknown = Reflect.get(manager, 'setLocalRole')
  if (typeof setLocalRole !== 'function') return
  Reflect.set(manager, 'setLocalRole', (...description: unknown[]) => {
    const decided = native.iceTransports.filter(({ state }) => state !== 'new').map(({ connection }) => ({ connection, isControlling: connection.iceControlling }))
    Reflect.apply(setLocalRole, manager, description)
    for (const { connection, isControlling } of decided) connection.iceControlling = isControlling
  })
}

/** ContentType of a record (RFC 6347 §4.1). An alert that comes early is of nobody who is known, and would end the connection. */
const DTLS_HANDSHAKE = 22
/** More than a handshake begins with. */
export const MAX_EARLY = 8
const waiting = new WeakSet<Werift.RTCDtlsTransport>()

/**
 * werift 0.24 drops what a handshake begins with when that comes before its own end of the path is up, as it does from a peer that is
 * nominated and quick; the peer waits a second before it tries again. Here it is kept until the handshake can begin.
 */
export function keepEarlyHandshake(transport: Werift.RTCDtlsTransport): void {
  if (transport.state !== 'new' || waiting.has(transport)) return
  waiting.add(transport)
  const early: Buffer[] = []
  const { onData } = transport.iceTransport.connection
  const data = onData.subscribe((packet) => {
    if (packet[0] === DTLS_HANDSHAKE && early.length < MAX_EARLY) early.push(packet)
  })
  const state = transport.onStateChange.subscribe(() => {
    data.unSubscribe()
    state.unSubscribe()
    // Who takes it listens by then.
    setImmediate(() => {
      for (const packet of early) {
        try {
          onData.execute(packet)
        } catch {
          // It is no handshake; the library drops such packets too.
        }
      }
    })
  })
}

/**
 * werift 0.24 leaves what it offered the places of an offer that is rolled back: media whose place the peer's offer gives to something
 * else is never offered again, and the peer's candidates for the data channels are refused, as of a place that nothing has.
 * @param agreed - sections that both ends have agreed on
 * @param offered - those of the peer's offer
 */
export function forgetPlaces(native: Werift.RTCPeerConnection, agreed: readonly MediaSection[], offered: readonly MediaSection[]): void {
  for (const transceiver of native.getTransceivers()) {
    if (transceiver.mid === null || agreed.some(({ mid }) => mid === transceiver.mid)) continue
    transceiver.mid = null
    transceiver.mLineIndex = undefined
  }
  if (native.sctpTransport !== undefined) native.sctpTransport.mid = offered.find(({ kind }) => kind === 'application')?.mid
}

const mended = new WeakSet()

/**
 * werift 0.24 keeps the socket to a TURN server that refused, and after a connection is closed sleeps on until it would have refreshed its
 * allocation (RFC 8656 §3.4), minutes in which the process cannot end.
 */
export function letGoOfTurn({ TurnProtocol, Message, methods, classes }: typeof Werift): void {
  const { prototype } = TurnProtocol
  const connectionMade: unknown = Reflect.get(prototype, 'connectionMade')
  if (mended.has(prototype) || typeof connectionMade !== 'function') return
  mended.add(prototype)
  prototype.connectionMade = async function (this: Werift.TurnProtocol): Promise<void> {
    Reflect.set(this, 'refresh', (lifetimeSeconds: number) => { refreshUntilClosed(this, lifetimeSeconds) })
    try {
      await Reflect.apply(connectionMade, this, [])
    } catch (refused) {
      await this.close()
      throw refused
    }
  }

  function refreshUntilClosed(turn: Werift.TurnProtocol, lifetimeSeconds: number): void {
    let seconds = lifetimeSeconds
    let timer: ReturnType<typeof setTimeout> | undefined
    let closed = false
    const wait = (): void => {
      if (!closed) timer = setTimeout(() => void refresh(), seconds * 1000 * 5 / 6)
    }
    const refresh = async (): Promise<void> => {
      const request = new Message(methods.REFRESH, classes.REQUEST)
      request.setAttribute('LIFETIME', seconds)
      try {
        const [answer] = await turn.requestWithRetry(request, turn.server)
        seconds = Number(answer.getAttributeValue('LIFETIME'))
      } catch {
        // The next one may be answered; when none is, the path fails and with it the connection.
      }
      wait()
    }
    // What the library's own `close` calls.
    Reflect.set(turn, 'refreshHandle', { resolve: () => {
      closed = true
      clearTimeout(timer)
    } })
    wait()
  }
}
