import { concatBytes } from '../../lib/bytes/index.ts'
import { LenskeyError, messageOf } from '../../lib/errors.ts'
import type { Http, HttpRequest, HttpResponse } from '../../lib/runtime/index.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MAX_BODY_BYTES = 1_048_576

/** HTTP(S) through the platform's `fetch`. */
export const nodeHttp: Http = {
  async request(request): Promise<HttpResponse> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = request
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { method, headers, url, body } = request
      const response = await fetch(url, { method, headers, body: body as BodyInit | undefined, signal, redirect: 'manual' })
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        body: await readBounded(response, maxBodyBytes),
      }
    } catch (thrown) {
      if (thrown instanceof LenskeyError) throw thrown
      throw signal.aborted ? timedOut(request, timeoutMs) : unreachable(request, thrown)
    }
  },
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let step = await reader?.read(); step?.done === false; step = await reader?.read()) {
    length += step.value.length
    if (length > maxBytes) {
      await reader?.cancel()
      throw new LenskeyError('ERR_HTTP_TOO_LARGE', `the answer has more than ${maxBytes} bytes`)
    }
    parts.push(step.value)
  }
  return concatBytes(...parts)
}

function timedOut({ url }: HttpRequest, timeoutMs: number): LenskeyError {
  return new LenskeyError('ERR_HTTP_TIMEOUT', `${originOf(url)} did not answer within ${timeoutMs} ms`)
}

/** `fetch` hides the reason in the cause of its error; without one it complains about the request, and repeats it, headers included. */
function unreachable({ url }: HttpRequest, thrown: unknown): LenskeyError {
  const reason = thrown instanceof Error && thrown.cause !== undefined ? messageOf(thrown.cause) : 'the request cannot be sent as it is'
  return new LenskeyError('ERR_HTTP_UNREACHABLE', `${originOf(url)} cannot be reached: ${reason}`)
}

/** A path or query may hold what should not be in a log. */
function originOf(url: string): string {
  try {
    return new URL(url).origin
  } catch {
    return 'an address that is no URL'
  }
}
