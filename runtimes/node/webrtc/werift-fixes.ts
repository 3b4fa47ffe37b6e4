import type * as Werift from 'werift'

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
 * werift 0.24 leaves its transceivers the places they had in an offer that is rolled back; where the peer's offer has given such a
 * place to something else, they are never offered again.
 * @param agreed - mids of the sections that both ends have agreed on
 */
export function forgetPlaces(native: Werift.RTCPeerConnection, agreed: readonly string[]): void {
  for (const transceiver of native.getTransceivers()) {
    if (transceiver.mid === null || agreed.includes(transceiver.mid)) continue
    transceiver.mid = null
    transceiver.mLineIndex = undefined
  }
}
