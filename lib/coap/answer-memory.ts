import type { CoapContent } from './request-message.ts'

export interface AnswerMemoryLimits {
  /** Requests remembered; default 128, four times what our client has outstanding. */
  maxRemembered?: number
  /** Of the answers kept with them; default 65,536. A request stays remembered when its answer is dropped. */
  maxRememberedBytes?: number
}

export interface AnswerMemory {
  /**
   * Has a request done, unless one with this key came over an earlier pipe: then its answer is the answer.
   * @param key - what the client keeps unique over all its pipes: its token
   * @param subject - method and path; a key that comes back with another subject is another request
   * @param pipe - counts the pipes of this session
   */
  once(key: string, subject: string, pipe: number, run: () => Promise<CoapContent>): Promise<CoapContent>
}

interface Remembered {
  readonly subject: string
  pipe: number
  answer: Promise<CoapContent> | undefined
  /** Of the finished answer. */
  bytes: number
}

/** An answer's head and what it takes to keep one, roughly. */
const ENTRY_BYTES = 64

/**
 * So that nothing is done twice when a pipe closes between a request and its answer. Over one pipe nothing is lost, hence a
 * token that comes again over the same pipe is a client using it for its next request (RFC 7252 §5.3.1).
 */
export function createAnswerMemory(dropped: CoapContent, { maxRemembered = 128, maxRememberedBytes = 65_536 }: AnswerMemoryLimits = {}): AnswerMemory {
  const all = new Map<string, Remembered>()
  let bytes = 0

  function forgetSome(): void {
    for (const [key, entry] of all) {
      const unfinished = entry.bytes === 0 && entry.answer !== undefined
      if (unfinished) continue
      if (bytes > maxRememberedBytes) {
        bytes -= entry.bytes
        entry.bytes = 0
        entry.answer = undefined
      }
      if (all.size > maxRemembered) {
        bytes -= entry.bytes
        all.delete(key)
      } else if (bytes <= maxRememberedBytes) {
        return
      }
    }
  }

  return {
    async once(key, subject, pipe, run): Promise<CoapContent> {
      const known = all.get(key)
      if (known !== undefined && known.subject === subject && known.pipe < pipe) {
        known.pipe = pipe
        return known.answer ?? dropped
      }
      if (known !== undefined) bytes -= known.bytes
      all.delete(key)
      const entry: Remembered = { subject, pipe, answer: run(), bytes: 0 }
      all.set(key, entry)
      const answer = await entry.answer
      if (answer !== undefined && all.get(key) === entry) {
        entry.bytes = ENTRY_BYTES + answer.payload.length
        bytes += entry.bytes
      }
      forgetSome()
      return answer ?? dropped
    },
  }
}
