import { buildSync } from 'esbuild'
import { createSocket } from 'node:dgram'
import { once as eventOf } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tap from 'tap'
import { LenskeyError } from '../../lib/errors.ts'
import type { MessageTransport } from '../../lib/signaling/message-transport.ts'
import type { CreatePeerConnection, DataChannel, MediaPeerConnection, PeerConnection } from '../../lib/webrtc/peer-connection.ts'
import type { NegotiationTransport } from '../../lib/webrtc/perfect-negotiation.ts'
import { makeRtp } from '../../runtimes/node/media/rtp.ts'
import { nativeIceServers, parseIceUrl } from '../../runtimes/node/webrtc/ice-servers.ts'
import { type EngineName, loadEngine } from '../../runtimes/node/webrtc/index.ts'
import { negotiate, once, until } from './support/negotiating-pair.ts'

// Proved by the compiler: a browser's own connection is one of ours, and the real transport is one to negotiate over.
export const browserFits = (pc: RTCPeerConnection): PeerConnection => pc
export const transportFits = (transport: MessageTransport): NegotiationTransport => transport

const engines: Exclude<EngineName, 'auto'>[] = ['node-datachannel', 'werift']
const pairs = engines.flatMap((client) => engines.map((device) => [client, device] as const))

const logged: string[] = []
const load = (name: EngineName): Promise<CreatePeerConnection> =>
  loadEngine(name, {
    loopbackOnly: true,
    log: (level, event, fields) => {
      if (level === 'error') logged.push(`${event} ${JSON.stringify(fields)}`)
    },
  })

function echoing(pc: PeerConnection): void {
  pc.addEventListener('datachannel', ({ channel }) => {
    channel.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') channel.send(`echo ${data}`)
      else channel.send(new Uint8Array(data as ArrayBuffer).reverse())
    })
  })
}

async function answerTo(channel: DataChannel, message: string): Promise<unknown> {
  const answer = once<{ data: unknown }>(channel, 'message')
  channel.send(message)
  return (await answer).data
}

const opened = async (channel: DataChannel): Promise<void> => {
  if (channel.readyState !== 'open') await once(channel, 'open')
}

/** A key frame of VP8, as far as a packet shows it. */
const keyFrame = (sequenceNumber: number) =>
  makeRtp({ payloadType: 0, marker: true, sequenceNumber, timestamp: sequenceNumber * 3000, ssrc: 1 }, new Uint8Array([0x10, 0, 0, 0, 1]))

for (const [clientEngine, deviceEngine] of pairs) {
  void tap.test(`${clientEngine} sees ${deviceEngine}`, async (t) => {
    const startedAt = performance.now()
    const client = (await load(clientEngine))({ iceServers: [] })
    const device = (await load(deviceEngine))({ iceServers: [] })
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    const received: Uint8Array[] = []
    client.onVideo = (receiver) => (receiver.onRtp = (packet) => {
      received.push(packet)
      if (received.length === 1) receiver.requestKeyFrame()
    })
    echoing(client)
    const channel = device.createDataChannel('default', { protocol: 'chat' })
    const sender = device.addVideoSender({ codec: 'VP8', trackId: 'front' })
    let keyFrameRequests = 0
    sender.onKeyFrameRequest = () => keyFrameRequests++
    t.throws(() => channel.send('too early'), { code: 'ERR_DATA_CHANNEL_NOT_OPEN' })
    await opened(channel)
    t.comment(`connected in ${Math.round(performance.now() - startedAt)} ms`)
    t.equal(await answerTo(channel, 'hello'), 'echo hello')
    const bytes = once<{ data: unknown }>(channel, 'message')
    channel.send(new Uint8Array([1, 2, 3]))
    t.same([...new Uint8Array((await bytes).data as ArrayBuffer)], [3, 2, 1])

    await until(() => sender.ready, 'the sender is ready')
    let sequence = 65_530
    const timer = setInterval(() => sender.sendRtp(keyFrame(sequence++ & 0xffff)), 10)
    t.teardown(() => clearInterval(timer))
    await until(() => received.length >= 20, 'packets arrive')
    await until(() => keyFrameRequests > 0, 'the request for a key frame arrives')
    t.same([...received[0].subarray(12)], [0x10, 0, 0, 0, 1])

    const [seen, sent] = [await client.report(), await device.report()]
    t.match(seen.selectedPair, { local: { protocol: 'udp', address: '127.0.0.1' }, remote: { address: '127.0.0.1' } })
    t.ok((seen.bytesReceived ?? 0) > 0 && (sent.bytesSent ?? 0) > 0, 'bytes are counted')
    t.same(pair.errors, [])
    for (const { sent: messages } of Object.values(pair.transports)) {
      for (const message of messages) {
        if (message.type === 'CANDIDATE') t.match(message.candidate, { candidate: / 127\.0\.0\.1 /, sdpMid: /./ }, 'stays on this machine')
      }
    }
  })

  void tap.test(`${clientEngine} and ${deviceEngine} offer at once`, async (t) => {
    const client = (await load(clientEngine))({ iceServers: [] })
    const device = (await load(deviceEngine))({ iceServers: [] })
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    let frames = 0
    client.onVideo = (receiver) => (receiver.onRtp = () => frames++)
    echoing(client)
    echoing(device)
    const channels = [client.createDataChannel('of the client'), device.createDataChannel('of the device')]
    const sender = device.addVideoSender({ codec: 'VP8', trackId: 'front' })
    for (const channel of channels) await opened(channel)
    for (const channel of channels) t.equal(await answerTo(channel, channel.label), `echo ${channel.label}`)
    await until(() => sender.ready, 'the sender is ready')
    let sequence = 0
    const timer = setInterval(() => sender.sendRtp(keyFrame(sequence++)), 10)
    t.teardown(() => clearInterval(timer))
    await until(() => frames > 5, 'packets arrive')
    const offers = (messages: { type: string }[]) => messages.filter((message) => JSON.stringify(message).includes('"offer"')).length
    t.ok(offers(pair.transports.client.sent) > 0 && offers(pair.transports.device.sent) > 0)
    t.same(pair.errors, [])
  })
}

