import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import { CoapError, type CoapMethod, type CoapResponse, type CoapRouter, coapSegments, createCoapRouter } from '../../../lib/coap/index.ts'
import { createSeededRandom } from '../../../runtimes/memory/random.ts'
import { test } from '../../suite.ts'

const nothing = new Uint8Array(0)
const ask = (router: CoapRouter<string>, method: CoapMethod, path: string, more: { contentFormat?: number; accept?: number } = {}): Promise<CoapResponse> =>
  router.handle({ method, segments: coapSegments(path), payload: nothing, ...more }, 'connection 1')
const summary = ({ code, payload }: CoapResponse): string => `${code} ${payload === undefined ? '' : decodeUtf8(payload)}`

test('exact segments go before parameters, without a way back (protocol/iam.md §3.1)', async (t) => {
  const router = createCoapRouter<string>()
  const seen: string[] = []
  const note = (name: string, ...parameters: string[]) => router.on('GET', name, (request) => {
    seen.push(`${name} ${parameters.map((parameter) => request.parameter(parameter)).join(' ')} ${request.context}`)
    return { code: '2.05' }
  })
  note('/iam/users')
  note('/iam/users/{user}', 'user')
  note('/iam/users/{user}/fingerprints/{fingerprint}', 'user', 'fingerprint')
  note('/iam/users/me/name')
  for (const path of ['/iam/users', '/iam/users/', '/iam/users/alice', '/iam/users/a%20b/fingerprints/ff', '/iam/users/me/name']) t.equal((await ask(router, 'GET', path)).code, '2.05', path)
  t.same(seen, ['/iam/users  connection 1', '/iam/users  connection 1', '/iam/users/{user} alice connection 1',
    '/iam/users/{user}/fingerprints/{fingerprint} a%20b ff connection 1', '/iam/users/me/name  connection 1'])
  for (const path of ['/', '/iam', '/iam/users/me', '/iam/users/me/fingerprints/ff', '/iam/users/alice/x', '/iam/users//fingerprints/ff', '/__proto__', '/iam/constructor']) {
    t.equal(summary(await ask(router, 'GET', path)), '4.04 Resource not found', path)
  }
  t.equal(summary(await ask(router, 'DELETE', '/iam/users')), '4.04 Resource not found', 'a wrong method too')
})

test('what a handler throws is its answer, or 5.00 without a word on why', async (t) => {
  const logged: unknown[] = []
  const router = createCoapRouter<string>({ log: (level, event, fields) => { logged.push([level, event, fields]) } })
  router.on('POST', '/refused', () => { throw new CoapError('4.03', 'Access Denied') })
  router.on('POST', '/bare', () => { throw new CoapError('4.09') })
  router.on('POST', '/broken', () => Promise.reject(new TypeError('the secret is 12345')))
  t.equal(summary(await ask(router, 'POST', '/refused')), '4.03 Access Denied')
  t.equal(summary(await ask(router, 'POST', '/bare')), '4.09 ')
  t.equal(summary(await ask(router, 'POST', '/broken')), '5.00 Internal Server Error')
  t.same(logged, [['error', 'coap.handler.failed', { error: 'TypeError' }]])
})

test('content formats are negotiated where a route says which it has', async (t) => {
  const router = createCoapRouter<string>()
  router.on('POST', '/x', () => ({ code: '2.04' }), { accepts: [60, 50], produces: [60] })
  t.equal(summary(await ask(router, 'POST', '/x')), '4.15 Content-Format must be 60 or 50')
  t.equal((await ask(router, 'POST', '/x', { contentFormat: 0 })).code, '4.15')
  t.equal((await ask(router, 'POST', '/x', { contentFormat: 50 })).code, '2.04')
  t.equal((await ask(router, 'POST', '/x', { contentFormat: 60, accept: 60 })).code, '2.04')
  t.equal(summary(await ask(router, 'POST', '/x', { contentFormat: 60, accept: 50 })), '4.06 Accept can be 60')
})

test('handlers that run: the bound and one past it', async (t) => {
  const router = createCoapRouter<string>({ maxRunning: 3 })
  const ends: (() => void)[] = []
  router.on('GET', '/slow', () => new Promise((resolve) => { ends.push(() => { resolve({ code: '2.05' }) }) }))
  const running = [1, 2, 3].map(() => ask(router, 'GET', '/slow'))
  t.equal(summary(await ask(router, 'GET', '/slow')), '5.03 Too many requests at once')
  t.equal((await ask(router, 'GET', '/other')).code, '4.04')
  for (const end of ends.splice(0)) end()
  t.same((await Promise.all(running)).map(({ code }) => code), ['2.05', '2.05', '2.05'])
  const next = ask(router, 'GET', '/slow')
  for (const end of ends) end()
  t.equal((await next).code, '2.05')
})

test('wrong routes are wrong arguments', (t) => {
  const router = createCoapRouter<string>()
  const handler = (): CoapResponse => ({ code: '2.05' })
  router.on('GET', '/a/{b}', handler)
  t.throws(() => { router.on('GET', '/a/{c}', handler) }, 'RangeError')
  t.throws(() => { router.on('GET', 'a', handler) }, 'RangeError')
})

test('random paths get an answer each', async (t) => {
  const router = createCoapRouter<string>()
  router.on('GET', '/{a}/{b}', (request) => ({ code: '2.05', payload: new Uint8Array(request.parameter('b').length) }))
  const random = createSeededRandom(3)
  let found = 0
  for (let turn = 0; turn < 2000; turn++) {
    const path = `/${Array.from(random.bytes(turn % 9), (byte) => '/ab\0é{}.'[byte % 8]).join('')}`
    const { code } = await ask(router, 'GET', path)
    if (code === '2.05') found++
    else if (code !== '4.04') t.fail(`${path}: ${code}`)
  }
  t.ok(found > 100)
})
