import { encodeUtf8 } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { Http, HttpResponse, WebSocketConnection, WebSocketHandlers, WebSockets } from '../runtime/index.ts'
import type { DeviceIds } from './ids.ts'
import type { Relay } from './relay.ts'

/** The endpoint of a device that reaches its rendezvous through {@link createInnerSeat}. */
export const INNER_ENDPOINT = 'http://inner.invalid'

const INNER_SOCKET = 'ws://inner.invalid/seat'

/**
 * The network of a device whose rendezvous runs in its own process, for that device alone: requests and frames go from hand
 * to hand. It needs no proof, for nobody else has a way in here; where the service gives seats to devices from outside, this
 * is not to be used.
 * @param device - whose seat it is
 */
export function createInnerSeat(relay: Pick<Relay, 'seat'>, device: DeviceIds): { http: Http; webSockets: WebSockets } {
  let serial = 0

  function open(handlers: WebSocketHandlers): WebSocketConnection {
    let over = false
    // As on a network, nothing is heard before the one who said it has come to an end.
    const later = (step: () => void): void => void Promise.resolve().then(step)
    const ended = (code: number, reason: string): void => {
      if (over) return
      over = true
      later(() => {
        handlers.closed(code, reason)
      })
    }
    later(() => {
      if (!over) handlers.opened()
    })
    const events = relay.seat({ ...device, kid: undefined, channelId: undefined, order: { issuedAt: 0, serial: ++serial } }, {
      sendText(text) {
        later(() => {
          if (!over) handlers.text(text)
        })
      },
      close: ended,
      abandon: () => {
        ended(1006, '')
      },
      bufferedBytes: () => 0,
    })
    const leave = (code: number, reason: string): void => {
      if (over) return
      events.onClosed()
      ended(code, reason)
    }
    return {
      send(message) {
        later(() => {
          if (!over) events.onText(message)
        })
      },
      close: leave,
      abandon: () => {
        leave(1006, '')
      },
      bufferedBytes: () => 0,
    }
  }

  return {
    http: {
      request({ url }): Promise<HttpResponse> {
        if (url === `${INNER_ENDPOINT}/v1/device/connect`) return answer({ signalingUrl: INNER_SOCKET })
        if (url === `${INNER_ENDPOINT}/v1/ice-servers`) return answer({ iceServers: [] })
        return Promise.reject(new LenskeyError('ERR_HTTP_UNREACHABLE', 'this network has the seat of one device and nothing else'))
      },
    },
    webSockets: { open: (_url, handlers) => open(handlers) },
  }
}

function answer(body: unknown): Promise<HttpResponse> {
  return Promise.resolve({ status: 200, header: () => undefined, body: encodeUtf8(JSON.stringify(body)) })
}