// Both ends run in native threads, so that all has come, the close as well, before this thread looks at any of it.
for (const closes of ['channel', 'connection'] as const) {
  void tap.test(`node-datachannel: what came before the ${closes} was closed is heard first`, async (t) => {
    const create = await load('node-datachannel')
    const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    const arrived = once<{ channel: DataChannel }>(client, 'datachannel')
    const channel = device.createDataChannel('default')
    await opened(channel)
    const { channel: received } = await arrived
    const heard: unknown[] = []
    received.addEventListener('message', ({ data }) => heard.push(data))
    const closed = once(received, 'close')
    const spinFor = (ms: number) => { for (const until = performance.now() + ms; performance.now() < until;); }
    for (let count = 0; count < 500; count++) channel.send(String(count))
    spinFor(300)
    if (closes === 'channel') channel.close()
    else device.close()
    spinFor(300)
    await closed
    t.same(heard, Array.from({ length: 500 }, (_, count) => String(count)))
  })
}

for (const engine of engines) {
  void tap.test(`${engine}: video joins a connection set up for data`, async (t) => {
    const create = await load(engine)
    const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    echoing(client)
    const channel = device.createDataChannel('default')
    await opened(channel)
    let frames = 0
    client.onVideo = (receiver) => (receiver.onRtp = () => frames++)
    const sender = device.addVideoSender({ codec: 'H264', trackId: 'late' })
    await until(() => sender.ready, 'the sender is ready')
    let sequence = 0
    const timer = setInterval(() => sender.sendRtp(keyFrame(sequence++)), 10)
    t.teardown(() => clearInterval(timer))
    await until(() => frames > 5, 'packets arrive')
    t.equal(await answerTo(channel, 'still here'), 'echo still here')
    t.same(pair.errors, [])
  })

  void tap.test(`${engine}: the client asks to receive`, async (t) => {
    const create = await load(engine)
    const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    let codec: string | undefined
    client.onVideo = (receiver) => (receiver.onRtp = () => (codec = receiver.codec))
    const sender = device.addVideoSender({ codec: 'H264', trackId: 'front' })
    client.addVideoReceiver()
    await until(() => sender.ready, 'the sender is ready')
    let sequence = 0
    const timer = setInterval(() => sender.sendRtp(keyFrame(sequence++)), 10)
    t.teardown(() => clearInterval(timer))
    await until(() => codec !== undefined, 'packets arrive')
    t.equal(codec, 'H264')
    t.same(pair.errors, [])
  })

  void tap.test(`${engine}: ICE restart by either end leaves the session alive`, async (t) => {
    const create = await load(engine)
    const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    echoing(client)
    const channel = device.createDataChannel('default')
    await opened(channel)
    client.restartIce()
    await new Promise((resolve) => setTimeout(resolve, 300))
    t.equal(await answerTo(channel, 'one'), 'echo one')
    device.restartIce()
    await new Promise((resolve) => setTimeout(resolve, 300))
    t.equal(await answerTo(channel, 'two'), 'echo two')
    t.same(pair.errors, [])
  })

  void tap.test(`${engine}: refuses what does not fit, and survives it`, async (t) => {
    const create = await load(engine)
    const pc = create({ iceServers: [] })
    t.teardown(() => pc.close())
    const candidate = { candidate: 'candidate:1 1 UDP 1 127.0.0.1 9 typ host', sdpMid: '0' }
    await t.rejects(pc.addIceCandidate(candidate), { code: 'ERR_WEBRTC_STATE' })
    await t.rejects(pc.setRemoteDescription({ type: 'answer', sdp: 'v=0\r\n' }), LenskeyError)
    await t.rejects(pc.setRemoteDescription({ type: 'offer', sdp: 'nothing of the kind' }), LenskeyError)
    const sections = (count: number) => `v=0\r\n${'m=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(count)}`
    await t.rejects(pc.setRemoteDescription({ type: 'offer', sdp: sections(33) }), { message: /33 media sections/ })
    await t.rejects(pc.setRemoteDescription({ type: 'offer', sdp: sections(32) }), { message: /does not fit/ }, 'a bare one is no description either')
    await t.rejects(pc.setLocalDescription({ type: 'rollback' }), LenskeyError)
    await t.rejects(pc.setLocalDescription({ type: 'answer' }), LenskeyError)
    t.equal(pc.signalingState, 'stable')
  })

  void tap.test(`${engine}: a closed connection is silent`, async (t) => {
    const create = await load(engine)
    const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(client, device)
    const channel = device.createDataChannel('default')
    await opened(channel)
    let closedChannels = 0
    let eventsOfDevice = 0
    channel.addEventListener('close', () => closedChannels++)
    for (const name of ['connectionstatechange', 'iceconnectionstatechange', 'signalingstatechange', 'icecandidate', 'datachannel'] as const) {
      device.addEventListener(name, () => eventsOfDevice++)
    }
    device.close()
    device.close()
    t.equal(device.connectionState, 'closed')
    t.equal(device.signalingState, 'closed')
    t.equal(closedChannels, 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    t.equal(eventsOfDevice, 0)
    t.same(await device.report(), {})
    t.throws(() => channel.send('late'), { code: 'ERR_DATA_CHANNEL_NOT_OPEN' })
    t.throws(() => device.createDataChannel('late'), { code: 'ERR_WEBRTC_STATE' })
    await t.rejects(device.setLocalDescription(), { code: 'ERR_WEBRTC_STATE' })
    pair.close()
  })

  void tap.test(`${engine}: sees that the peer has closed`, async (t) => {
    const client = (await load(engine))({ iceServers: [] })
    // werift closes without telling its peer.
    const device = (await load('node-datachannel'))({ iceServers: [] })
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    const arrived = once<{ channel: DataChannel }>(client, 'datachannel')
    await opened(device.createDataChannel('default'))
    const { channel } = await arrived
    const closed = once(channel, 'close')
    await until(() => client.connectionState === 'connected', 'the client is connected')
    device.close()
    await until(() => client.connectionState === 'closed', 'the client sees it')
    await closed
  })

  void tap.test(`${engine}: a listener that throws harms nobody`, async (t) => {
    const create = await load(engine)
    const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
    const pair = negotiate(client, device)
    t.teardown(() => pair.close())
    client.addEventListener('datachannel', () => {
      throw new Error('a listener of the program')
    })
    echoing(client)
    const channel = device.createDataChannel('default')
    await opened(channel)
    t.equal(await answerTo(channel, 'hello'), 'echo hello')
    t.match(logged.splice(0), [/a listener of the program/])
  })

  void tap.test(`${engine}: takes ICE servers of every form`, async (t) => {
    const create = await load(engine)
    const account = { username: '1:u', credential: 'c' }
    const pc: MediaPeerConnection = create({
      iceServers: [
        { urls: ['stun:127.0.0.1:9', 'stun:stun.invalid', 'gopher:what'] },
        { urls: ['turn:127.0.0.1:9?transport=udp', 'turn:127.0.0.1:9?transport=tcp', 'turns:localhost'], ...account },
        { urls: ['turn:127.0.0.1'] },
      ],
    })
    pc.close()
    t.equal(pc.connectionState, 'closed')
  })
}

void tap.test('node-datachannel: without a free port the process lives on', async (t) => {
  const socket = createSocket('udp4').bind({ port: 0, address: '127.0.0.1', exclusive: true })
  await eventOf(socket, 'listening')
  t.teardown(() => socket.close())
  const taken = socket.address().port
  // A range is two ports at least; one of them is taken, the other by a connection.
  const create = await loadEngine('node-datachannel', { loopbackOnly: true, portRange: { first: taken - 1, last: taken } })
  const pcs = [create({ iceServers: [] }), create({ iceServers: [] })]
  t.teardown(() => pcs.forEach((pc) => pc.close()))
  for (const pc of pcs) pc.createDataChannel('default')
  await pcs[0].setLocalDescription()
  await t.rejects(pcs[1].setLocalDescription(), { code: 'ERR_WEBRTC_NO_PORT' })
  t.equal(pcs[1].signalingState, 'stable')
})

void tap.test('node-datachannel: an offer of nothing is refused', async (t) => {
  const pc = (await loadEngine('node-datachannel', { loopbackOnly: true }))({ iceServers: [] })
  t.teardown(() => pc.close())
  await t.rejects(pc.setLocalDescription(), { code: 'ERR_WEBRTC_STATE' })
})

void tap.test('ICE URLs in their parts', (t) => {
  t.same(parseIceUrl('stun:stun.example'), { scheme: 'stun', host: 'stun.example', port: 3478, transport: 'udp' })
  t.same(parseIceUrl('turn:10.0.0.1:3479?transport=tcp'), { scheme: 'turn', host: '10.0.0.1', port: 3479, transport: 'tcp' })
  t.same(parseIceUrl('TURNS:[2001:db8::1]'), { scheme: 'turns', host: '2001:db8::1', port: 5349, transport: 'tcp' })
  for (const url of ['', 'turn:', 'turn:host:0', 'turn:host:65536', 'turn:user@host', 'http://host', 'turn:host?transport=quic', 'turn:ho st']) {
    t.equal(parseIceUrl(url), undefined, url)
  }
  t.end()
})

void tap.test('ICE servers as libdatachannel takes them', (t) => {
  const settings = { loopbackOnly: false, portRange: undefined, iceTransportPolicy: 'all' as const, log: () => undefined }
  const account = { username: 'u', credential: 'c' }
  t.same(nativeIceServers([{ urls: ['stun:s', 'stuns:s'] }, { urls: ['turn:t', 'turns:t', 'turn:t:1?transport=tcp'], ...account }], settings), [
    { hostname: 's', port: 3478 },
    { hostname: 't', port: 3478, username: 'u', password: 'c', relayType: 'TurnUdp' },
    { hostname: 't', port: 5349, username: 'u', password: 'c', relayType: 'TurnTls' },
    { hostname: 't', port: 1, username: 'u', password: 'c', relayType: 'TurnTcp' },
  ])
  t.same(nativeIceServers([{ urls: ['turn:t'] }], settings), [], 'no relay without an account')
  t.same(nativeIceServers([{ urls: ['stun:s', 'stun:127.0.0.1'] }], { ...settings, loopbackOnly: true }), [{ hostname: '127.0.0.1', port: 3478 }])
  t.end()
})

void tap.test('without any engine the error says what to install', async (t) => {
  // Outside of the project no package is found.
  const folder = mkdtempSync(join(tmpdir(), 'lenskey-engines-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const outfile = join(folder, 'engines.mjs')
  buildSync({ entryPoints: ['runtimes/node/webrtc/index.ts'], outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' })
  const engineless = (await import(outfile)) as { loadEngine: typeof loadEngine }
  for (const name of ['auto', 'node-datachannel', 'werift'] as const) {
    await t.rejects(engineless.loadEngine(name), { code: 'ERR_WEBRTC_ENGINE_MISSING', message: /npm install (node-datachannel|werift)/ })
  }
})

void tap.test('ports outside of a range are refused as arguments', async (t) => {
  await t.rejects(loadEngine('auto', { portRange: { first: 0, last: 70_000 } }), RangeError)
})

tap.teardown(() => {
  if (logged.length > 0) throw new Error(logged.join('\n'))
})
