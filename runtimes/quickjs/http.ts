import { concatBytes, encodeUtf8 } from '../../lib/bytes/index.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type { Clock, Http, HttpRequest, HttpResponse } from '../../lib/runtime/index.ts'
import { type Address, parseAddress } from './address.ts'
import { type ByteStream, type ByteStreams, type CertificateTimes } from './byte-streams.ts'
import { AnswerReader } from './http-answer.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MAX_BODY_BYTES = 1_048_576

/** An answer, and what the server's certificates said about their time. */
export interface TimedHttpResponse extends HttpResponse {
  certificateTimes: CertificateTimes | undefined
}

export interface StreamHttp extends Http {
  request(request: HttpRequest): Promise<TimedHttpResponse>
}

/**
 * HTTP/1.1 over byte streams: one connection for each request, no redirects, no compression, no cookies. Headers have up to
 * 16 KiB and 100 lines; the body up to what the request allows.
 */
export function createStreamHttp(streams: ByteStreams, clock: Pick<Clock, 'after'>): StreamHttp {
  return {
    request(request): Promise<TimedHttpResponse> {
      const address = parseAddress(request.url, 'http')
      const head = address && requestHead(request, address)
      if (address === undefined || head === undefined) {
        const what = address === undefined ? 'the address is no http or https URL' : `${address.origin} cannot be reached: the request cannot be sent as it is`
        return Promise.reject(new LenskeyError('ERR_HTTP_UNREACHABLE', what))
      }
      return exchange(streams, clock, { request, address, bytes: head })
    },
  }
}

function exchange(
  streams: ByteStreams, clock: Pick<Clock, 'after'>, { request, address, bytes }: { request: HttpRequest; address: Address; bytes: Uint8Array },
): Promise<TimedHttpResponse> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = request
  return new Promise((resolve, reject) => {
    const answer = new AnswerReader(maxBodyBytes, request.method === 'HEAD')
    let certificateTimes: CertificateTimes | undefined
    let stream: ByteStream | undefined = undefined as ByteStream | undefined
    const cancelTimeout = clock.after(timeoutMs, () => {
      fail(new LenskeyError('ERR_HTTP_TIMEOUT', `${address.origin} did not answer within ${timeoutMs} ms`))
    })

    function fail(error: Error): void {
      cancelTimeout()
      stream?.close()
      reject(error)
    }

    function succeed(): void {
      const { head } = answer
      if (head === undefined) return
      cancelTimeout()
      stream?.close()
      resolve({ status: head.status, header: (name) => head.headers.get(name), body: answer.takeBody(), certificateTimes })
    }

    stream = streams.connect(address, {
      opened(times) {
        certificateTimes = times
        stream?.write(bytes)
      },
      data(piece) {
        let whole: boolean
        try {
          whole = answer.read(piece)
        } catch (thrown) {
          fail(thrown as Error)
          return
        }
        if (whole) succeed()
      },
      closed(failure) {
        if (failure === undefined && answer.ended()) succeed()
        else fail(new LenskeyError('ERR_HTTP_UNREACHABLE', `${address.origin} cannot be reached: ${failure ?? 'it ended the connection before its answer was whole'}`))
      },
    })
  })
}

/** The request as bytes; undefined when a part of it could be taken for something else. */
function requestHead({ method, headers = {}, body }: HttpRequest, { hostHeader, path }: Address): Uint8Array | undefined {
  const content = typeof body === 'string' ? encodeUtf8(body) : body
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${hostHeader}`, 'connection: close']
  if (content !== undefined || method === 'POST' || method === 'PUT') lines.push(`content-length: ${content?.length ?? 0}`)
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name) || !/^[\t\x20-\x7e]*$/.test(value) || RESERVED.includes(name.toLowerCase())) return undefined
    lines.push(`${name}: ${value}`)
  }
  if (!isToken(method)) return undefined
  return concatBytes(encodeUtf8(`${lines.join('\r\n')}\r\n\r\n`), content ?? new Uint8Array(0))
}

/** Ours to say. */
const RESERVED = ['host', 'connection', 'content-length', 'transfer-encoding', 'expect', 'upgrade']

const isToken = (text: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
