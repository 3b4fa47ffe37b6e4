import { encodeHex } from '../bytes/index.ts'
import type { Clock } from '../runtime/index.ts'
import { type AnswerMemoryLimits, createAnswerMemory } from './answer-memory.ts'
import { type BlockLimits, createBlockServer } from './block-server.ts'
import { coapMethodOf } from './codes.ts'
import { decodeCoapFrame, encodeCoapFrame } from './frame.ts'
import { decodeJsonRequest, encodeJsonResponse, type JsonRequest } from './json-framing.ts'
import type { CoapMessage } from './message.ts'
import type { MessagePipe } from './message-pipe.ts'
import { createObservers } from './observers.ts'
import { coapOptions } from './options.ts'
import { coapSegments } from './request.ts'
import { type CoapContent, messageOfRequest, messageOfResponse, noBytes, requestOfMessage, responseOfMessage, uintOption } from './request-message.ts'
import { type CoapRouter, diagnosticResponse } from './router.ts'
import { abortSignal, capabilities, peerLimit, pongTo, SMALLEST_PEER_LIMIT } from './signals.ts'

export interface CoapSessionLimits extends BlockLimits, AnswerMemoryLimits {
  /** Requests of this session that run at the same time; one more is answered 5.03. Default 32. */
  maxRunning?: number
  /** Resources watched at the same time; one more is answered without a watch. Default 8. */
  maxObservations?: number
  /** After this a request without an answer is answered 5.03, whatever its handler still does; default 30,000. */
  answerWithinMs?: number
}

/** The requests of one peer: one session for each virtual connection, over however many pipes it opens. */
export interface CoapSession {
  /** Serves what comes over this pipe: text in the JSON framing (protocol/edge-webrtc.md §4.1), binary as RFC 8323 §4.2 frames. */
  attach(pipe: MessagePipe): void
  /** Ends the watches and forgets the pipes; handlers that run go on, their answers go nowhere. */
  close(): void
}

/** A key this long is chosen at random or by a counter that never goes back: only then is a repetition one. */
const UNIQUE_TOKEN_BYTES = 8
const UNIQUE_ID_LENGTH = 16
/** Head, token and options of an answer. */
const FRAME_OVERHEAD = 96

const supported: readonly number[] = [
  coapOptions.uriHost, coapOptions.uriPort, coapOptions.uriPath, coapOptions.uriQuery, coapOptions.accept, coapOptions.block1, coapOptions.block2,
].map(({ number }) => number)

