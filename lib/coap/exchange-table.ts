import { decodeHex, encodeHex } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import type { CancelTimer, Clock, Random } from '../runtime/index.ts'
import { decodeCoapFrame, encodeCoapFrame } from './frame.ts'
import { decodeJsonResponse, encodeJsonRequest, type JsonMethod } from './json-framing.ts'
import type { CoapMessage } from './message.ts'
import type { MessagePipe } from './message-pipe.ts'
import { coapOptions } from './options.ts'
import { type CoapContent, messageOfResponse, requestOfMessage } from './request-message.ts'
import { abortSignal, capabilities, peerLimit, pongTo, SMALLEST_PEER_LIMIT } from './signals.ts'

/** What waits for answers, by token, over one pipe after another. */
export interface ExchangeTable {
  attach(pipe: MessagePipe): void
  detach(): void
  /** Sends, now or with the next pipe, and again with each next one; every answer is told until `close`. @returns the token */
  open(content: CoapContent, answered: (content: CoapContent) => void, failed: (reason: LenskeyError) => void): string
  close(token: string): void
  /** Sends without waiting for an answer, if there is a pipe. */
  tell(token: string, content: CoapContent): void
  /** Resolves with the largest payload that goes in one message; at once for one so small that any framing takes it. */
  room(payloadBytes: number): number | Promise<number>
}

interface Waiting {
  readonly content: CoapContent
  readonly answered: (content: CoapContent) => void
  readonly failed: (reason: LenskeyError) => void
  sent: boolean
}

/** Head, token and options of a request. */
const FRAME_OVERHEAD = 512
/** A larger payload waits for the compact framing: each byte is up to four in JSON. */
const MAX_JSON_PAYLOAD = 8192

const jsonMethods: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE']

export function createExchangeTable({ clock, random }: { clock: Clock; random: Random }, negotiateMs: number): ExchangeTable {
  const waiting = new Map<string, Waiting>()
  // Half of a token is this client, half counts: none comes twice, over however many pipes.
  const prefix = encodeHex(random.bytes(4))
  const undecided: (() => void)[] = []
  let counter = 0
  let pipe: MessagePipe | undefined
  let framing: 'unknown' | 'json' | 'compact' = 'unknown'
  let peerTakes = SMALLEST_PEER_LIMIT
  let cancelNegotiation: CancelTimer | undefined

  function send(token: string, entry: Waiting): void {
    if (pipe === undefined || entry.sent) return
    if (framing === 'compact') {
      entry.sent = true
      pipe.send(encodeCoapFrame({ ...entry.content, token: decodeHex(token) }))
      return
    }
    const text = asJson(token, entry.content)
    if (text !== undefined && text.length <= (pipe.maxMessageBytes ?? 65_536)) {
      entry.sent = true
      pipe.send(text)
    } else if (framing === 'json') {
      waiting.delete(token)
      entry.failed(new LenskeyError('ERR_COAP_UNSUPPORTED', 'the device speaks the JSON framing alone, which cannot carry this request'))
    }
  }

  function maxPayload(): number {
    const pipeTakes = (pipe?.maxMessageBytes ?? 65_536) - FRAME_OVERHEAD
    return framing === 'compact' ? Math.min(peerTakes - FRAME_OVERHEAD, pipeTakes) : Math.min(MAX_JSON_PAYLOAD, pipeTakes >> 2)
  }

  function decide(found: 'json' | 'compact'): void {
    framing = found
    for (const decided of undecided.splice(0)) decided()
    sendAll()
  }

  function sendAll(): void {
    for (const [token, entry] of [...waiting]) send(token, entry)
  }

  function answer(token: string, content: CoapContent): void {
    waiting.get(token)?.answered(content)
  }

  function receiveText(text: string): void {
    const found = decodeJsonResponse(text)
    if (found === undefined) return
    const { requestId, code, contentFormat, payload, error } = found
    if (code !== undefined) {
      answer(requestId, messageOfResponse({ code, contentFormat, payload }))
      return
    }
    const entry = waiting.get(requestId)
    waiting.delete(requestId)
    entry?.failed(new LenskeyError('ERR_COAP_REFUSED', `the device refuses the request: ${error ?? ''}`))
  }

  function receiveFrame(from: MessagePipe, message: CoapMessage): void {
    switch (message.code) {
      case '7.01':
        peerTakes = Math.max(SMALLEST_PEER_LIMIT, peerLimit(message) ?? SMALLEST_PEER_LIMIT)
        cancelNegotiation?.()
        decide('compact')
        return
      case '7.02': from.send(encodeCoapFrame(pongTo(message))); return
      case '7.04': case '7.05': from.close(); return
      default: answer(encodeHex(message.token), message)
    }
  }

  function receive(from: MessagePipe, data: string | Uint8Array): void {
    if (typeof data === 'string') {
      receiveText(data)
      return
    }
    let message: CoapMessage
    try {
      message = decodeCoapFrame(data, { maxBytes: from.maxMessageBytes })
    } catch (thrown) {
      from.send(encodeCoapFrame(abortSignal(thrown instanceof Error ? thrown.message : 'Not a message')))
      from.close()
      return
    }
    receiveFrame(from, message)
  }

  function detach(): void {
    cancelNegotiation?.()
    const old = pipe
    pipe = undefined
    if (old === undefined) return
    old.onMessage = undefined
    old.onClose = undefined
    for (const entry of waiting.values()) entry.sent = false
  }

  return {
    attach(next): void {
      detach()
      pipe = next
      next.onMessage = (data) => { receive(next, data) }
      next.onClose = detach
      next.send(encodeCoapFrame(capabilities(next.maxMessageBytes ?? 65_536)))
      if (framing === 'unknown') {
        cancelNegotiation = clock.after(negotiateMs, () => { decide('json') })
      }
      sendAll()
    },
    detach(): void {
      const old = pipe
      detach()
      old?.close()
    },
    open(content, answered, failed): string {
      const token = prefix + (counter++).toString(16).padStart(8, '0')
      const entry: Waiting = { content, answered, failed, sent: false }
      waiting.set(token, entry)
      send(token, entry)
      return token
    },
    close(token): void {
      waiting.delete(token)
    },
    tell(token, content): void {
      if (framing === 'compact') pipe?.send(encodeCoapFrame({ ...content, token: decodeHex(token) }))
    },
    room(payloadBytes): number | Promise<number> {
      const now = maxPayload()
      if (framing !== 'unknown' || payloadBytes <= now) return now
      return new Promise((resolve) => { undecided.push(() => { resolve(maxPayload()) }) })
    },
  }
}

/** Undefined for what the JSON framing cannot say. */
function asJson(token: string, content: CoapContent): string | undefined {
  const request = requestOfMessage(content)
  if (request === undefined || !jsonMethods.includes(request.method)) return undefined
  const plain = content.options.every(({ number }) => number === coapOptions.uriPath.number || number === coapOptions.contentFormat.number)
  if (!plain) return undefined
  const { method, segments, contentFormat, payload } = request
  return encodeJsonRequest({ requestId: token, method: method as JsonMethod, path: `/${segments.join('/')}`, contentFormat, payload })
}
