import tap from 'tap'
import {
  adminOf, clientClaims, connect, connectClient, DEVICE, deviceClaims, deviceUrl, makeKey, PRODUCT, registerTestDevice, request, seatDevice, serve, TestSocket,
} from './support/service.ts'

const data = (seq: number): unknown => ({ type: 'DATA', seq, data: { n: seq } })

void tap.test('a device and a client find each other, and the relay says who they are', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  const authorization = makeKey()
  await adminOf(service)('POST', `/products/${PRODUCT}/keys`, { publicKey: authorization.publicPem })

  const early = await connectClient(t, service)
  t.equal(early.deviceOnline, false)
  early.socket.send({ type: 'MESSAGE', channelId: early.channelId, message: data(0) })
  t.strictSame(await early.socket.has(1), [{ type: 'PEER_OFFLINE', channelId: early.channelId }])

  const device = await seatDevice(t, service, key)
  t.strictSame((await early.socket.has(2))[1], { type: 'PEER_CONNECTED', channelId: early.channelId }, 'the waiting client learns of the device')

  const token = await authorization.sign(clientClaims(), { kid: authorization.productKid })
  const client = await connectClient(t, service, token)
  t.equal(client.deviceOnline, true)
  t.strictSame(await device.has(1), [{ type: 'PEER_CONNECTED', channelId: client.channelId }])

  client.socket.send({ type: 'MESSAGE', channelId: 'of another', message: data(0), authorized: false, extra: 1 })
  t.strictSame((await device.has(2))[1], { type: 'MESSAGE', channelId: client.channelId, message: data(0), authorized: true })
  early.socket.send({ type: 'MESSAGE', channelId: client.channelId, message: data(0), authorized: true })
  t.strictSame((await device.has(3))[2], { type: 'MESSAGE', channelId: early.channelId, message: data(0) }, 'an anonymous client cannot say that it is authorized')

  device.send({ type: 'MESSAGE', channelId: client.channelId, message: data(7), authorized: true })
  t.strictSame(await client.socket.has(1), [{ type: 'MESSAGE', channelId: client.channelId, message: data(7) }])
  device.send({ type: 'ERROR', channelId: client.channelId, error: { code: 'ACCESS_DENIED', message: '', more: 1 }, errorCode: 'x' })
  t.strictSame((await client.socket.has(2))[1], { type: 'ERROR', channelId: client.channelId, error: { code: 'ACCESS_DENIED', message: '' } })

  client.socket.send({ type: 'MESSAGE', channelId: client.channelId, error: { code: 'CHANNEL_CLOSED' } })
  t.strictSame((await device.has(4))[3], { type: 'ERROR', channelId: client.channelId, error: { code: 'CHANNEL_CLOSED' } }, 'the form of one vendor SDK')
  t.equal(early.socket.frames.length, 2, 'nothing of that reached the other client')
})

void tap.test('what is not for the relay is ignored, and the socket stays usable', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket, channelId } = await connectClient(t, service)
  await device.has(1)
  for (const frame of ['', '{', 'null', '[]', '{"type":"NEW"}', '{"type":"MESSAGE"}', '{"type":"MESSAGE","channelId":1,"message":1}',
    '{"type":"PEER_CONNECTED","channelId":"x"}', '{"type":"PEER_OFFLINE","channelId":"x"}', '{"type":"ERROR","channelId":"x","error":{}}', '{"type":"PONG"}']) {
    socket.send(frame)
    device.send(frame)
  }
  socket.socket.send(Buffer.from('{"type":"PING"}'))
  await socket.flush()
  await device.flush()
  t.equal(socket.relayed.length, 0)
  t.equal(device.relayed.length, 1)
  socket.send(`{"message":{"big":12345678901234567890,"e":1e400,"\\u0061":"\\/"},"channelId":${JSON.stringify(channelId)},"type":"MESSAGE"}`)
  const raw = new Promise<string>((resolve) => device.socket.once('message', (text: Buffer) => resolve(text.toString())))
  t.equal(await raw, `{"type":"MESSAGE","channelId":"${channelId}","message":{"big":12345678901234567890,"e":1e400,"\\u0061":"\\/"}}`, 'a message is passed on as it was spelled')
})

