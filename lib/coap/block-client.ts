import { concatBytes, equalBytes } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import { type Block, blockOf, blockSizeWithin, blockValue, MAX_BLOCKS } from './block.ts'
import { coapOptions } from './options.ts'
import { bytesOption, type CoapContent, noBytes, uintOption, withOptions } from './request-message.ts'

/** Sends one message and resolves with what answers it. */
export type Ask = (content: CoapContent) => Promise<CoapContent>

export interface TransferLimits {
  /** The largest payload that goes in one piece. */
  maxPayload: number
  /** Of one whole answer. */
  maxBodyBytes: number
}

/**
 * One request and its answer, in blocks where either is too large for one message (RFC 7959).
 * @throws {LenskeyError} `ERR_COAP_TOO_LARGE`, `ERR_COAP_CHANGED` (the resource became another while it was read),
 * `ERR_COAP_MALFORMED` (the other side's blocks do not fit together)
 */
export async function transfer(ask: Ask, request: CoapContent, limits: TransferLimits): Promise<CoapContent> {
  const first = request.payload.length <= limits.maxPayload ? await ask(request) : await upload(ask, request, limits.maxPayload)
  return download(ask, request, first, limits)
}

async function upload(ask: Ask, request: CoapContent, maxPayload: number): Promise<CoapContent> {
  const { payload } = request
  let size = blockSizeWithin(maxPayload)
  let start = 0
  while (true) {
    const more = start + size < payload.length
    const part = { ...request, payload: payload.subarray(start, start + size) }
    const reply = await ask(withOptions(part, block(coapOptions.block1, { number: start / size, more, size }), { number: coapOptions.size1.number, value: payload.length }))
    if (!more || reply.code !== '2.31') return reply
    start += size
    // The other side may want smaller ones from here on (RFC 7959 §2.3).
    size = Math.min(size, optionBlock(reply, coapOptions.block1)?.size ?? size)
  }
}

/** The rest of an answer whose first block is here; an answer in one piece is as it came. */
export async function download(ask: Ask, request: CoapContent, first: CoapContent, { maxBodyBytes }: Pick<TransferLimits, 'maxBodyBytes'>): Promise<CoapContent> {
  let block2 = optionBlock(first, coapOptions.block2)
  if (block2?.more !== true) return first
  if (block2.number !== 0) throw broken()
  const etag = bytesOption(first, coapOptions.etag)
  const parts = [first.payload]
  let length = first.payload.length
  const dropped: readonly number[] = [coapOptions.block1.number, coapOptions.size1.number, coapOptions.observe.number]
  const next = { ...request, options: request.options.filter(({ number }) => !dropped.includes(number)), payload: noBytes }
  while (block2.more) {
    const { size } = block2
    if (length !== (block2.number + 1) * size) throw broken()
    const number = length / size
    if (number >= MAX_BLOCKS || length > maxBodyBytes) throw new LenskeyError('ERR_COAP_TOO_LARGE', `the answer has more than ${maxBodyBytes} bytes`)
    const reply = await ask(withOptions(next, block(coapOptions.block2, { number, more: false, size })))
    if (reply.code !== first.code) return reply
    const found = optionBlock(reply, coapOptions.block2)
    if (found === undefined || found.number * found.size !== length || found.size > size || reply.payload.length === 0) throw broken()
    if (!sameTag(etag, bytesOption(reply, coapOptions.etag))) throw new LenskeyError('ERR_COAP_CHANGED', 'the resource changed while it was read: ask again')
    parts.push(reply.payload)
    length += reply.payload.length
    block2 = found
  }
  if (length > maxBodyBytes) throw new LenskeyError('ERR_COAP_TOO_LARGE', `the answer has more than ${maxBodyBytes} bytes`)
  return { ...first, payload: concatBytes(...parts) }
}

function block({ number }: { readonly number: number }, value: Block): { number: number; value: number } {
  return { number, value: blockValue(value) }
}

function optionBlock(content: CoapContent, definition: { readonly number: number }): Block | undefined {
  const value = uintOption(content, definition)
  return value === undefined ? undefined : blockOf(value)
}

function sameTag(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b)
}

function broken(): LenskeyError {
  return new LenskeyError('ERR_COAP_MALFORMED', 'the blocks of the answer do not fit together')
}
