import { encodeUtf8 } from '../bytes/index.ts'
import { contentFormats } from '../coap/index.ts'
import { messageOf } from '../errors.ts'
import { parseClaims, parseCompactJws } from '../jwt/compact.ts'
import type { CancelTimer, Clock, Log } from '../runtime/index.ts'
import type { PeerConnection } from '../webrtc/index.ts'
import type { CameraClient } from './camera-client.ts'
import { ClientError, requireSuccess } from './errors.ts'

/** A token is renewed so long before it expires, or at half of its time where that is shorter. */
const EARLY_MS = 60_000
/** After a renewal that failed. */
const AGAIN_MS = 5_000

/**
 * Logs in by an OAuth token for this device (protocol/edge-webrtc.md §6), and with a new one each time before it expires, so
 * that the session goes on. The token goes to a device that has proved itself, and to nobody else.
 * @param token - called now and before each expiry; gives a token whose audience is this device
 * @returns ends the renewals @throws {ClientError} `ERR_CLIENT_UNVERIFIED` {RefusedError}, and what `token` and `coap` reject with
 */
export async function authenticateOauth<Connection extends PeerConnection>(
  client: Pick<CameraClient<Connection>, 'coap' | 'verifiedDevice' | 'viewer'>, token: () => Promise<string>, { clock, log }: { clock: Clock; log: Log },
): Promise<() => void> {
  let cancel: CancelTimer = () => undefined
  let over = false

  async function present(): Promise<void> {
    const text = await token()
    if (client.verifiedDevice === undefined) throw new ClientError('ERR_CLIENT_UNVERIFIED', 'a token is for the device alone, and nobody has proved to be it; verify its fingerprint first')
    requireSuccess(await client.coap('POST', '/webrtc/oauth', { contentFormat: contentFormats.text, payload: encodeUtf8(text) }))
    const { exp } = parseClaims(parseCompactJws(text).payload, {})
    if (typeof exp !== 'number') return
    const leftMs = exp * 1000 - clock.nowMs()
    again(Math.max(leftMs / 2, leftMs - EARLY_MS))
  }

  function again(waitMs: number): void {
    if (over) return
    cancel = clock.after(Math.max(waitMs, AGAIN_MS), () => {
      present().catch((thrown: unknown) => {
        log('warn', 'oauth.renewal.failed', { reason: messageOf(thrown) })
        again(AGAIN_MS)
      })
    })
  }

  const stop = (): void => {
    over = true
    cancel()
    client.viewer.off('ended', stop)
  }
  client.viewer.on('ended', stop)
  try {
    await present()
  } catch (thrown) {
    stop()
    throw thrown
  }
  return stop
}