export function createCoapSession<Context>(
  { router, context, clock }: { router: CoapRouter<Context>; context: Context; clock: Clock }, limits: CoapSessionLimits = {},
): CoapSession {
  const { maxRunning = 32, maxObservations = 8, answerWithinMs = 30_000 } = limits
  const memory = createAnswerMemory(diagnostic('5.03', 'Done already; the answer is no longer kept'), limits)
  const blocks = createBlockServer(handle, limits)
  const closing = new Set<() => void>()
  let pipes = 0
  let running = 0
  let closed = false

  async function handle(content: CoapContent): Promise<CoapContent> {
    const request = requestOfMessage(content)
    return request === undefined ? diagnostic('4.05', 'No such method') : messageOfResponse(await router.handle(request, context))
  }

  /** @param key - undefined for a request that may be done again, or whose sender's keys are not unique */
  async function answer(message: CoapContent, badOption: number | undefined, key: string | undefined, pipe: number, maxPayload: number): Promise<CoapContent> {
    const unsupported = badOption ?? message.options.find(({ number }) => (number & 1) === 1 && !supported.includes(number))?.number
    if (unsupported !== undefined) return unsupported === coapOptions.proxyUri.number ? diagnostic('5.05') : diagnostic('4.02', `Option ${unsupported}`)
    if (running >= maxRunning) return diagnostic('5.03', 'Too many requests at once')
    const run = (): Promise<CoapContent> => inTime(blocks.answer(message, maxPayload))
    running++
    try {
      const method = coapMethodOf(message.code)
      return await (key === undefined || method === 'GET' ? run() : memory.once(key, subjectOf(message), pipe, run))
    } finally {
      running--
    }
  }

  function inTime(answering: Promise<CoapContent>): Promise<CoapContent> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(answerWithinMs, () => { resolve(diagnostic('5.03', 'No answer in time')) })
      answering.then((content) => {
        cancel()
        resolve(content)
      }, reject)
    })
  }

  async function answerJson(pipe: MessagePipe, number: number, text: string): Promise<void> {
    const found = decodeJsonRequest(text)
    if (found === undefined) return
    if ('refusal' in found) {
      pipe.send(found.refusal)
      return
    }
    const { requestId } = found.request
    const key = requestId.length < UNIQUE_ID_LENGTH ? undefined : requestId
    let content = await answer(contentOfJson(found.request), undefined, key, number, Infinity)
    const write = (): string => {
      const response = responseOfMessage(content)
      return encodeJsonResponse(requestId, response?.code ?? '5.00', response?.contentFormat, content.payload)
    }
    let reply = write()
    if (reply.length > (pipe.maxMessageBytes ?? 65_536)) {
      content = diagnostic('5.00', 'The answer is too large for this channel')
      reply = write()
    }
    pipe.send(reply)
  }

  function attach(pipe: MessagePipe): void {
    const number = ++pipes
    const mostOurPipeTakes = pipe.maxMessageBytes ?? 65_536
    let greeted = false
    let peerTakes = SMALLEST_PEER_LIMIT
    const maxPayload = (): number => Math.min(peerTakes, mostOurPipeTakes) - FRAME_OVERHEAD
    const send = (token: Uint8Array, content: CoapContent): void => { pipe.send(encodeAnswer(token, content)) }
    const observers = createObservers(router, context, { maxObservations, maxPayload, blocks, send })

    function signal(message: CoapMessage): void {
      if (message.badOption !== undefined) abort(`Option ${message.badOption}`)
      else if (message.code === '7.01') peerTakes = Math.max(peerTakes, peerLimit(message) ?? peerTakes)
      else if (message.code === '7.02') pipe.send(encodeCoapFrame(pongTo(message)))
      else if (message.code === '7.04' || message.code === '7.05') pipe.close()
    }

    function abort(why: string): void {
      pipe.send(encodeCoapFrame(abortSignal(why)))
      pipe.close()
    }

    async function answerFrame(message: CoapMessage): Promise<void> {
      const { token, badOption } = message
      const name = encodeHex(token)
      const watch = uintOption(message, coapOptions.observe)
      if (watch === 1) observers.end(name)
      const content = await answer(message, badOption, token.length < UNIQUE_TOKEN_BYTES ? undefined : name, number, maxPayload())
      send(token, watch === 0 && content.code.startsWith('2.') && message.code === '0.01' ? observers.begin(name, message, content) : content)
    }

    function receive(data: string | Uint8Array): void {
      if (typeof data === 'string') {
        void answerJson(pipe, number, data)
        return
      }
      // Our capabilities go before everything else (RFC 8323 §5.3), but to nobody who may know the JSON framing alone.
      if (!greeted) pipe.send(encodeCoapFrame(capabilities(mostOurPipeTakes)))
      greeted = true
      let message: CoapMessage
      try {
        message = decodeCoapFrame(data, { maxBytes: mostOurPipeTakes })
      } catch (thrown) {
        abort(thrown instanceof Error ? thrown.message : 'Not a message')
        return
      }
      if (message.code.startsWith('7.')) signal(message)
      else if (message.code.startsWith('0.') && message.code !== '0.00') void answerFrame(message)
    }

    const detach = (): void => {
      observers.close()
      closing.delete(detach)
      pipe.onMessage = undefined
      pipe.onClose = undefined
    }
    closing.add(detach)
    pipe.onMessage = receive
    pipe.onClose = detach
  }

  return {
    attach(pipe): void {
      if (closed) pipe.close()
      else attach(pipe)
    },
    close(): void {
      closed = true
      for (const detach of closing) detach()
    },
  }
}

function diagnostic(...args: Parameters<typeof diagnosticResponse>): CoapContent {
  return messageOfResponse(diagnosticResponse(...args))
}

/** A handler's answer may hold what no option takes, such as an ETag of nine bytes: that is its failure, not the pipe's. */
function encodeAnswer(token: Uint8Array, content: CoapContent): Uint8Array {
  try {
    return encodeCoapFrame({ ...content, token })
  } catch {
    return encodeCoapFrame({ ...diagnostic('5.00', 'Internal Server Error'), token })
  }
}

function contentOfJson({ method, path, contentFormat, payload }: JsonRequest): CoapContent {
  return messageOfRequest({ method, segments: coapSegments(path), contentFormat, payload: payload ?? noBytes })
}

function subjectOf({ code, options }: CoapContent): string {
  const segments = options.filter(({ number }) => number === coapOptions.uriPath.number).map(({ value }) => value)
  const block = options.find(({ number }) => number === coapOptions.block1.number)?.value
  return JSON.stringify([code, segments, block])
}
