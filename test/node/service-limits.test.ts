import { connect as connectTcp, type Socket } from 'node:net'
import tap from 'tap'
import { connect, connectClient, DEVICE, deviceClaims, PRODUCT, registerTestDevice, request, seatDevice, serve, TestSocket } from './support/service.ts'

const frameOf = (bytes: number, letter = 'x'): string => {
  const frame = (data: string): string => JSON.stringify({ type: 'MESSAGE', channelId: 'c', message: data })
  return frame(letter.repeat((bytes - frame('').length) / Buffer.byteLength(letter)))
}

void tap.test('frame size: the bound, and one byte more', async (t) => {
  const service = await serve(t, { limits: { frameBytes: 1001 } })
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket } = await connectClient(t, service)
  for (const letter of ['x', 'é']) {
    const frame = frameOf(letter === 'x' ? 1001 : 1000, letter)
    socket.send(frame)
    await socket.flush()
  }
  await device.has(3)
  socket.send(frameOf(1002))
  t.equal((await socket.hasClosed())?.code, 1009)
  await device.flush()
  t.equal(device.relayed.length, 3)
})

void tap.test('the largest frame of a client fits what a device takes by default', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket } = await connectClient(t, service)
  const sizes: number[] = []
  device.socket.on('message', (data: Buffer) => sizes.push(data.length))
  socket.send(frameOf(261_120))
  await socket.flush()
  await device.flush()
  t.ok(Math.max(...sizes) > 261_120 && Math.max(...sizes) <= 262_144, `${Math.max(...sizes)} bytes`)
})

void tap.test('a message that is nested as deep as a frame allows', async (t) => {
  const service = await serve(t)
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket, channelId } = await connectClient(t, service)
  const deep = '['.repeat(130_000) + ']'.repeat(130_000)
  const sizes: number[] = []
  device.socket.on('message', (data: Buffer) => sizes.push(data.length))
  socket.send(`{"type":"MESSAGE","channelId":"c","message":${deep}}`)
  await socket.flush()
  socket.send(`{"type":"MESSAGE","channelId":"c","mess\\u0061ge":${deep}}`)
  socket.send(`{"type":"ERROR","channelId":"c","error":{"code":"X","more":${deep}}}`)
  await socket.flush()
  await device.flush()
  t.ok(Math.max(...sizes) > 260_000, 'it is the business of the device')
  t.strictSame(device.relayed.slice(2), [{ type: 'ERROR', channelId, error: { code: 'X' } }])
})

void tap.test('frames per second', async (t) => {
  const service = await serve(t, { limits: { clientFramesPerSecond: 5, frameBurstSeconds: 2 } })
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket, channelId } = await connectClient(t, service)
  for (let n = 0; n < 10; n++) socket.send({ type: 'MESSAGE', channelId, message: n })
  await device.has(11)
  t.equal(socket.closed, undefined)
  for (let n = 0; n < 10; n++) socket.socket.ping()
  t.equal((await socket.hasClosed())?.code, 4008, 'pings of the WebSocket itself count as well')
  await device.flush()
  t.equal(device.closed, undefined)
})

void tap.test('clients of a device', async (t) => {
  const service = await serve(t, { limits: { channelsPerDevice: 2 } })
  await registerTestDevice(service)
  const early = String((await connect(service, '/v1/client/connect')).body.signalingUrl)
  const first = await connectClient(t, service)
  await connectClient(t, service)
  const refused = await connect(service, '/v1/client/connect')
  t.equal(refused.status, 429)
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  const late = await TestSocket.open(t, early)
  t.equal((await late.hasClosed())?.code, 4029)
  await first.socket.close()
  await connectClient(t, service)
})

void tap.test('sockets of a node', async (t) => {
  const service = await serve(t, { limits: { sockets: 1 } })
  await registerTestDevice(service)
  const url = String((await connect(service, '/v1/client/connect')).body.signalingUrl)
  const { socket } = await connectClient(t, service)
  await t.rejects(TestSocket.open(t, url), { message: 'refused with 503' })
  await socket.close()
  await TestSocket.open(t, url)
})

void tap.test('connections of a node', async (t) => {
  const { address } = await serve(t, { limits: { sockets: 1, httpConnections: 1 } })
  const connections = await Promise.all([1, 2, 3].map(() => new Promise<Socket>((resolve) => {
    const connection = connectTcp(address.port, '127.0.0.1', () => resolve(connection))
    t.teardown(() => connection.destroy())
  })))
  await Promise.race(connections.map((connection) => new Promise((resolve) => connection.once('close', resolve))))
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(connections.filter(({ closed }) => closed).length, 1)
})

