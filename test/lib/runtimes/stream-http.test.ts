import { createMemoryClock } from '../../../runtimes/memory/index.ts'
import { parseAddress } from '../../../runtimes/quickjs/address.ts'
import { checkCertificateTimes } from '../../../runtimes/quickjs/byte-streams.ts'
import { createStreamHttp, type TimedHttpResponse } from '../../../runtimes/quickjs/http.ts'
import { createTimeHttp } from '../../../runtimes/quickjs/time-http.ts'
import type { HttpRequest } from '../../../lib/runtime/index.ts'
import { test } from '../../suite.ts'
import { latin1, scriptedStreams, type ServerEnd, textOf } from './scripted-streams.ts'

const GET: HttpRequest = { method: 'GET', url: 'http://a.test/x' }

/** One exchange; `play` is the server once the stream is open. */
async function exchange(play: (server: ServerEnd) => void, request: HttpRequest = GET): Promise<TimedHttpResponse> {
  const clock = createMemoryClock()
  const http = createStreamHttp(scriptedStreams(clock, (server) => {
    server.open()
    play(server)
  }), clock)
  const answer = http.request(request)
  answer.catch(() => undefined)
  await clock.advance(40_000)
  return answer
}

const whole: [string, string, string][] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
  ['two equal lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello', 'hello'],
  ['nothing', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ''],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  ['304', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n', ''],
  ['chunks', 'HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nhe\r\n003;a="b"\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n', 'hello'],
  ['interim answers', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello', 'hello'],
  ['more than was announced', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more', 'hello'],
]

test('stream http: every kind of body, cut at every byte', async (t) => {
  for (const [name, text, body] of whole) {
    const bytes = latin1(text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const response = await exchange((server) => {
        server.send(bytes.subarray(0, cut))
        server.send(bytes.subarray(cut))
      })
      if (textOf(response.body) !== body) t.fail(`${name}, cut at ${cut}: ${textOf(response.body)}`)
    }
    const byBytes = await exchange((server) => {
      for (const byte of bytes) server.send(Uint8Array.of(byte))
    })
    t.equal(textOf(byBytes.body), body, `${name}, byte by byte`)
  }
})

test('stream http: a body up to the end of the stream, and one that was cut', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\n\r\n'
  const ended = await exchange((server) => {
    server.send(`${head}all of it`)
    server.end()
  })
  t.equal(textOf(ended.body), 'all of it')
  await t.rejects(exchange((server) => {
    server.send(`${head}half of`)
    server.end('the connection was cut')
  }), 'ERR_HTTP_UNREACHABLE')
  for (const text of ['', 'HTTP/1.1 200', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n']) {
    await t.rejects(exchange((server) => {
      server.send(text)
      server.end()
    }), 'ERR_HTTP_UNREACHABLE', text)
  }
})

test('stream http: what two readers could understand differently is refused', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\n'
  for (const text of [
    'HTTP/2 200 OK\r\n\r\n', 'HTTP/1.1 2000 OK\r\n\r\n', 'ICY 200 OK\r\n\r\n', '\r\nHTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\n\n', 'HTTP/1.1 200 OK\rx\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    `${head}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, `${head}content-length: 1, 2\r\n\r\nab`, `${head}content-length: -1\r\n\r\n`, `${head}content-length: 0x1\r\n\r\n`,
    `${head}content-length:\r\n\r\n`, `${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, `${head}transfer-encoding: gzip, chunked\r\n\r\n`,
    `${head}transfer-encoding: chunked\r\n\r\nx\r\n`, `${head}transfer-encoding: chunked\r\n\r\n\r\n`, `${head}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`, `${head}transfer-encoding: chunked\r\n\r\n123456789\r\n`,
    `${head}a : b\r\n\r\n`, `${head}a: b\r\n folded\r\n\r\n`, `${head}no colon\r\n\r\n`, `${head}a: b\0\r\n\r\n`, `${head}: b\r\n\r\n`,
  ]) {
    await t.rejects(exchange((server) => {
      server.send(text)
    }), 'ERR_HTTP_ANSWER', JSON.stringify(text))
  }
})

test('stream http: limits, at the bound and one past it', async (t) => {
  const answer = (lines: string): Promise<TimedHttpResponse> => exchange((server) => {
    server.send(`HTTP/1.1 200 OK\r\n${lines}\r\ncontent-length: 0\r\n\r\n`)
  })
  const many = (count: number): string => Array.from({ length: count }, (_, at) => `h${at}: 1`).join('\r\n')
  t.equal((await answer(many(99))).status, 200)
  await t.rejects(answer(many(100)), 'more than 100 headers')
  // The head counts whole: status line, headers, the empty line.
  const around = 'HTTP/1.1 200 OK\r\nx: \r\ncontent-length: 0\r\n\r\n'.length
  t.equal((await answer(`x: ${'y'.repeat(16_384 - around)}`)).status, 200)
  await t.rejects(answer(`x: ${'y'.repeat(16_385 - around)}`), 'ERR_HTTP_ANSWER')
  await t.rejects(exchange((server) => {
    for (let count = 0; count < 9; count++) server.send('HTTP/1.1 100 Continue\r\n\r\n')
  }), 'interim answers do not end')
  const request = { ...GET, maxBodyBytes: 4 }
  for (const [text, body] of [
    ['content-length: 4\r\n\r\nabcd', 'abcd'], ['transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n', 'abcd'],
  ]) {
    t.equal(textOf((await exchange((server) => {
      server.send(`HTTP/1.1 200 OK\r\n${text}`)
    }, request)).body), body)
  }
  for (const text of ['content-length: 5\r\n\r\n', 'transfer-encoding: chunked\r\n\r\n5\r\n', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n', '\r\nabcde']) {
    await t.rejects(exchange((server) => {
      server.send(`HTTP/1.1 200 OK\r\n${text}`)
    }, request), 'ERR_HTTP_TOO_LARGE', text)
  }
  await t.rejects(exchange(() => undefined), 'ERR_HTTP_TIMEOUT')
  await t.rejects(exchange((server) => {
    server.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n')
  }, { ...GET, timeoutMs: 5 }), 'ERR_HTTP_TIMEOUT')
})

test('stream http: what is sent, and what is never sent', async (t) => {
  const sent: string[] = []
  const play = (server: ServerEnd): void => {
    server.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    sent.push(textOf(server.received))
  }
  await exchange(play, { method: 'POST', url: 'http://a.test:81?q=1#secret', headers: { authorization: 'Bearer x' }, body: 'æ' })
  t.equal(sent[0], 'POST /?q=1 HTTP/1.1\r\nhost: a.test:81\r\nconnection: close\r\ncontent-length: 2\r\nauthorization: Bearer x\r\n\r\nÃ¦')
  for (const request of [
    { ...GET, headers: { a: 'b\r\nc: d' } }, { ...GET, headers: { 'a b': 'c' } }, { ...GET, headers: { host: 'b.test' } }, { ...GET, headers: { 'Content-Length': '1' } },
    { ...GET, method: 'GET /' }, { ...GET, headers: { a: 'ü' } },
  ]) await t.rejects(exchange(play, request), 'ERR_HTTP_UNREACHABLE')
  t.equal(sent.length, 1)
  for (const url of ['ftp://a.test/', 'http://', 'http://a.test:0/', 'http://a.test:65536/', 'http://u:p@a.test/', 'http://a.test/a b', 'http://a.test/\r\n', 'a.test', 'http://ü.test/', 'ws://a.test/']) {
    t.equal(parseAddress(url, 'http'), undefined, url)
  }
  t.same(parseAddress('wss://[::1]:444/a?b', 'ws'), { host: '::1', port: 444, tls: true, hostHeader: '[::1]:444', path: '/a?b', origin: 'wss://[::1]:444' })
  t.same(parseAddress('HTTPS://A.test', 'http'), { host: 'a.test', port: 443, tls: true, hostHeader: 'a.test', path: '/', origin: 'https://a.test' })
  t.same((['http', 'https', 'ws', 'wss'] as const).map((scheme) => parseAddress(`${scheme}://a.test`, scheme.startsWith('h') ? 'http' : 'ws')?.tls), [false, true, false, true])
  t.equal(parseAddress('http://a.test/p/#f#g', 'http')?.path, '/p/')
})

const times = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2027, 0, 1) }

test('certificate times: nothing is sent before they are right', async (t) => {
  for (const [now, wanted] of [
    [times.notBeforeMs, 'answered'], [times.notAfterMs, 'answered'], [times.notBeforeMs - 1, 'not valid yet'], [times.notAfterMs + 1, 'has expired'],
  ] as const) {
    const clock = createMemoryClock(now)
    let received = 0
    const streams = checkCertificateTimes(scriptedStreams(clock, (server) => {
      clock.setWallClock(now)
      server.open(times)
      received = server.received.length
      server.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    }), clock)
    const answer = createStreamHttp(streams, clock).request({ method: 'GET', url: 'https://a.test/' })
    answer.catch(() => undefined)
    await clock.advance(1)
    if (wanted === 'answered') t.same((await answer).certificateTimes, times)
    else {
      await t.rejects(answer, wanted)
      t.equal(received, 0)
    }
  }
})

test('time http: an answer counts only when its date fits the certificates', async (t) => {
  const ask = async (date: string | undefined, given: typeof times | undefined): Promise<number> => {
    const clock = createMemoryClock(0)
    const http = createTimeHttp(scriptedStreams(clock, (server) => {
      server.open(given)
      server.send(`HTTP/1.1 404 Not Found\r\n${date === undefined ? '' : `date: ${date}\r\n`}content-length: 0\r\n\r\n`)
    }), clock)
    const answer = http.request({ method: 'HEAD', url: 'https://a.test/' })
    answer.catch(() => undefined)
    await clock.advance(1)
    return (await answer).status
  }
  t.equal(await ask('Thu, 01 Jan 2026 00:00:00 GMT', times), 404)
  await t.rejects(ask('Wed, 31 Dec 2025 23:59:59 GMT', times), 'ERR_CLOCK_UNKNOWN')
  await t.rejects(ask('Fri, 01 Jan 2027 00:00:01 GMT', times), 'ERR_CLOCK_UNKNOWN')
  await t.rejects(ask(undefined, times), 'ERR_CLOCK_UNKNOWN')
  await t.rejects(ask('Thu, 01 Jan 2026 00:00:00 GMT', undefined), 'ERR_CLOCK_UNKNOWN')
})
