// Signing and message transports (protocol/webrtc-signaling.md §7, §10.3).
import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { hs256Key, readJwtHeader, signJwt, verifyJwt } from '../../../lib/jwt/index.ts'
import {
  ClientMessageTransportSecurityMode, createClientMessageTransport, createDeviceMessageTransport, DeviceMessageTransportSecurityMode, type IceServer,
  type JSONValue, type MessageTransport, SignalingError, type WebrtcSignalingMessage,
} from '../../../lib/signaling/index.ts'
import { decodeSignalingMessage, encodeIceServer, encodeSignalingMessage } from '../../../lib/signaling/messages.ts'
import { SharedSecretSigner, unsignedMessages } from '../../../lib/signaling/signing.ts'
import { createMemoryHost } from '../../../runtimes/memory/index.ts'
import { type Assert, test } from '../../suite.ts'
import { observedClient, observedDevice, type ObservedClient, type ObservedDevice } from '../support/ends.ts'
import { TestService } from '../support/test-service.ts'

const secret = hs256Key(encodeUtf8('s3cret'))
const setupRequest = { type: 'SETUP_REQUEST' } as const

const signer = (seed: number, sharedSecret = 's3cret', keyId?: string): SharedSecretSigner =>
  new SharedSecretSigner(sharedSecret, keyId, createMemoryHost({ seed }), 65_536)

test('two signers with one secret understand each other both ways, whatever the secret is', (t) => {
  for (const sharedSecret of ['', 'key', 's3cret', 'æøå'.repeat(200)]) {
    const [client, device] = [signer(1, sharedSecret), signer(2, sharedSecret)]
    t.same(device.verify(client.sign(setupRequest)), setupRequest)
    for (let n = 0; n < 5; n++) {
      t.same(client.verify(device.sign({ n })), { n })
      t.same(device.verify(client.sign({ n })), { n })
    }
  }
  t.throws(() => signer(1, 'one').verify(signer(2, 'other').sign(setupRequest)), 'VERIFICATION_ERROR')
})

test('a second signature before the peer was heard is refused, and the number is not used up', (t) => {
  const [client, device] = [signer(1), signer(2)]
  const first = client.sign(setupRequest)
  t.throws(() => client.sign({ n: 1 }), 'VERIFICATION_ERROR')
  device.verify(first)
  client.verify(device.sign({ n: 1 }))
  t.same(device.verify(client.sign({ n: 2 })), { n: 2 })
})

test('form of the first token', (t) => {
  const envelope = signer(1, 's3cret', 'default').sign(setupRequest)
  t.equal(envelope.type, 'JWT')
  t.same(readJwtHeader(envelope.jwt as string), { alg: 'HS256', typ: 'JWT', kid: 'default' })
  const { claims } = verifyJwt(envelope.jwt as string, secret)
  t.same(Object.keys(claims), ['message', 'messageSeq', 'signerNonce'])
  t.ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(claims.signerNonce as string))
  t.equal(readJwtHeader(signer(1).sign(setupRequest).jwt as string).kid, undefined)
})

test('the published vector of §7.2', (t) => {
  const claims = { message: setupRequest, messageSeq: 0, signerNonce: '11111111-1111-4111-8111-111111111111' }
  const jwt = signJwt({ typ: 'JWT', kid: 'default' }, claims, secret)
  t.equal(jwt.split('.')[2], 'Fey0iGu4iqxZ0vu2YMXnASnYQl7SiQM99_sNNognuTo')
  t.same(signer(1).verify({ type: 'JWT', jwt }), setupRequest)
})

