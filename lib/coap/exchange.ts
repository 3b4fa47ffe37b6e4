import { LenskeyError } from '../errors.ts'
import type { Clock, Random } from '../runtime/index.ts'
import { type Ask, download, transfer } from './block-client.ts'
import type { CoapMethod } from './codes.ts'
import { createExchangeTable } from './exchange-table.ts'
import type { MessagePipe } from './message-pipe.ts'
import { coapOptions } from './options.ts'
import { type CoapRequest, type CoapResponse, coapSegments } from './request.ts'
import { type CoapContent, messageOfRequest, noBytes, responseOfMessage, uintOption, withOptions } from './request-message.ts'

export interface CoapRequestOptions {
  query?: readonly string[]
  contentFormat?: number
  accept?: number
  payload?: Uint8Array
  /** From the call to the whole answer, pauses without a pipe included; default 15,000. */
  timeoutMs?: number
}

/** Watches a resource (RFC 7641). */
export interface CoapObservation {
  /** Ends the watch and tells the other side. */
  cancel(): void
}

/** Asks over whichever pipe is attached, and keeps what is asked while there is none. */
export interface CoapClient {
  /** The pipe to use from now on: what waits for an answer is asked again over it, and the other side does not do it twice. */
  attach(pipe: MessagePipe): void
  /**
   * Any response resolves, error codes included.
   * @throws {LenskeyError} `ERR_COAP_TIMEOUT`, `ERR_COAP_CLOSED`, `ERR_COAP_BUSY` (too many wait already),
   * `ERR_COAP_TOO_LARGE`, `ERR_COAP_UNSUPPORTED` (the other side speaks the JSON framing alone, which cannot carry this)
   */
  request(method: CoapMethod, path: string, options?: CoapRequestOptions): Promise<CoapResponse>
  /**
   * @param changed - called with the present state and with each later one, newest last; after an error code, no more
   * @param failed - called once when the watch cannot go on, with the reason as `request` throws it
   */
  observe(path: string, changed: (response: CoapResponse) => void, failed?: (reason: unknown) => void): CoapObservation
  /** Fails everything that waits with `ERR_COAP_CLOSED` and closes the pipe. */
  close(): void
}

const DEFAULT_TIMEOUT_MS = 15_000

export interface CoapClientLimits {
  /** Requests without an answer at the same time; default 32. */
  maxOutstanding?: number
  /** Of one whole payload of an answer; default 65,536. */
  maxBodyBytes?: number
  /** How long a new pipe's other side has to say that it speaks the compact framing; default 2,000. */
  negotiateMs?: number
}

/**
 * Speaks the JSON framing (protocol/edge-webrtc.md §4.1) until the other side has said that it knows the compact one
 * (RFC 8323 §4.2 in binary messages), and the compact one from then on.
 */
export function createCoapClient(host: { clock: Clock; random: Random }, limits: CoapClientLimits = {}): CoapClient {
  const { maxOutstanding = 32, maxBodyBytes = 65_536, negotiateMs = 2_000 } = limits
  const table = createExchangeTable(host, negotiateMs)
  const calls = new Set<(reason: LenskeyError) => void>()
  let closed = false

  /** @param work - asks as often as it needs, within one time limit */
  async function call(timeoutMs: number, payloadBytes: number, work: (ask: Ask, maxPayload: number) => Promise<CoapContent>): Promise<CoapContent> {
    if (closed) throw closedError()
    if (calls.size >= maxOutstanding) throw new LenskeyError('ERR_COAP_BUSY', `${maxOutstanding} requests wait for an answer already`)
    let waiting: string | undefined
    const ask = (message: CoapContent): Promise<CoapContent> => new Promise((resolve, reject) => {
      waiting = table.open(message, (reply) => {
        if (waiting !== undefined) table.close(waiting)
        resolve(reply)
      }, reject)
    })
    return new Promise((resolve, reject) => {
      const end = (): void => {
        calls.delete(fail)
        cancelTimer()
        if (waiting !== undefined) table.close(waiting)
      }
      const fail = (reason: unknown): void => {
        end()
        reject(reason instanceof Error ? reason : new TypeError('not an error'))
      }
      const cancelTimer = host.clock.after(timeoutMs, () => { fail(new LenskeyError('ERR_COAP_TIMEOUT', `no answer within ${timeoutMs} ms`)) })
      calls.add(fail)
      const run = (maxPayload: number): void => {
        work(ask, maxPayload).then((reply) => {
          end()
          resolve(reply)
        }, fail)
      }
      const room = table.room(payloadBytes)
      if (typeof room === 'number') run(room)
      else void room.then((found) => { if (calls.has(fail)) run(found) })
    })
  }

  return {
    attach(pipe): void {
      if (closed) pipe.close()
      else table.attach(pipe)
    },
    async request(method, path, options = {}): Promise<CoapResponse> {
      const { timeoutMs = DEFAULT_TIMEOUT_MS, payload = noBytes, ...rest } = options
      const content = messageOfRequest({ method, segments: coapSegments(path), payload, ...rest })
      return whole(await call(timeoutMs, payload.length, (ask, maxPayload) => transfer(ask, content, { maxPayload, maxBodyBytes })))
    },
    observe(path, changed, failed): CoapObservation {
      const request: CoapRequest = { method: 'GET', segments: coapSegments(path), payload: noBytes }
      const content = withOptions(messageOfRequest(request), { number: coapOptions.observe.number, value: 0 })
      let latest: CoapContent | undefined
      let busy = false

      function end(reason?: unknown): void {
        calls.delete(end)
        table.close(token)
        if (reason !== undefined) failed?.(reason)
      }

      /** While the rest of one state is fetched, only the newest of those that follow is kept. */
      async function deliver(): Promise<void> {
        while (latest !== undefined && calls.has(end)) {
          const first = latest
          latest = undefined
          const response = whole(await call(DEFAULT_TIMEOUT_MS, 0, (ask) => download(ask, content, first, { maxBodyBytes })))
          if (!calls.has(end)) return
          changed(response)
          if (uintOption(first, coapOptions.observe) === undefined) {
            end(response.code.startsWith('2.') ? new LenskeyError('ERR_COAP_NOT_OBSERVABLE', 'the resource cannot be watched, or no more of it') : undefined)
          }
        }
      }

      const token = table.open(content, (message) => {
        latest = message
        if (busy) return
        busy = true
        deliver().catch(end).finally(() => { busy = false })
      }, end)
      if (closed) host.clock.after(0, () => { end(closedError()) })
      calls.add(end)
      return {
        cancel(): void {
          if (!calls.has(end)) return
          end()
          table.tell(token, withOptions(content, { number: coapOptions.observe.number, value: 1 }))
        },
      }
    },
    close(): void {
      closed = true
      for (const fail of [...calls]) fail(closedError())
      table.detach()
    },
  }
}

function whole(content: CoapContent): CoapResponse {
  const response = responseOfMessage(content)
  if (response === undefined) throw new LenskeyError('ERR_COAP_MALFORMED', `answered with the code ${content.code}, which is not known`)
  return response
}

function closedError(): LenskeyError {
  return new LenskeyError('ERR_COAP_CLOSED', 'the client was closed')
}