void tap.test('a device reaches its own channels alone', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const other = await seatDevice(t, service, await registerTestDevice(service, { device: 'wd-other' }), { device: 'wd-other' })
  const { socket, channelId } = await connectClient(t, service)
  await device.has(1)
  for (const foreign of [channelId, 'no such channel', '"']) other.send({ type: 'MESSAGE', channelId: foreign, message: 1 })
  t.strictSame(await other.has(3), [channelId, 'no such channel', '"'].map((id) => ({ type: 'PEER_OFFLINE', channelId: id })), 'a channel of another device looks like none')
  other.send({ type: 'ERROR', channelId, error: { code: 'CHANNEL_CLOSED' } })
  other.send({ type: 'MESSAGE', channelId: '', message: 1 })
  await other.flush()
  await socket.flush()
  t.equal(socket.relayed.length, 0)
  t.equal(other.relayed.length, 4)
})

void tap.test('the newest socket of a device has the seat, and clients hear of it', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  const urls = [await deviceUrl(service, key), await deviceUrl(service, key)]
  const newer = await TestSocket.open(t, urls[1])
  const client = await connectClient(t, service)
  await newer.has(1)
  const older = await TestSocket.open(t, urls[0])
  t.equal((await older.hasClosed())?.code, 4000, 'a URL given out earlier cannot take the seat')
  const newest = await seatDevice(t, service, key)
  t.equal((await newer.hasClosed())?.code, 4000)
  t.strictSame(await client.socket.has(1), [{ type: 'PEER_CONNECTED', channelId: client.channelId }])
  client.socket.send({ type: 'MESSAGE', channelId: client.channelId, message: 1 })
  t.equal((await newest.has(1)).length, 1)
  await t.rejects(TestSocket.open(t, urls[1]), { message: 'refused with 403' }, 'a device URL opens one socket')
})

void tap.test('the URL of a client opens as often as it likes; the newest socket has the channel', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const client = await connectClient(t, service)
  const second = await TestSocket.open(t, client.url)
  t.equal((await client.socket.hasClosed())?.code, 4000)
  await second.close()
  const third = await TestSocket.open(t, client.url)
  const connected = { type: 'PEER_CONNECTED', channelId: client.channelId }
  t.strictSame(await device.has(3), [connected, connected, connected])
  device.send({ type: 'MESSAGE', channelId: client.channelId, message: 1 })
  t.equal((await third.has(1)).length, 1)
  await third.close()
  await device.flush()
  t.equal(device.relayed.length, 3, 'nobody is told of a client that leaves')
  device.send({ type: 'MESSAGE', channelId: client.channelId, message: 1 })
  await device.flush()
  t.strictSame(device.relayed.slice(3), [{ type: 'PEER_OFFLINE', channelId: client.channelId }])
})

void tap.test('every channel keeps its order', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const clients = await Promise.all(Array.from({ length: 10 }, () => connectClient(t, service)))
  t.equal(new Set(clients.map(({ channelId }) => channelId)).size, 10)
  for (let n = 0; n < 50; n++) for (const { socket, channelId } of clients) socket.send({ type: 'MESSAGE', channelId, message: n })
  await device.has(510)
  for (const { channelId } of clients) {
    const got = device.frames.filter((frame) => (frame as { channelId?: unknown }).channelId === channelId).slice(1)
    t.strictSame(got.map((frame) => (frame as { message: unknown }).message), Array.from({ length: 50 }, (_, n) => n))
  }
})

