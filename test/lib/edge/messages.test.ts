import { decodeEdgeEnvelope, decodeEdgeLogin, decodeEdgeMessage, EDGE_LOGIN_RESPONSE, EDGE_OPEN, EdgeCloseCodes, encodeEdgeLogin, encodeEdgeMessage, encodeEdgeRecordEnvelope, errorCodeOfClose, isEdgeLoginResponse, NabtoWebrtcErrorCode } from '../../../lib/edge/index.ts'
import { test } from '../../suite.ts'
import { createSeededRandom } from './support.ts'

const read = (value: unknown): unknown => decodeEdgeMessage(JSON.stringify(value))
const offer = JSON.stringify({ type: 'offer', sdp: 'v=0' })

test('descriptions: the type inside counts, metadata is kept as it came', (t) => {
  t.same(read({ type: 0, data: offer }), { type: 0, description: { type: 'offer', sdp: 'v=0' }, metadata: undefined })
  t.same(read({ type: 1, data: offer, metadata: { tracks: null }, more: 1 }), { type: 1, description: { type: 'offer', sdp: 'v=0' }, metadata: { tracks: null } })
  const dropped: unknown[] = [
    {}, [], null, 7, 'x', { type: '0', data: offer }, { type: 5 }, { type: 20 }, { type: 42 }, { type: 0 }, { type: 0, data: { type: 'offer', sdp: '' } },
    { type: 0, data: 'not JSON' }, { type: 0, data: '[]' }, { type: 0, data: '{"type":"rollback","sdp":""}' }, { type: 0, data: '{"type":"offer"}' },
    { type: 1, data: '{"type":"answer","sdp":7}' },
  ]
  for (const value of dropped) t.equal(read(value), undefined, JSON.stringify(value))
  t.equal(decodeEdgeMessage('{"type":3'), undefined)
  t.equal(
    encodeEdgeMessage({ type: 1, description: { type: 'answer', sdp: 'v=0' }, metadata: { tracks: [], status: 'OK' } }),
    '{"type":1,"data":"{\\"type\\":\\"answer\\",\\"sdp\\":\\"v=0\\"}","metadata":{"tracks":[],"status":"OK"}}',
  )
})

