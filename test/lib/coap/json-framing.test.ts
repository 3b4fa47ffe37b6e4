import { decodeJsonRequest, decodeJsonResponse, encodeJsonRequest, encodeJsonResponse } from '../../../lib/coap/index.ts'
import { test } from '../../suite.ts'

const base = { type: 0, requestId: 'a-b', method: 'POST', path: '/iam/users' }
const read = (change: object): ReturnType<typeof decodeJsonRequest> => decodeJsonRequest(JSON.stringify({ ...base, ...change }))
const payload = Uint8Array.of(1, 255)
const wanted = { requestId: 'a-b', method: 'POST', path: '/iam/users' }

test('both forms of a payload are taken, any other is none (protocol/edge-webrtc.md §4.1)', (t) => {
  t.same(read({ contentType: 60, payload: { type: 'Buffer', data: [1, 255] } }), { request: { ...wanted, contentFormat: 60, payload } })
  t.same(read({ contentType: 60, payload: [1, 255] }), { request: { ...wanted, contentFormat: 60, payload } })
  t.same(read({ payload: [1, 255] }), { request: { ...wanted, payload } }, 'without a content type')
  for (const none of [{}, 'text', 7, null, { data: 'text' }]) t.same(read({ payload: none }), { request: wanted })
})

test('text that is no request gets no answer', (t) => {
  for (const text of ['', '{', '[]', 'null', '7', '"a"', '{}', '{"type":1}', '{"type":"0"}']) t.equal(decodeJsonRequest(text), undefined, text)
  t.equal(decodeJsonRequest('['.repeat(200_000)), undefined)
})

test('a broken request is answered', (t) => {
  t.same(read({ method: 'FETCH' }), { refusal: '{"type":1,"requestId":"a-b","error":"Invalid method"}' })
  t.same(read({ method: undefined }), { refusal: '{"type":1,"requestId":"a-b","error":"Invalid method"}' })
  t.same(read({ requestId: 7 }), { refusal: '{"type":1,"requestId":"","error":""}' })
  for (const change of [{ path: 'iam' }, { path: 7 }, { payload: [256] }, { payload: [1.5] }, { payload: ['1'] }, { contentType: '60' }, { contentType: -1 }, { contentType: 65_536 }]) {
    t.same(read(change), { refusal: '{"type":1,"requestId":"a-b","error":""}' }, JSON.stringify(change))
  }
})

test('bounds: request id and text, at the bound and one past it', (t) => {
  t.ok('request' in (read({ requestId: 'x'.repeat(256) }) ?? {}))
  t.same(read({ requestId: 'x'.repeat(257) }), { refusal: '{"type":1,"requestId":"","error":""}' })
  const empty = JSON.stringify({ ...base, filler: '' }).length
  t.ok(read({ filler: 'x'.repeat(270_000 - empty) }))
  t.equal(read({ filler: 'x'.repeat(270_001 - empty) }), undefined)
})

test('requests and responses as they stand on the wire', (t) => {
  t.equal(encodeJsonRequest({ requestId: 'a', method: 'GET', path: '/x' }), '{"type":0,"requestId":"a","method":"GET","path":"/x"}')
  t.equal(encodeJsonRequest({ requestId: 'a', method: 'PUT', path: '/x', contentFormat: 60, payload: Uint8Array.of(246) }),
    '{"type":0,"requestId":"a","method":"PUT","path":"/x","contentType":60,"payload":{"type":"Buffer","data":[246]}}')
  t.equal(encodeJsonResponse('a', '2.05', 60, Uint8Array.of(1)), '{"type":1,"requestId":"a","statusCode":205,"contentType":60,"payload":[1]}')
  t.equal(encodeJsonResponse('a', '4.04', undefined, new Uint8Array(0)), '{"type":1,"requestId":"a","statusCode":404,"contentType":0,"payload":[]}')
  t.same(decodeJsonResponse('{"type":1,"requestId":"a","statusCode":205,"contentType":60,"payload":[1]}'), { requestId: 'a', code: '2.05', contentFormat: 60, payload: Uint8Array.of(1) })
  t.same(decodeJsonResponse('{"type":1,"requestId":"a","error":"no"}'), { requestId: 'a', error: 'no', payload: new Uint8Array(0) })
  for (const text of ['{"type":1,"requestId":"a"}', '{"type":1,"requestId":"a","statusCode":999}', '{"type":1,"requestId":"a","statusCode":205.5}', '{"type":0,"requestId":"a","statusCode":205}',
    '{"type":1,"statusCode":205}', '{"type":1,"requestId":"a","statusCode":205,"payload":[-1]}']) t.equal(decodeJsonResponse(text), undefined, text)
})