void tap.test('requests that are refused', async (t) => {
  const service = await serve(t)
  const key = await registerTestDevice(service)
  for (const path of ['/v1/device/connect', '/v1/client/connect', '/v1/ice-servers'] as const) {
    const unknownProduct = await connect(service, path, path.includes('device') ? await key.sign(deviceClaims()) : undefined, { productId: 'wp-none', deviceId: DEVICE })
    t.match(unknownProduct, { status: 404, body: { code: 'PRODUCT_ID_NOT_FOUND', message: String } }, path)
    const unknownDevice = await connect(service, path, path.includes('device') ? await key.sign(deviceClaims()) : undefined, { productId: PRODUCT, deviceId: 'wd-none' })
    t.match(unknownDevice, { status: 404, body: { code: 'DEVICE_ID_NOT_FOUND', message: String } }, path)
    for (const body of [null, [], {}, { productId: PRODUCT }, { productId: 1, deviceId: DEVICE }, { productId: PRODUCT, deviceId: '../x' }, { productId: PRODUCT, deviceId: 'x'.repeat(65) }]) {
      const { status, body: answer } = await connect(service, path, undefined, body)
      t.match({ status, answer }, { status: 400, answer: { message: String } }, `${path} ${JSON.stringify(body)}`)
    }
    t.match(await request(service.url + path, 'POST', { text: '{' }), { status: 400, body: { message: String } })
  }
  const response = await fetch(`${service.url}/v1/client/connect`, { method: 'POST', headers: { authorization: 'Basic eA==', 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify({ productId: PRODUCT, deviceId: DEVICE }) })
  t.equal(response.status, 401, 'another scheme than Bearer is no anonymous client')
  t.match(await request(`${service.url}/nothing`, 'GET'), { status: 404, body: { message: String } })
  await t.rejects(TestSocket.open(t, `${service.url.replace('http', 'ws')}/v1/elsewhere`), { message: 'refused with 404' })
})

void tap.test('a product can demand a token of every client, and then tells strangers nothing', async (t) => {
  const service = await serve(t)
  const device = await registerTestDevice(service)
  await adminOf(service)('PUT', `/products/${PRODUCT}`, { anonymousClients: false })
  await seatDevice(t, service, device)
  const there = await connect(service, '/v1/client/connect')
  const notThere = await connect(service, '/v1/client/connect', undefined, { productId: PRODUCT, deviceId: 'wd-none' })
  t.equal(there.status, 401)
  t.strictSame({ status: notThere.status, body: notThere.body }, { status: there.status, body: there.body })
})

void tap.test('browsers of other sites may use the API', async (t) => {
  const service = await serve(t)
  const preflight = await fetch(`${service.url}/v1/client/connect`, {
    method: 'OPTIONS', headers: { origin: 'https://example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
  })
  t.equal(preflight.status, 204)
  t.equal(preflight.headers.get('access-control-allow-origin'), '*')
  t.match(preflight.headers.get('access-control-allow-headers'), /authorization.*content-type/i)
  t.match(preflight.headers.get('access-control-allow-methods'), /POST/)
  const answer = await fetch(`${service.url}/v1/client/connect`, { method: 'POST', headers: { origin: 'https://example.org' } })
  t.match(answer.headers.get('access-control-expose-headers'), /retry-after/i)
})

void tap.test('ICE servers: those that cost something need a token that says so', async (t) => {
  const service = await serve(t, { iceServers: { stun: ['stun:127.0.0.1:3478'], turn: { urls: ['turn:127.0.0.1:3478?transport=udp', 'turn:127.0.0.1:3478?transport=tcp'], secret: 'north', lifetimeSeconds: 600 } } })
  const key = await registerTestDevice(service)
  t.strictSame((await connect(service, '/v1/ice-servers')).body, { iceServers: [{ urls: ['stun:127.0.0.1:3478'] }] })
  t.strictSame((await connect(service, '/v1/ice-servers', await key.sign(deviceClaims({ scope: 'device:connect' })))).body, { iceServers: [{ urls: ['stun:127.0.0.1:3478'] }] })
  const { body } = await connect(service, '/v1/ice-servers', await key.sign(deviceClaims()))
  const turn = (body.iceServers as { urls: string[]; username: string; credential: string }[])[1]
  t.equal(turn.urls.length, 2)
  const expiry = Number(turn.username.split(':')[0])
  t.ok(Math.abs(expiry - Date.now() / 1000 - 600) < 5)
  const { createHmac } = await import('node:crypto')
  t.equal(turn.credential, createHmac('sha1', 'north').update(turn.username).digest('base64'))
  t.equal((await connect(service, '/v1/ice-servers', await makeKey().sign(deviceClaims()))).status, 401)
})
