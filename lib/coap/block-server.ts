import { encodeHex } from '../bytes/index.ts'
import { type Block, blockOf, blockSizeWithin, blockValue } from './block.ts'
import { coapMethodOf } from './codes.ts'
import type { CoapOption } from './message.ts'
import { coapOptions } from './options.ts'
import { type CoapContent, messageOfResponse, noBytes, uintOption, withOptions } from './request-message.ts'
import { diagnosticResponse } from './router.ts'

export interface BlockLimits {
  /** Of one whole payload, either way; default 65,536. */
  maxBodyBytes?: number
  /** Payloads kept in parts at the same time, each way; a further one replaces the oldest. Default 4. */
  maxTransfers?: number
}

export interface BlockServer {
  /**
   * Puts the blocks of a request together, has it answered once it is whole, and cuts the answer (RFC 7959).
   * @param maxPayload - the largest payload that the answer can have in one piece
   */
  answer(request: CoapContent, maxPayload: number): Promise<CoapContent>
}

/** Options that differ from block to block of one transfer. */
const perBlock: readonly number[] = [coapOptions.block1.number, coapOptions.block2.number, coapOptions.size1.number, coapOptions.size2.number, coapOptions.observe.number]

/** Block-wise transfer for one connection: what it keeps is never seen by another. */
export function createBlockServer(handle: (request: CoapContent) => Promise<CoapContent>, limits: BlockLimits = {}): BlockServer {
  const { maxBodyBytes = 65_536, maxTransfers = 4 } = limits
  const arriving = new Map<string, { payload: Uint8Array; length: number }>()
  const leaving = new Map<string, CoapContent>()

  function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
    map.delete(key)
    for (const oldest of map.keys()) {
      if (map.size < maxTransfers) break
      map.delete(oldest)
    }
    map.set(key, value)
  }

  /** The whole request, or the answer to this block. */
  function collect(request: CoapContent, block: Block, key: string): { whole: Uint8Array } | { reply: CoapContent } {
    const { payload } = request
    const start = block.number * block.size
    if (start + payload.length > maxBodyBytes) {
      arriving.delete(key)
      const tooLarge = messageOfResponse(diagnosticResponse('4.13', `A payload has up to ${maxBodyBytes} bytes`))
      return { reply: withOptions(tooLarge, { number: coapOptions.size1.number, value: maxBodyBytes }) }
    }
    if (block.more ? payload.length !== block.size : payload.length > block.size) return { reply: refusal('4.00', 'A block that is not of its size') }
    if (block.number === 0) keep(arriving, key, { payload: new Uint8Array(Math.min(maxBodyBytes, 4 * block.size)), length: 0 })
    const transfer = arriving.get(key)
    if (transfer?.length !== start) {
      arriving.delete(key)
      return { reply: refusal('4.08', 'A block is missing: send all of them again') }
    }
    if (transfer.payload.length < start + payload.length) {
      const larger = new Uint8Array(Math.min(maxBodyBytes, 2 * (start + payload.length)))
      larger.set(transfer.payload)
      transfer.payload = larger
    }
    transfer.payload.set(payload, start)
    transfer.length = start + payload.length
    if (block.more) return { reply: { code: '2.31', options: [block1Option(block)], payload: noBytes } }
    arriving.delete(key)
    return { whole: transfer.payload.subarray(0, transfer.length) }
  }

  /** One block of an answer, or all of it. */
  function cut(key: string, answer: CoapContent, wanted: Block | undefined, maxPayload: number): CoapContent {
    const { payload } = answer
    const size = Math.min(wanted?.size ?? 1024, blockSizeWithin(maxPayload))
    const start = wanted === undefined ? 0 : wanted.number * wanted.size
    if (payload.length <= (wanted === undefined ? maxPayload : size) && start === 0) return answer
    if (start >= payload.length) return refusal('4.00', 'There is no such block')
    if (payload.length > maxBodyBytes) return refusal('5.00', 'The answer is too large')
    const more = start + size < payload.length
    if (more) keep(leaving, key, answer)
    else leaving.delete(key)
    const part = { ...answer, payload: payload.subarray(start, start + size) }
    const block: CoapOption = { number: coapOptions.block2.number, value: blockValue({ number: start / size, more, size }) }
    return start === 0 ? withOptions(part, block, { number: coapOptions.size2.number, value: payload.length }) : withOptions(part, block)
  }

  return {
    async answer(request, maxPayload): Promise<CoapContent> {
      const value1 = uintOption(request, coapOptions.block1)
      const value2 = uintOption(request, coapOptions.block2)
      const block1 = value1 === undefined ? undefined : blockOf(value1)
      const block2 = value2 === undefined ? undefined : blockOf(value2)
      if ((value1 !== undefined && block1 === undefined) || (value2 !== undefined && block2 === undefined)) return refusal('4.00', 'A block of a reserved size')
      if (block1 === undefined && block2 === undefined) {
        const answer = await handle(request)
        return answer.payload.length <= maxPayload ? answer : cut(transferKey(request), answer, undefined, maxPayload)
      }
      const key = transferKey(request)
      if (block2 !== undefined && block2.number > 0) {
        const kept = leaving.get(key)
        if (kept !== undefined) return cut(key, kept, block2, maxPayload)
        // Reading once more is harmless, anything else would be done twice.
        return coapMethodOf(request.code) === 'GET' ? cut(key, await handle(request), block2, maxPayload) : refusal('4.08', 'The answer is no longer kept')
      }
      if (block1 === undefined) return cut(key, await handle(request), block2, maxPayload)
      const collected = collect(request, block1, key)
      if ('reply' in collected) return collected.reply
      const answer = await handle({ ...request, payload: collected.whole })
      return withOptions(cut(key, answer, block2, maxPayload), block1Option(block1))
    },
  }
}

function refusal(code: '4.00' | '4.08' | '5.00', diagnostic: string): CoapContent {
  return messageOfResponse(diagnosticResponse(code, diagnostic))
}

function block1Option(block: Block): CoapOption {
  return { number: coapOptions.block1.number, value: blockValue(block) }
}

/** What all blocks of one transfer have in common. */
function transferKey({ code, options }: CoapContent): string {
  const spelled = options
    .filter(({ number }) => !perBlock.includes(number))
    .map(({ number, value }) => [number, value instanceof Uint8Array ? encodeHex(value) : value])
  return JSON.stringify([code, spelled])
}
