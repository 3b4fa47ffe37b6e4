import type { CoapClient } from '../coap/index.ts'
import type { CancelTimer, Clock } from '../runtime/index.ts'
import { createDataChannelPipe, type DataChannel, type PeerConnection } from '../webrtc/index.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 8_000

/** Keeps a `coap` channel open on a connection. */
export interface DeviceChannel {
  /** Opens no other. */
  close(): void
}

/**
 * Opens the `coap` channel (protocol/edge-webrtc.md §4.1), and another whenever it closes: what waits for an answer is asked
 * again over it. Pauses between one and the next grow from 250 ms to 8 s until one has lived for as long as that.
 * @param opened - called each time a channel has opened
 */
export function keepDeviceChannel(peerConnection: PeerConnection, coap: Pick<CoapClient, 'attach'>, clock: Clock, opened: () => void): DeviceChannel {
  let pauseMs = FIRST_PAUSE_MS
  let openedMs = Infinity
  let cancel: CancelTimer | undefined
  let channel: DataChannel | undefined
  let over = false

  function open(): void {
    if (over || peerConnection.connectionState === 'closed') return
    channel = peerConnection.createDataChannel('coap')
    channel.addEventListener('open', onOpen)
    channel.addEventListener('close', onClose)
    if (channel.readyState === 'open') onOpen()
  }

  function onOpen(): void {
    if (channel === undefined || over) return
    channel.removeEventListener('open', onOpen)
    openedMs = clock.monotonicMs()
    coap.attach(createDataChannelPipe(channel))
    opened()
  }

  function onClose(): void {
    release()
    if (over) return
    if (clock.monotonicMs() - openedMs >= LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS
    openedMs = Infinity
    cancel = clock.after(pauseMs, () => {
      try {
        open()
      } catch {
        // An engine may refuse while its connection is between two states.
        onClose()
      }
    })
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }

  function release(): void {
    channel?.removeEventListener('open', onOpen)
    channel?.removeEventListener('close', onClose)
    channel = undefined
  }

  open()
  return {
    close(): void {
      over = true
      cancel?.()
      const last = channel
      release()
      last?.close()
    },
  }
}