test('replayed, skipped, foreign and malformed messages', (t) => {
  const session = (): { client: SharedSecretSigner; device: SharedSecretSigner; request: JSONValue } => {
    const [client, device] = [signer(1), signer(2)]
    const request = client.sign(setupRequest)
    device.verify(request)
    client.verify(device.sign({ n: 0 }))
    return { client, device, request }
  }
  const { client, device, request } = session()
  t.throws(() => device.verify(request), 'VERIFICATION_ERROR', 'replay')
  const skipped = client.sign({ n: 1 })
  t.throws(() => device.verify(client.sign({ n: 2 })), 'VERIFICATION_ERROR', 'gap')
  t.same(device.verify(skipped), { n: 1 }, 'a refused message moves nothing')
  const make = (claims: Record<string, unknown>): JSONValue => ({ type: 'JWT', jwt: signJwt({}, claims, secret) })
  const fresh = { message: { n: 1 }, messageSeq: 1, signerNonce: client.nonce, verifierNonce: device.nonce }
  const cases: [Record<string, unknown>, string][] = [
    [{ ...fresh, signerNonce: 'other' }, 'VERIFICATION_ERROR'], [{ ...fresh, verifierNonce: 'other' }, 'VERIFICATION_ERROR'],
    [{ ...fresh, verifierNonce: undefined }, 'VERIFICATION_ERROR'], [{ ...fresh, messageSeq: '1' }, 'DECODE_ERROR'], [{ ...fresh, message: 'text' }, 'DECODE_ERROR'],
    [{ ...fresh, message: undefined }, 'DECODE_ERROR'], [{ ...fresh, signerNonce: 7 }, 'DECODE_ERROR'], [{ ...fresh, verifierNonce: 7 }, 'DECODE_ERROR'],
    [{ ...fresh, signerNonce: 'x'.repeat(257) }, 'DECODE_ERROR'], [{ ...fresh, messageSeq: 2, exp: 1 }, 'VERIFICATION_ERROR'],
  ]
  for (const [claims, code] of cases) t.throws(() => session().device.verify(make(claims)), code, JSON.stringify(claims).slice(0, 120))
  for (const [envelope, code] of [
    [null, 'DECODE_ERROR'], ['JWT', 'DECODE_ERROR'], [{}, 'DECODE_ERROR'], [{ type: 'JWT' }, 'DECODE_ERROR'], [{ type: 'NONE', message: {} }, 'VERIFICATION_ERROR'],
    [{ type: 'JWT', jwt: 'a.b.c' }, 'VERIFICATION_ERROR'], [{ type: 'JWT', jwt: '' }, 'VERIFICATION_ERROR'],
  ] as [JSONValue, string][]) t.throws(() => signer(1).verify(envelope), code, JSON.stringify(envelope))
  const token = (client.sign({ n: 9 }).jwt as string)
  for (let cut = 0; cut < token.length; cut++) t.throws(() => session().device.verify({ type: 'JWT', jwt: token.slice(0, cut) }), 'VERIFICATION_ERROR')
})

test('the first message of a device must repeat our nonce, if it repeats one', (t) => {
  const client = signer(1)
  client.sign(setupRequest)
  const make = (verifierNonce: string | undefined): JSONValue =>
    ({ type: 'JWT', jwt: signJwt({}, { message: {}, messageSeq: 0, signerNonce: 'device', verifierNonce }, secret) })
  t.throws(() => client.verify(make('of another session')), 'VERIFICATION_ERROR')
  t.same(client.verify(make(undefined)), {})
  t.same(signer(1).verify(make(signer(1).nonce)), {})
})

test('unsigned envelopes', (t) => {
  t.same(unsignedMessages.sign(setupRequest), { type: 'NONE', message: setupRequest })
  t.same(unsignedMessages.verify({ type: 'NONE', message: setupRequest }), setupRequest)
  t.throws(() => unsignedMessages.verify({ type: 'JWT', jwt: 'x' }), 'VERIFICATION_ERROR')
  for (const bad of [{}, { type: 'NONE' }, { type: 'NONE', message: 'x' }, { message: {} }, null, 7] as JSONValue[]) t.throws(() => unsignedMessages.verify(bad), 'DECODE_ERROR')
})

