import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { exchangeToken, type TokenExchangeOptions } from '../../../lib/client/index.ts'
import type { Http, HttpRequest } from '../../../lib/runtime/index.ts'
import { test } from '../../suite.ts'

const TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GOOD = { access_token: 'a.b.c', issued_token_type: TOKEN, token_type: 'Bearer', expires_in: 60 }
const options: TokenExchangeOptions = { tokenEndpoint: 'https://sts.test/sts/token', productId: 'WP-A', deviceId: 'wd-front', subjectToken: 'x.y+z.w', clientId: 'app' }

function answering(status: number, body: unknown): { http: Http; asked: HttpRequest[] } {
  const asked: HttpRequest[] = []
  return { asked, http: { request(request) {
    asked.push(request)
    return Promise.resolve({ status, header: () => undefined, body: encodeUtf8(typeof body === 'string' ? body : JSON.stringify(body)) })
  } } }
}

test('token exchange: the request of protocol/edge-webrtc.md §6, and what comes of it', async (t) => {
  const { http, asked } = answering(200, GOOD)
  t.same(await exchangeToken(options, { http }), { accessToken: 'a.b.c', expiresInSeconds: 60 })
  const [{ method, url, headers, body = '' }] = asked
  t.same([method, url, headers?.['content-type']], ['POST', 'https://sts.test/sts/token', 'application/x-www-form-urlencoded'])
  t.same((typeof body === 'string' ? body : decodeUtf8(body)).split('&').map((field) => field.split('=').map(decodeURIComponent)), [
    ['client_id', 'app'], ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'], ['subject_token', 'x.y+z.w'], ['subject_token_type', TOKEN],
    ['resource', 'nabto://device?productId=wp-a&deviceId=wd-front'],
  ])
  const bare = answering(200, { ...GOOD, expires_in: undefined })
  t.same(await exchangeToken({ ...options, clientId: undefined, subjectTokenType: 'jwt' }, bare), { accessToken: 'a.b.c', expiresInSeconds: undefined })
  t.ok(!String(bare.asked[0].body).includes('client_id'))
  t.ok(String(bare.asked[0].body).includes(encodeURIComponent('token-type:jwt')))
})

test('token exchange: refusals, and answers that are none', async (t) => {
  await t.rejects(exchangeToken(options, answering(400, { error: 'invalid_target', error_description: 'not\u001b[2J yours' })), 'ERR_STS_REFUSED')
  const refusal = await exchangeToken(options, answering(400, { error: 'invalid_target', error_description: 'not\u001b[2J yours' })).catch((thrown: unknown) => String(thrown))
  t.equal(refusal, 'LenskeyError: the token exchange refused: invalid_target, not?[2J yours')
  for (const [status, body] of [
    [200, ''], [200, '<html>'], [200, []], [200, {}], [404, { message: 'nothing here' }], [500, GOOD], [200, { ...GOOD, access_token: '' }], [200, { ...GOOD, access_token: 7 }],
    [200, { ...GOOD, token_type: 'N_A' }], [200, { ...GOOD, token_type: undefined }], [200, { ...GOOD, issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
  ] as const) await t.rejects(exchangeToken(options, answering(status, body)), 'ERR_STS_ANSWER')
})

test('token exchange: a token goes out by https, or within this machine', async (t) => {
  for (const tokenEndpoint of ['http://sts.test/token', 'ftp://127.0.0.1/', 'https://user@sts.test/token', '']) {
    const { http, asked } = answering(200, GOOD)
    await t.rejects(exchangeToken({ ...options, tokenEndpoint }, { http }), 'RangeError')
    t.equal(asked.length, 0)
  }
  t.equal((await exchangeToken({ ...options, tokenEndpoint: 'http://127.0.0.1:8000/sts/token' }, answering(200, GOOD))).accessToken, 'a.b.c')
})
