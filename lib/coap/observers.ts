import type { BlockServer } from './block-server.ts'
import type { CoapMessage } from './message.ts'
import { coapOptions } from './options.ts'
import { type CoapContent, requestOfMessage, withOptions } from './request-message.ts'
import type { CoapRouter } from './router.ts'

/** The watches that one pipe's client has on resources (RFC 7641), by token. */
export interface Observers {
  /** @param first - the answer to the request that asks for the watch; @returns that answer, saying whether there is one */
  begin(token: string, message: CoapMessage, first: CoapContent): CoapContent
  end(token: string): void
  close(): void
}

interface Means {
  maxObservations: number
  maxPayload: () => number
  blocks: BlockServer
  send: (token: Uint8Array, content: CoapContent) => void
}

export function createObservers<Context>(router: CoapRouter<Context>, context: Context, { maxObservations, maxPayload, blocks, send }: Means): Observers {
  const stops = new Map<string, () => void>()

  function end(token: string): void {
    const stop = stops.get(token)
    stops.delete(token)
    stop?.()
  }

  return {
    begin(token, message, first): CoapContent {
      end(token)
      const request = requestOfMessage(message)
      if (request === undefined || stops.size >= maxObservations) return first
      // Counts notifications modulo 2^24 (RFC 7641 §4.4).
      let sequence = 1
      let busy = false
      let again = false
      const inSequence = (content: CoapContent): CoapContent => {
        const counted = withOptions(content, { number: coapOptions.observe.number, value: sequence })
        sequence = (sequence + 1) % 0x1000000
        return counted
      }
      const notify = async (): Promise<void> => {
        // While one notification is made, any number of changes make one more.
        again = busy
        if (busy) return
        busy = true
        do {
          again = false
          const content = await blocks.answer(message, maxPayload())
          if (!stops.has(token)) return
          // An error is the last one (RFC 7641 §3.2) and says so by having no number.
          const going = content.code.startsWith('2.')
          send(message.token, going ? inSequence(content) : content)
          if (!going) end(token)
        } while (wanted())
        busy = false
      }
      const wanted = (): boolean => again
      const stop = router.watch(request, context, () => { if (stops.has(token)) void notify() })
      if (stop === undefined) return first
      stops.set(token, stop)
      return inSequence(first)
    },
    end,
    close(): void {
      for (const token of [...stops.keys()]) end(token)
    },
  }
}