test('decoding is lenient where peers differ, and strict where they agree', (t) => {
  const candidate = (value: unknown): unknown => decodeSignalingMessage({ type: 'CANDIDATE', candidate: value })
  t.same(candidate({ candidate: 'c', sdpMid: '0', sdpMLineIndex: 1, usernameFragment: null }), { type: 'CANDIDATE', candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 1 } })
  t.same(candidate({ candidate: 'c', sdpMLineIndex: 0, usernameFragment: 'u', extra: 1 }), { type: 'CANDIDATE', candidate: { candidate: 'c', sdpMLineIndex: 0, usernameFragment: 'u' } })
  t.same(candidate({ candidate: '' }), { type: 'CANDIDATE', candidate: { candidate: '' } })
  for (const bad of [{}, null, { candidate: 7 }, { candidate: 'c', sdpMid: 0 }, { candidate: 'c', sdpMLineIndex: '0' }, { candidate: 'c', usernameFragment: 1 }]) {
    t.throws(() => candidate(bad), 'DECODE_ERROR', JSON.stringify(bad))
  }
  const setup = (iceServers: unknown): unknown => decodeSignalingMessage({ type: 'SETUP_RESPONSE', iceServers })
  t.same(setup(null), { type: 'SETUP_RESPONSE', iceServers: undefined })
  t.same(setup([{ urls: [], username: null, credential: null, extra: 1 }]), { type: 'SETUP_RESPONSE', iceServers: [{ urls: [] }] })
  for (const bad of ['x', {}, [7], [{ urls: 'stun:x' }], [{ urls: [7] }], [{ urls: [], username: 7 }], Array(33).fill({ urls: [] }), [{ urls: Array(17).fill('stun:x') }]]) {
    t.throws(() => setup(bad), 'DECODE_ERROR', JSON.stringify(bad).slice(0, 80))
  }
  t.ok(setup(Array(32).fill({ urls: Array(16).fill('stun:x') })))
  for (const bad of [{}, { type: 'offer' }, { type: 'other', sdp: '' }, { sdp: '' }]) t.throws(() => decodeSignalingMessage({ type: 'DESCRIPTION', description: bad }), 'DECODE_ERROR')
  for (const bad of [null, 'x', {}, { type: 7 }]) t.throws(() => decodeSignalingMessage(bad), 'DECODE_ERROR')
  t.equal(decodeSignalingMessage({ type: 'FROM_THE_FUTURE' }), undefined)
})

test('encoding is what every peer reads', (t) => {
  const encoded = encodeSignalingMessage({ type: 'CANDIDATE', candidate: { usernameFragment: 'u', sdpMLineIndex: 0, sdpMid: null, candidate: 'c' } })
  t.equal(JSON.stringify(encoded), '{"type":"CANDIDATE","candidate":{"candidate":"c","sdpMLineIndex":0,"usernameFragment":"u"}}')
  t.same(encodeSignalingMessage({ type: 'SETUP_RESPONSE' }), { type: 'SETUP_RESPONSE', iceServers: [] })
  t.same(encodeIceServer({ urls: 'stun:x', username: '', credential: '' }), { urls: ['stun:x'] })
})

interface Session {
  service: TestService
  client: ObservedClient
  device: ObservedDevice
  atClient: Seen
  atDevice: Seen
}

interface Seen {
  transport: MessageTransport | undefined
  setups: (IceServer[] | undefined)[]
  messages: WebrtcSignalingMessage[]
  errors: unknown[]
}

function watch(transport: MessageTransport | undefined): Seen {
  const seen: Seen = { transport, setups: [], messages: [], errors: [] }
  transport?.on('setupdone', (iceServers) => void seen.setups.push(iceServers))
  transport?.on('error', (error) => void seen.errors.push(error))
  return seen
}