void tap.test('HTTP bodies', async (t) => {
  const service = await serve(t, { limits: { httpBodyBytes: 400 } })
  await registerTestDevice(service)
  const body = JSON.stringify({ productId: PRODUCT, deviceId: DEVICE })
  t.equal((await request(`${service.url}/v1/client/connect`, 'POST', { text: body.padEnd(400) })).status, 200)
  t.match(await request(`${service.url}/v1/client/connect`, 'POST', { text: body.padEnd(401) }), { status: 413, body: { message: String } })
})

void tap.test('requests of one address', async (t) => {
  const service = await serve(t, { limits: { requestsPerAddressPerMinute: 10 } })
  await registerTestDevice(service)
  for (let n = 0; n < 9; n++) t.equal((await connect(service, '/v1/client/connect')).status, 200)
  const refused = await connect(service, '/v1/client/connect')
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '6')
  t.match(refused.body.message, /come back in 6 seconds/)
  t.equal((await request(`${service.url}/admin/v1/products`, 'GET', { token: 'a guess' })).status, 429, 'guessing the admin token is as slow')
  t.equal((await request(`${service.url}/healthz`, 'GET')).status, 200)
})

void tap.test('connects of one device: only its own proofs count', async (t) => {
  const service = await serve(t, { limits: { connectsPerDevicePerMinute: 2 } })
  const key = await registerTestDevice(service)
  const other = await registerTestDevice(service, { device: 'wd-other' })
  for (let n = 0; n < 5; n++) t.equal((await connect(service, '/v1/device/connect', await other.sign(deviceClaims()))).status, 403)
  for (let n = 0; n < 2; n++) t.equal((await connect(service, '/v1/device/connect', await key.sign(deviceClaims()))).status, 200)
  const refused = await connect(service, '/v1/device/connect', await key.sign(deviceClaims()))
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '30')
})

void tap.test('clients that ask for one device, and sockets of one client', async (t) => {
  const service = await serve(t, { limits: { clientConnectsPerDevicePerMinute: 2, connectsPerDevicePerMinute: 2 } })
  await registerTestDevice(service)
  const { url } = await connectClient(t, service)
  await TestSocket.open(t, url)
  await t.rejects(TestSocket.open(t, url), { message: 'refused with 429' })
  t.equal((await connect(service, '/v1/client/connect')).status, 200)
  t.equal((await connect(service, '/v1/client/connect')).status, 429)
})

void tap.test('a peer that does not read', async (t) => {
  const service = await serve(t, { limits: { sendBufferBytes: 65_536, clientFramesPerSecond: 1e6, pingIntervalMs: 1e9 } })
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket, channelId } = await connectClient(t, service)
  device.socket.pause()
  const frame = JSON.stringify({ type: 'MESSAGE', channelId, message: 'x'.repeat(100_000) })
  // What the kernel takes for a peer that does not read is some megabytes.
  for (let n = 0; n < 300 && socket.relayed.length === 0; n++) {
    socket.send(frame)
    await socket.flush()
  }
  t.strictSame(socket.relayed, [{ type: 'PEER_OFFLINE', channelId }])
  device.socket.resume()
  t.equal((await device.hasClosed())?.code, 1006)
})

void tap.test('a silent socket is dropped, one that answers pings stays', async (t) => {
  const service = await serve(t, { limits: { pingIntervalMs: 100 } })
  const device = await seatDevice(t, service, await registerTestDevice(service))
  const { socket } = await connectClient(t, service)
  device.socket.on('message', (text: Buffer) => {
    if (text.toString() === '{"type":"PING"}') device.send({ type: 'PONG' })
  })
  t.equal((await socket.hasClosed())?.code, 1006)
  await device.flush()
  t.ok(device.frames.filter((frame) => (frame as { type: string }).type === 'PING').length >= 2)
})

void tap.test('a connection that never finishes its request', async (t) => {
  const service = await serve(t)
  const { port } = service.address
  const lines = await new Promise<string>((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`))
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('close', () => resolve(text))
    socket.on('error', () => undefined)
  })
  t.match(lines, /^HTTP\/1.1 431/)
})