test('candidates have a mid', (t) => {
  const ice = (inner: unknown): unknown => read({ type: 2, data: JSON.stringify(inner) })
  t.same(ice({ candidate: 'c', sdpMid: '0' }), { type: 2, candidate: { candidate: 'c', sdpMid: '0' }, metadata: undefined })
  t.same(ice({ candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u', more: 1 }), {
    type: 2, candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' }, metadata: undefined,
  })
  for (const inner of [{ candidate: 'c' }, { candidate: 'c', sdpMid: null }, { sdpMid: '0' }, { candidate: 'c', sdpMid: 0 }, null]) t.equal(ice(inner), undefined)
  t.same(ice({ candidate: '', sdpMid: '0', sdpMLineIndex: null, usernameFragment: null }), { type: 2, candidate: { candidate: '', sdpMid: '0' }, metadata: undefined })
  t.equal(encodeEdgeMessage({ type: 2, candidate: { candidate: 'c', sdpMid: '0' } }), '{"type":2,"data":"{\\"candidate\\":\\"c\\",\\"sdpMid\\":\\"0\\"}"}')
})

test('servers go out in both shapes, and either is read', (t) => {
  const iceServers = [{ urls: ['stun:a', 'stun:b'] }, { urls: ['turn:c'], username: 'u', credential: 'p' }, { urls: ['turn:d'], username: '', credential: '' }]
  const text = encodeEdgeMessage({ type: 4, iceServers })
  t.same(JSON.parse(text), {
    type: 4,
    servers: [
      { hostname: 'stun:a', port: 0, username: '', password: '' }, { hostname: 'turn:c', port: 0, username: 'u', password: 'p' },
      { hostname: 'turn:d', port: 0, username: '', password: '' },
    ],
    iceServers: [{ urls: ['stun:a', 'stun:b'] }, { urls: ['turn:c'], username: 'u', credential: 'p' }, { urls: ['turn:d'] }],
  })
  t.same(decodeEdgeMessage(text), { type: 4, iceServers: [{ urls: ['stun:a', 'stun:b'] }, { urls: ['turn:c'], username: 'u', credential: 'p' }, { urls: ['turn:d'] }] })
  t.same(read({ type: 4, servers: [{ hostname: 'turn:c', port: 0, username: 'u', password: 'p' }, { hostname: 'stun:a', port: 0, username: '', password: '' }] }), {
    type: 4, iceServers: [{ urls: ['turn:c'], username: 'u', credential: 'p' }, { urls: ['stun:a'] }],
  })
  t.same(read({ type: 4, servers: [{ hostname: 'turn:c', username: 'u', password: 'p' }], iceServers: [] }), { type: 4, iceServers: [] }, 'the newer shape counts, even when empty')
  for (const value of [{ type: 4 }, { type: 4, servers: [{}] }, { type: 4, iceServers: [{ urls: 'stun:a' }] }, { type: 4, servers: 'x' },
    { type: 4, servers: Array(33).fill({ hostname: 'h', username: '', password: '' }) }]) t.equal(read(value), undefined)
  t.same(read({ type: 4, servers: Array(32).fill({ hostname: 'h', username: '', password: '' }) }), { type: 4, iceServers: Array(32).fill({ urls: ['h'] }) })
  t.equal(encodeEdgeMessage({ type: 3 }), '{"type":3}')
  t.same(read({ type: 3 }), { type: 3 })
})

test('logins', (t) => {
  const login = { productId: 'pr-1', deviceId: 'de-1', sct: 'token' }
  t.equal(encodeEdgeLogin(login), '{"type":20,"productId":"pr-1","deviceId":"de-1","sct":"token"}')
  t.same(decodeEdgeLogin(encodeEdgeLogin(login)), login)
  t.same(decodeEdgeLogin(encodeEdgeLogin({ productId: 'p', deviceId: 'd', jwt: 'x'.repeat(8192) })), { productId: 'p', deviceId: 'd', jwt: 'x'.repeat(8192) })
  for (const value of [
    { type: 42 }, { type: 20 }, { ...login, type: 20, sct: 7 }, { ...login, type: 20, productId: 'x'.repeat(65) }, { ...login, type: 20, jwt: 'x'.repeat(8193) },
    { ...login, type: 20, sct: null }, { ...login, type: 21 }, [], null,
  ]) t.equal(decodeEdgeLogin(JSON.stringify(value)), undefined, JSON.stringify(value).slice(0, 80))
  t.equal(decodeEdgeLogin('{'), undefined)
  t.equal(EDGE_LOGIN_RESPONSE, '{"type":21}')
  t.ok(isEdgeLoginResponse(EDGE_LOGIN_RESPONSE))
  t.equal(isEdgeLoginResponse('{"type":20}'), false)
})

test('close codes and what they mean to a page', (t) => {
  const meanings: [number, keyof typeof NabtoWebrtcErrorCode][] = [
    [1000, 'DEVICE_CLOSED'], [4001, 'DEVICE_SIGNALING_DENIED'], [4002, 'BASESTATION_TOKEN_REJECTED'], [4003, 'BASESTATION_DEVICE_OFFLINE'],
    [4004, 'UNKNOWN'], [4005, 'BASESTATION_UNKNOWN_PRODUCT_ID'], [4006, 'BASESTATION_UNKNOWN_DEVICE_ID'], [4007, 'CONNECTION_TIMEOUT'],
    [4008, 'UNKNOWN'], [4009, 'UNKNOWN'], [4010, 'DEVICE_INTERNAL_ERROR'], [1001, 'UNKNOWN'], [1006, 'UNKNOWN'], [1007, 'UNKNOWN'], [1011, 'UNKNOWN'],
  ]
  for (const [closeCode, name] of meanings) t.equal(errorCodeOfClose(closeCode), NabtoWebrtcErrorCode[name], String(closeCode))
  t.equal(EdgeCloseCodes.signalingDenied, 4001)
})

test('what says that a channel is an Edge stream', (t) => {
  t.equal(decodeEdgeEnvelope(JSON.parse(JSON.stringify(EDGE_OPEN))), EDGE_OPEN)
  t.same(decodeEdgeEnvelope(encodeEdgeRecordEnvelope('{"type":3}')), { type: 'EDGE', record: '{"type":3}' })
  for (const value of [null, 'EDGE', {}, { type: 'NONE', message: {} }, { type: 'JWT', jwt: '' }, { type: 'EDGE' }, { type: 'EDGE', version: 2 }, { type: 'EDGE', record: {} }]) {
    t.equal(decodeEdgeEnvelope(value), undefined)
  }
})

test('messages changed at random are read or dropped', (t) => {
  const random = createSeededRandom(3)
  const texts = [
    encodeEdgeMessage({ type: 0, description: { type: 'offer', sdp: 'v=0\r\na=x' }, metadata: { tracks: [{ mid: '0', trackId: 'a' }] } }),
    encodeEdgeMessage({ type: 2, candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 1 } }),
    encodeEdgeMessage({ type: 4, iceServers: [{ urls: ['turn:c'], username: 'u', credential: 'p' }] }),
    encodeEdgeLogin({ productId: 'p', deviceId: 'd', sct: 's' }),
  ]
  for (const text of texts) {
    for (let run = 0; run < 500; run++) {
      const [at, code, length] = random.bytes(3)
      const from = Math.floor((at / 256) * text.length)
      const changed = text.slice(0, from) + (run % 3 === 0 ? '' : String.fromCharCode(code & 127)) + text.slice(from + (length % 3))
      decodeEdgeLogin(changed)
      const message = decodeEdgeMessage(changed)
      t.ok(message === undefined || typeof message.type === 'number')
    }
    for (let cut = 0; cut < text.length; cut++) t.equal(decodeEdgeMessage(text.slice(0, cut)), undefined)
  }
})