async function session(options: { secret?: string; keyId?: string; callback?: (keyId?: string) => Promise<string> } = {}): Promise<Session> {
  const service = new TestService()
  const device = observedDevice(service)
  const { callback = () => Promise.resolve('s3cret') } = options
  const made: { atDevice: Seen } = { atDevice: watch(undefined) }
  device.device.onNewSignalingChannel = (channel) => {
    made.atDevice = watch(createDeviceMessageTransport(device.device, channel, { securityMode: DeviceMessageTransportSecurityMode.SHARED_SECRET, sharedSecretCallback: callback }))
  }
  device.device.start()
  await service.clock.advance(100)
  const client = observedClient(service)
  const atClient = watch(createClientMessageTransport(client.client, {
    securityMode: ClientMessageTransportSecurityMode.SHARED_SECRET, sharedSecret: options.secret ?? 's3cret', keyId: options.keyId,
  }))
  client.client.start()
  await service.clock.advance(200)
  return { service, client, device, atClient, atDevice: made.atDevice }
}

const candidate = (text: string): WebrtcSignalingMessage => ({ type: 'CANDIDATE', candidate: { candidate: text } })

test('set-up gives both ends the ICE servers, then messages flow both ways; early ones wait for a listener', async (t) => {
  const { service, atClient, atDevice } = await session()
  t.equal(atClient.setups[0]?.length, 3)
  t.same(atClient.setups, atDevice.setups)
  await atClient.transport?.sendWebrtcSignalingMessage(candidate('from the client'))
  await atDevice.transport?.sendWebrtcSignalingMessage(candidate('from the device'))
  await service.clock.advance(50)
  for (const seen of [atClient, atDevice]) {
    seen.transport?.on('webrtcsignalingmessage', (message) => void seen.messages.push(message))
    await service.clock.advance(1)
  }
  t.same(atClient.messages, [candidate('from the device')])
  t.same(atDevice.messages, [candidate('from the client')])
})

test('messages that nobody listens to are bounded', async (t) => {
  const { service, atClient, client, device } = await session()
  // One is with the transport, as many as the channel holds wait behind it.
  for (let n = 0; n < device.device.limits.maxUndelivered + 1; n++) {
    await atClient.transport?.sendWebrtcSignalingMessage(candidate(String(n)))
    if (n % 100 === 0) await service.clock.advance(100)
  }
  await service.clock.advance(100)
  t.equal(client.client.channelState, 'CONNECTED')
  await atClient.transport?.sendWebrtcSignalingMessage(candidate('one more'))
  await service.clock.advance(100)
  t.equal(client.client.channelState, 'FAILED')
})

function failsWith(t: Assert, { client, atClient, atDevice }: Session, code: string): void {
  t.equal((client.errors[0] as SignalingError).errorCode, code)
  t.equal(client.client.channelState, 'FAILED')
  t.equal(atDevice.errors.length, 1)
  t.same([...atClient.setups, ...atDevice.setups], [])
}

test('the key id finds the secret; its failures reach the client', async (t) => {
  const asked: (string | undefined)[] = []
  const named = await session({ keyId: 'phone', callback: (keyId) => { asked.push(keyId); return Promise.resolve('s3cret') } })
  const unnamed = await session({ callback: (keyId) => { asked.push(keyId); return Promise.resolve('s3cret') } })
  t.same(asked, ['phone', undefined])
  t.equal(named.atClient.setups.length + unnamed.atClient.setups.length, 2)
  failsWith(t, await session({ callback: () => Promise.reject(new SignalingError('ACCESS_DENIED', 'who are you?')) }), 'ACCESS_DENIED')
  const internal = await session({ callback: () => Promise.reject(new Error('the database password is hunter2')) })
  failsWith(t, internal, 'INTERNAL_ERROR')
  t.ok(!(internal.client.errors[0] as Error).message.includes('hunter2'), 'no detail of ours for the peer')
})

test('a wrong secret fails both ends', async (t) => {
  failsWith(t, await session({ secret: 'wrong' }), 'VERIFICATION_ERROR')
})

