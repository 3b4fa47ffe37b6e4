import { LenskeyError, messageOf } from '../errors.ts'
import { generateServerConnectToken, type Iam } from '../iam/index.ts'
import { fits } from '../iam/limits.ts'
import type { CancelTimer, Host } from '../runtime/index.ts'
import { deviceBackOffCapMs, jitteredWaitMs, parseRetryAfter, retryAfterWaitMs } from '../signaling/back-off.ts'
import { endpointOf } from '../signaling/http-api.ts'
import { type SignalingDevice, SignalingConnectionState } from '../signaling/index.ts'
import { MAX_SERVER_CONNECT_TOKEN_BYTES, MAX_SERVER_CONNECT_TOKENS, serverConnectTokenHash } from './sct-hash.ts'

export interface ServerConnectTokensOptions {
  /** Whose connection to the service decides when the set is sent. */
  device: Pick<SignalingDevice, 'connectionState' | 'on' | 'off'>
  productId: string
  deviceId: string
  /** As for the device. */
  endpointUrl?: string
  /** A fresh device token for each request. */
  tokenGenerator: () => Promise<string>
  /** Its tokens are part of the set, and follow every change of it: that of open pairing, and those of users. */
  iam?: Iam
}

/**
 * The tokens with which clients get through to this device (protocol/iam.md §7), here and at the rendezvous, which is sent the
 * whole set whenever the device has come to it and whenever the set has changed, until it acknowledges.
 */
export interface ServerConnectTokens {
  /** 12 characters of 62; not part of the set until it is added. */
  create(): string
  /** @throws {RangeError} not 1 to 64 bytes, as many as a rendezvous keeps */
  add(token: string): void
  /** One that was added; it opens nothing once the rendezvous has heard of it. False when there was none. */
  remove(token: string): boolean
  /** All of them, in the order in which they are sent. */
  list(): readonly string[]
  /** False while the rendezvous, as far as there is one, does not have the set as it is. */
  readonly synchronized: boolean
  /** Sends nothing any more. */
  close(): void
}

/** A number: to be tried again after so many ms. */
type Outcome = 'acknowledged' | 'not supported' | number

/** A service without such an endpoint keeps no tokens; it is asked again when the device comes to it the next time. */
const NOT_SUPPORTED: readonly number[] = [404, 405, 501]

export function createServerConnectTokens(
  options: ServerConnectTokensOptions, host: Pick<Host, 'clock' | 'random' | 'http' | 'log' | 'nativeCrypto'>,
): ServerConnectTokens {
  const { device, iam, tokenGenerator } = options
  const { clock, random, http, log } = host
  const { url, productId, deviceId } = endpointOf(options)
  const added = new Set<string>()
  /** The set that the service has acknowledged since the device came to it. */
  let acknowledged: string | undefined
  let attached = false
  /** How often the device has come to the service or gone from it. */
  let visits = 0
  let supported = true
  let sending = false
  let closed = false
  let attempts = 0
  let cancelRetry: CancelTimer | undefined

  const list = (): string[] => [...new Set([...(iam?.serverConnectTokens ?? []), ...added])]

  /** The set as it is sent. */
  function hashes(): string[] {
    const tokens = list()
    if (tokens.length > MAX_SERVER_CONNECT_TOKENS) log('error', 'sct.set.too-large', { tokens: tokens.length, sent: MAX_SERVER_CONNECT_TOKENS })
    return tokens.slice(0, MAX_SERVER_CONNECT_TOKENS).map((token) => serverConnectTokenHash({ productId, deviceId }, token, host.nativeCrypto))
  }

  function synchronize(): void {
    if (closed || !attached || !supported || sending || cancelRetry !== undefined) return
    const set = hashes()
    const text = set.join()
    if (text === acknowledged) return
    sending = true
    const visit = visits
    void send(set).then((outcome) => {
      sending = false
      // What was sent during another visit may have gone to another node, or another service.
      if (visit === visits) settle(outcome, text)
      synchronize()
    })
  }

  function settle(outcome: Outcome, text: string): void {
    if (outcome === 'not supported') {
      supported = false
    } else if (outcome === 'acknowledged') {
      attempts = 0
      acknowledged = text
    } else if (!closed && attached) {
      cancelRetry = clock.after(outcome, () => {
        cancelRetry = undefined
        synchronize()
      })
    }
  }

  /** Never rejects. */
  async function send(set: readonly string[]): Promise<Outcome> {
    const cap = deviceBackOffCapMs(attempts++)
    const again = jitteredWaitMs(cap, 0.5 + random.bytes(1)[0] / 512)
    try {
      const response = await request(set)
      const { status } = response
      if (status >= 200 && status <= 299) return 'acknowledged'
      if (NOT_SUPPORTED.includes(status)) {
        log('info', 'sct.not-supported', { status })
        return 'not supported'
      }
      log('warn', 'sct.upload.refused', { status })
      const seconds = status === 429 ? parseRetryAfter(response.header('retry-after'), clock.nowMs()) : undefined
      return seconds === undefined ? again : retryAfterWaitMs(seconds, random.bytes(1)[0] / 256)
    } catch (thrown) {
      log('warn', 'sct.upload.failed', { reason: thrown instanceof LenskeyError ? thrown.code : messageOf(thrown) })
      return again
    }
  }

  async function request(set: readonly string[]): ReturnType<typeof http.request> {
    return http.request({
      method: 'PUT',
      url: `${url}/v1/device/server-connect-tokens`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenGenerator()}` },
      body: JSON.stringify({ productId, deviceId, hashes: set }),
      maxBodyBytes: 4096,
    })
  }

  function onConnection(): void {
    const isConnected = device.connectionState === SignalingConnectionState.CONNECTED
    if (isConnected === attached) return
    attached = isConnected
    visits++
    acknowledged = undefined
    supported = true
    attempts = 0
    cancelRetry?.()
    cancelRetry = undefined
    synchronize()
  }

  device.on('connectionstatechange', onConnection)
  const stopListening = iam?.onChange(synchronize)
  onConnection()

  return {
    create: () => generateServerConnectToken(random),
    add(token) {
      if (token === '' || !fits(token, MAX_SERVER_CONNECT_TOKEN_BYTES)) throw new RangeError(`a server connect token has 1 to ${MAX_SERVER_CONNECT_TOKEN_BYTES} bytes`)
      if (!added.has(token) && list().length >= MAX_SERVER_CONNECT_TOKENS) throw new RangeError(`there are ${MAX_SERVER_CONNECT_TOKENS} server connect tokens already`)
      added.add(token)
      synchronize()
    },
    remove(token) {
      const removed = added.delete(token)
      synchronize()
      return removed
    },
    list,
    get synchronized() {
      return !attached || !supported || hashes().join() === acknowledged
    },
    close() {
      closed = true
      device.off('connectionstatechange', onConnection)
      stopListening?.()
      cancelRetry?.()
      cancelRetry = undefined
    },
  }
}
