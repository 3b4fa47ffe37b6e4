import { concatBytes } from '../../lib/bytes/index.ts'
import { LenskeyError, messageOf } from '../../lib/errors.ts'
import { type Http, type HttpRequest, type HttpResponse } from '../../lib/runtime/index.ts'

/** HTTP by `fetch`: no cookies, no cache, no redirects. */
export const browserHttp: Http = {
  async request({ method, url, headers, body, timeoutMs = 30_000, maxBodyBytes = 1 << 20 }: HttpRequest): Promise<HttpResponse> {
    const abort = new AbortController()
    const timer = setTimeout(() => { abort.abort() }, timeoutMs)
    try {
      const response = await fetch(url, {
        method,
        headers,
        // A copy, since a view of a shared buffer is no body.
        body: typeof body === 'object' ? new Uint8Array(body) : body,
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
        signal: abort.signal,
      })
      const bytes = await readAtMost(response, maxBodyBytes, abort)
      return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body: bytes }
    } catch (thrown) {
      if (thrown instanceof LenskeyError) throw thrown
      if (abort.signal.aborted) throw new LenskeyError('ERR_HTTP_TIMEOUT', `no whole answer from ${originOf(url)} within ${timeoutMs} ms`)
      throw new LenskeyError('ERR_HTTP_UNREACHABLE', `${originOf(url)} did not answer: ${messageOf(thrown)}`, { cause: thrown })
    } finally {
      clearTimeout(timer)
    }
  },
}

async function readAtMost(response: Response, limit: number, abort: AbortController): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length
    if (length > limit) {
      abort.abort()
      throw new LenskeyError('ERR_HTTP_TOO_LARGE', `the answer is longer than ${limit} bytes`)
    }
    chunks.push(part.value)
  }
  return concatBytes(...chunks)
}

/** The address without its path and query, which may be a secret. */
function originOf(url: string): string {
  return new URL(url, location.href).origin
}