test('sending before set-up is refused', async (t) => {
  const service = new TestService()
  const transport = createClientMessageTransport(observedClient(service).client, { securityMode: ClientMessageTransportSecurityMode.NONE })
  await t.rejects(transport.sendWebrtcSignalingMessage(candidate('early')), 'setupdone')
})

test('first messages that are not what belongs there fail the channel', async (t) => {
  for (const [first, code] of [
    [{ type: 'NONE', message: candidate('x') }, 'DECODE_ERROR'], [{ type: 'NONE', message: { type: 'SETUP_RESPONSE' } }, 'DECODE_ERROR'],
    [{ type: 'NONE', message: {} }, 'DECODE_ERROR'], [{ type: 'NONE', message: { type: 'FROM_THE_FUTURE' } }, 'DECODE_ERROR'], [{ message: setupRequest }, 'DECODE_ERROR'],
    [{ type: 'JWT', jwt: 'x' }, 'VERIFICATION_ERROR'],
  ] as [JSONValue, string][]) {
    const service = new TestService()
    const { device } = observedDevice(service)
    const errors: unknown[] = []
    device.onNewSignalingChannel = (channel) => {
      createDeviceMessageTransport(device, channel, { securityMode: DeviceMessageTransportSecurityMode.NONE }).on('error', (error) => void errors.push(error))
    }
    device.start()
    await service.clock.advance(100)
    const client = service.simulateClient()
    client.send(first)
    await service.clock.advance(100)
    t.same(client.errors.map((error) => error.code), [code], JSON.stringify(first))
    t.equal((errors[0] as SignalingError).errorCode, code)
  }
})

test('without a signature: set-up, unknown types and repeated set-up are ignored afterwards', async (t) => {
  const service = new TestService()
  const { device } = observedDevice(service)
  let seen = watch(undefined)
  device.onNewSignalingChannel = (channel) => {
    seen = watch(createDeviceMessageTransport(device, channel, { securityMode: DeviceMessageTransportSecurityMode.NONE }))
    seen.transport?.on('webrtcsignalingmessage', (message) => void seen.messages.push(message))
  }
  device.start()
  await service.clock.advance(100)
  const client = service.simulateClient()
  const messages: JSONValue[] = [setupRequest, setupRequest, { type: 'FROM_THE_FUTURE' }, { type: 'SETUP_RESPONSE' }, { type: 'CANDIDATE', candidate: { candidate: 'c' } }]
  for (const message of messages) {
    client.send({ type: 'NONE', message })
  }
  await service.clock.advance(100)
  t.same(seen.messages, [candidate('c')])
  t.equal(client.messages.length, 1)
  t.equal(seen.setups.length, 1)
})

test('no ICE servers: the session is set up all the same', async (t) => {
  const service = new TestService()
  let calls = 0
  const { device } = observedDevice(service, { tokenGenerator: () => Promise.resolve(++calls === 1 ? 'token' : 'wrong') })
  device.onNewSignalingChannel = (channel) => {
    createDeviceMessageTransport(device, channel, { securityMode: DeviceMessageTransportSecurityMode.NONE })
  }
  device.start()
  await service.clock.advance(100)
  const client = service.simulateClient()
  client.send({ type: 'NONE', message: setupRequest })
  await service.clock.advance(100)
  t.same(client.messages, [{ type: 'NONE', message: { type: 'SETUP_RESPONSE', iceServers: [] } }])
})

test('a signed SETUP_REQUEST is good once for a device', async (t) => {
  const { service, device } = await session()
  const request = signer(77).sign(setupRequest)
  const [first, second] = [service.simulateClient(), service.simulateClient()]
  first.send(request)
  second.send(request)
  await service.clock.advance(200)
  t.same(first.errors, [])
  t.same(second.errors.map(({ code }) => code), ['VERIFICATION_ERROR'])
  t.equal(device.device.connectionState, 'CONNECTED')
})
