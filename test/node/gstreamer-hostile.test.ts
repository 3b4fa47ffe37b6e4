// The engine on GStreamer against cameras and viewers that do what they must not, spoken to over its own socket. It runs with
// sanitizers, and every test ends with an engine that still serves.
import { fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import tap, { type Test } from 'tap'
import type { MediaPeerConnection, SessionDescription } from '../../lib/webrtc/index.ts'
import { countVideo, loadEngine } from '../../runtimes/node/index.ts'
import { type EngineLine, encodeLine, LineObjects } from '../../runtimes/quickjs/engine-link.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { type RunningProgram, startProgram } from './support/board.ts'
import { skipGstreamer, startGstreamer } from './support/gstreamer-engine.ts'
import { once, until } from './support/negotiating-pair.ts'
import { temporaryFolder } from './support/service.ts'

tap.setTimeout(170_000)

const skip = skipGstreamer()
const MAX_LINE = 262_144

/** A camera as far as the engine sees it. */
interface Camera {
  socket: Socket
  lines: EngineLine[]
  send(line: EngineLine): void
  /** The first line that fits, now or later. */
  line(event: string, fits?: (line: EngineLine) => boolean): Promise<EngineLine>
  /** Code of what a request failed with; `done` when it did not. */
  request(line: EngineLine): Promise<unknown>
  closed: Promise<unknown>
}

async function openCamera(t: Test, path: string): Promise<Camera> {
  const socket = connect(path)
  t.teardown(() => { socket.destroy() })
  socket.on('error', () => undefined)
  const lines: EngineLine[] = []
  const reader = new LineObjects()
  socket.on('data', (bytes) => { reader.read(bytes, (line) => { lines.push(line) }) })
  let requests = 0
  const camera: Camera = {
    socket, lines,
    send: (line) => { socket.write(encodeLine(line)) },
    async line(event, fits = () => true) {
      const find = (): EngineLine | undefined => lines.find((line) => line.event === event && fits(line))
      await until(() => find() !== undefined, `a line ${event}`)
      return find() ?? {}
    },
    async request(line) {
      const request = ++requests
      camera.send({ connection: 1, ...line, request })
      await until(() => lines.some((answer) => answer.request === request), `an answer to ${String(line.do)}`)
      const answer = lines.find((one) => one.request === request)
      return answer?.event === 'done' ? 'done' : answer?.code
    },
    closed: new Promise((resolve) => socket.once('close', resolve)),
  }
  await camera.line('hello')
  return camera
}

async function serveGstreamer(t: Test): Promise<{ path: string; engine: RunningProgram }> {
  const path = join(temporaryFolder(t), 'engine.sock')
  return { path, engine: await startGstreamer(t, path) }
}

/** Connects when the camera before has been let go. */
async function again(t: Test, path: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { socket, closed } = await openCamera(t, path)
  socket.end()
  await closed
}

void tap.test('lines that are none', { skip, timeout: 60_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const wrong = {
    'no JSON': 'hello\n', 'a list': '[1]\n', 'a number': '1\n', 'nothing': '\n', 'no UTF-8': Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    'cut JSON': '{"do":"create"\n', 'too deep': `{"do":${'['.repeat(17)}${']'.repeat(17)}}\n`, 'far too deep': `{"do":${'['.repeat(100_000)}\n`,
    'too long': 'x'.repeat(MAX_LINE + 1),
  }
  for (const [what, line] of Object.entries(wrong)) {
    const { socket, closed } = await openCamera(t, path)
    socket.write(line)
    await closed
    t.pass(`${what}: the camera is dropped`)
    await again(t, path)
  }
  const camera = await openCamera(t, path)
  const { socket, lines } = camera
  // The longest that may be, its end included; in single bytes at first.
  const start = '{"do":"nothing","filling":"'
  for (const byte of '{"do":"create","connection":7,"iceServers":[]}\n') socket.write(byte)
  await camera.line('state', ({ connection }) => connection === 7)
  socket.write(`${start}${'x'.repeat(MAX_LINE - start.length - 3)}"}\n`)
  for (const strange of [
    { do: 'close', connection: 99 }, { do: 'setLocalDescription', connection: 99, request: 1 }, { do: 'send', connection: 7, channel: 3, text: 'x' },
    { do: 'closeChannel', connection: 7, channel: 1 }, { do: 'createDataChannel', connection: 7, channel: 2, label: 'even' },
    { do: 'startVideo', connection: 7 }, { do: 'startVideo', connection: 7, track: 'two\r\nlines' }, { do: 'stopVideo', connection: 7, track: 'none' },
    { do: 'create', connection: -1 }, { do: 'create', connection: '1' }, { do: 'create', connection: 1.5 }, { do: 'create', connection: 7 },
    { do: 'create', connection: 8, iceServers: [{ urls: 'stun:x' }, 5, { urls: [7, 'turn:x@y', 'turn:127.0.0.1:9?transport=udp', 'http://x'] }] },
    { do: 5 }, { event: 'hello' }, {},
  ]) camera.send(strange)
  await camera.line('state', ({ connection }) => connection === 8)
  t.same([...new Set(lines.map(({ connection }) => connection))], [undefined, 7, 8], 'not a word about others')
  socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

/** A real viewer, and the engine's connection 1 to it. */
async function offered(t: Test, path: string): Promise<{ camera: Camera; viewer: MediaPeerConnection; offer: string }> {
  const camera = await openCamera(t, path)
  camera.send({ do: 'create', connection: 1, iceServers: [] })
  const viewer = (await loadEngine('node-datachannel', { loopbackOnly: true }))({ iceServers: [] })
  t.teardown(() => { viewer.close() })
  viewer.createDataChannel('coap')
  await viewer.setLocalDescription()
  return { camera, viewer, offer: viewer.localDescription?.sdp ?? '' }
}

void tap.test('descriptions and candidates that are none', { skip, timeout: 60_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const { camera, offer } = await offered(t, path)
  const remote = (sdp: unknown, type = 'offer'): Promise<unknown> => camera.request({ do: 'setRemoteDescription', type, sdp })
  const REFUSED = 'ERR_WEBRTC_DESCRIPTION_REFUSED'
  const section = offer.slice(offer.indexOf('m='))
  const many = (count: number): string => offer.replace(/a=group:BUNDLE.*/, `a=group:BUNDLE ${Array.from({ length: count }, (_, i) => i).join(' ')}`).slice(0, offer.indexOf('m='))
    + Array.from({ length: count }, (_, i) => section.replace(/a=mid:.*/, `a=mid:${i}`)).join('')
  t.equal(await camera.request({ do: 'addIceCandidate', candidate: { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host' } }), 'ERR_WEBRTC_STATE')
  t.equal(await remote(offer, 'answer'), 'ERR_WEBRTC_STATE')
  t.equal(await remote(offer, 'rollback'), 'ERR_WEBRTC_STATE')
  t.equal(await camera.request({ do: 'setLocalDescription', type: 'answer' }), 'ERR_WEBRTC_STATE')
  for (const [what, sdp] of Object.entries({
    'nothing': undefined, 'a number': 5, 'no SDP': 'hello', 'no section': offer.slice(0, offer.indexOf('m=')), 'too long': offer.padEnd(70_000, 'x'),
    'no mid': offer.replace(/a=mid:.*\r\n/, ''), 'two mids': offer.replace(/(a=mid:.*\r\n)/, '$1$1'), 'one mid for two': many(2).replace('a=mid:1', 'a=mid:0'),
    'no bundle': offer.replace(/a=group:.*\r\n/, ''), 'another bundle': offer.replace(/a=group:BUNDLE.*/, 'a=group:BUNDLE x'),
    'no fingerprint': offer.replace(/a=fingerprint:.*\r\n/g, ''), 'SHA-1': offer.replace(/a=fingerprint:.*/g, 'a=fingerprint:sha-1 00:11'),
    'no credentials': offer.replace(/a=ice-pwd:.*\r\n/g, ''), 'an unknown kind': offer.replace('m=application', 'm=message'), '33 sections': many(33),
  })) t.equal(await remote(sdp), REFUSED, what)
  t.equal(await remote(offer), 'done')
  t.equal(await remote(offer), 'ERR_WEBRTC_STATE')
  for (const candidate of ['candidate:', 'x', 'candidate:1 1 udp 1 127.0.0.1 99999 typ host', 'candidate:1 1 udp 99999999999 127.0.0.1 9 typ host', `candidate:${'1 '.repeat(600)}`, 'candidate:1 0x1 udp 1 127.0.0.1 9 typ host', 'candidate:1 1 udp 1 127.0.0.1 9 typ guest']) {
    t.equal(await camera.request({ do: 'addIceCandidate', candidate: { candidate } }), 'ERR_WEBRTC_CANDIDATE_REFUSED', candidate.slice(0, 50))
  }
  for (const candidate of [undefined, null, 5, {}]) t.equal(await camera.request({ do: 'addIceCandidate', candidate }), 'ERR_WEBRTC_CANDIDATE_REFUSED')
  for (const candidate of ['', 'candidate:1 1 udp 1 name.invalid 9 typ host', 'candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype passive', 'candidate:1 1 udp 1 192.0.2.1 9 typ host', 'candidate:1 2 udp 1 127.0.0.1 9 typ host']) {
    t.equal(await camera.request({ do: 'addIceCandidate', candidate: { candidate } }), 'done', `left aside: ${candidate}`)
  }
  for (let i = 0; i < 200; i++) t.equal(await camera.request({ do: 'addIceCandidate', candidate: { candidate: `candidate:${i} 1 udp 1 127.0.0.1 9 typ host` } }), 'done')
  t.equal(await camera.request({ do: 'setLocalDescription' }), 'done')
  const answer = (await camera.line('state', ({ localDescription }) => localDescription !== undefined && localDescription !== null)).localDescription as { type: string; sdp: string }
  t.equal(answer.type, 'answer')
  t.match(answer.sdp, /a=fingerprint:sha-256 /i)
  // What was agreed stays.
  t.equal(await remote(offer.replace(/a=mid:.*/, 'a=mid:other').replace(/a=group:BUNDLE.*/, 'a=group:BUNDLE other')), REFUSED, 'another mid')
  t.equal(await remote(offer.replace(/a=fingerprint:sha-256 (..)/g, (_, byte) => `a=fingerprint:sha-256 ${byte === '00' ? '11' : '00'}`)), REFUSED, 'another certificate')
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

/** Passes descriptions and candidates on. */
async function joinEnds(camera: Camera, viewer: MediaPeerConnection, offer: string): Promise<void> {
  const told = new Set<EngineLine>()
  const timer = setInterval(() => {
    for (const line of camera.lines) {
      if (line.event !== 'candidate' || line.candidate === null || told.has(line) || viewer.remoteDescription === null) continue
      told.add(line)
      viewer.addIceCandidate(line.candidate as { candidate: string }).catch(() => undefined)
    }
  }, 10)
  void camera.closed.then(() => { clearInterval(timer) })
  viewer.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate !== null) camera.send({ do: 'addIceCandidate', connection: 1, request: 1_000_000, candidate: candidate.toJSON() })
  })
  await camera.request({ do: 'setRemoteDescription', type: 'offer', sdp: offer })
  await camera.request({ do: 'setLocalDescription' })
  const { localDescription } = await camera.line('state', (line) => line.localDescription !== undefined && line.localDescription !== null)
  await viewer.setRemoteDescription(localDescription as { type: 'answer'; sdp: string })
}

void tap.test('a viewer whose certificate is another one', { skip, timeout: 60_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const { camera, viewer, offer } = await offered(t, path)
  const forged = offer.replace(/a=fingerprint:sha-256 (..)/gi, (_, byte) => `a=fingerprint:sha-256 ${byte === '00' ? '11' : '00'}`)
  t.not(forged, offer)
  camera.send({ do: 'createDataChannel', connection: 1, channel: 1, label: 'own', protocol: '', ordered: true })
  await joinEnds(camera, viewer, forged)
  await camera.line('state', ({ connectionState }) => connectionState === 'failed')
  // Time for the channels, which webrtcbin goes on to open.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  t.notOk(camera.lines.some(({ connectionState }) => connectionState === 'connected'), 'it never was connected')
  t.notOk(camera.lines.some(({ event }) => event === 'channel' || event === 'open' || event === 'message'), 'and was neither listened nor spoken to')
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

void tap.test('messages both ways, how much is on its way, and ends', { skip, timeout: 60_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const camera = await openCamera(t, path)
  camera.send({ do: 'create', connection: 1, iceServers: [] })
  const viewer = (await loadEngine('node-datachannel', { loopbackOnly: true }))({ iceServers: [] })
  t.teardown(() => { viewer.close() })
  const channel = viewer.createDataChannel('coap', { protocol: 'proto' })
  channel.binaryType = 'arraybuffer'
  const opened = once(channel as never, 'open')
  const got: unknown[] = []
  channel.addEventListener('message', ({ data }) => { got.push(data) })
  await viewer.setLocalDescription()
  await joinEnds(camera, viewer, viewer.localDescription?.sdp ?? '')
  await opened
  channel.send('grüße')
  channel.send(Uint8Array.of(0, 255, 62))
  t.match(await camera.line('channel'), { channel: 2, label: 'coap', protocol: 'proto' })
  t.equal((await camera.line('message', ({ text }) => text !== undefined)).text, 'grüße')
  t.equal((await camera.line('message', ({ bytes }) => bytes !== undefined)).bytes, 'AP8-')
  camera.send({ do: 'send', connection: 1, channel: 2, text: 'hallo ä' })
  camera.send({ do: 'send', connection: 1, channel: 2, bytes: 'AP8-' })
  camera.send({ do: 'send', connection: 1, channel: 2, bytes: 'AAAA'.repeat(16_384) })
  await until(() => got.length === 3, 'three messages')
  t.equal(got[0], 'hallo ä')
  t.same(new Uint8Array(got[1] as ArrayBuffer), [0, 255, 62])
  t.equal((got[2] as ArrayBuffer).byteLength, 49_152)
  const taken = (): number => camera.lines.filter(({ event }) => event === 'taken').reduce((sum, { bytes }) => sum + Number(bytes), 0)
  await until(() => taken() === 8 + 3 + 49_152, 'all of it taken')
  // One of the camera's, then one that is too long for the viewer.
  camera.send({ do: 'createDataChannel', connection: 1, channel: 1, label: 'second', protocol: '', ordered: true })
  await camera.line('open', (line) => line.channel === 1)
  camera.send({ do: 'closeChannel', connection: 1, channel: 1 })
  await camera.line('closed', (line) => line.channel === 1)
  camera.send({ do: 'send', connection: 1, channel: 2, bytes: 'AAAA'.repeat(22_000) })
  await camera.line('closed', (line) => line.channel === 2)
  viewer.close()
  await camera.line('state', ({ connectionState }) => ['closed', 'failed', 'disconnected'].includes(String(connectionState)))
  t.match(camera.lines.at(-1), { event: 'state', connectionState: 'closed', iceConnectionState: 'closed' }, 'the viewer has left, and no fault is told of')
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

void tap.test('the last words of a viewer that leaves', { skip, timeout: 60_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const { camera, viewer } = await offered(t, path)
  const channel = viewer.createDataChannel('words')
  await joinEnds(camera, viewer, viewer.localDescription?.sdp ?? '')
  await until(() => channel.readyState === 'open', 'the channel')
  for (let i = 0; i < 50; i++) channel.send(String(i))
  await until(() => channel.bufferedAmount === 0, 'all of it sent')
  viewer.close()
  await camera.line('state', ({ connectionState }) => connectionState === 'closed')
  t.same(camera.lines.filter(({ event }) => event === 'message').map(({ text }) => text), Array.from({ length: 50 }, (_, i) => String(i)))
  t.notOk(camera.lines.some(({ connectionState }) => connectionState === 'failed'))
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

void tap.test('a viewer that is gone without a word', { skip, timeout: 100_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const camera = await openCamera(t, path)
  const viewer = fork(fileURLToPath(new URL('./support/vanishing-viewer.js', import.meta.url)))
  t.teardown(() => viewer.kill('SIGKILL'))
  const told: { offer?: SessionDescription; candidate?: object }[] = []
  viewer.on('message', (message: object) => { told.push(message) })
  await until(() => told.some(({ offer }) => offer !== undefined), 'an offer')
  camera.send({ do: 'create', connection: 1, iceServers: [] })
  t.equal(await camera.request({ do: 'setRemoteDescription', ...told.find(({ offer }) => offer !== undefined)?.offer }), 'done')
  t.equal(await camera.request({ do: 'setLocalDescription' }), 'done')
  const { localDescription } = await camera.line('state', (line) => line.localDescription !== undefined && line.localDescription !== null)
  viewer.send({ answer: localDescription })
  await camera.line('candidate', ({ candidate }) => candidate === null)
  for (const { event, candidate } of camera.lines) if (event === 'candidate' && candidate !== null) viewer.send({ candidate })
  for (const { candidate } of told) if (candidate !== undefined) camera.send({ do: 'addIceCandidate', connection: 1, request: 1_000_000, candidate })
  await camera.line('channel')
  camera.lines.length = 0
  viewer.kill('SIGKILL')
  await until(() => camera.lines.some(({ connectionState }) => connectionState === 'failed'), 'its end', 80_000)
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

void tap.test('both ends offer at once', { skip, timeout: 60_000 }, async (t) => {
  const { path, engine } = await serveGstreamer(t)
  const { camera, viewer, offer } = await offered(t, path)
  let frames = (): number => 0
  viewer.onVideo = (receiver) => {
    const count = countVideo(receiver)
    frames = () => count.frames
  }
  // The first one of the camera is taken back with all that belongs to it.
  camera.send({ do: 'createDataChannel', connection: 1, channel: 1, label: 'first', protocol: '', ordered: true })
  await camera.line('negotiationneeded')
  t.equal(await camera.request({ do: 'setLocalDescription' }), 'done')
  await camera.line('state', ({ signalingState }) => signalingState === 'have-local-offer')
  const opened = once(viewer, 'datachannel')
  camera.lines.length = 0
  await joinEnds(camera, viewer, offer)
  await opened
  await camera.line('open', ({ channel }) => channel === 1)
  await camera.line('state', ({ connectionState }) => connectionState === 'connected')

  // Later ones as well; the track finds a place in the viewer's offer.
  camera.lines.length = 0
  camera.send({ do: 'startVideo', connection: 1, track: 'front' })
  await camera.line('negotiationneeded')
  t.equal(await camera.request({ do: 'setLocalDescription' }), 'done')
  viewer.addVideoReceiver()
  await viewer.setLocalDescription()
  camera.lines.length = 0
  t.equal(await camera.request({ do: 'setRemoteDescription', type: 'offer', sdp: viewer.localDescription?.sdp }), 'done')
  t.equal(await camera.request({ do: 'setLocalDescription' }), 'done')
  // The one of before comes back first, with the end of the offer.
  const answer = await camera.line('state', ({ localDescription }) => (localDescription as { sdp: string } | undefined)?.sdp.includes('m=video') === true)
  await viewer.setRemoteDescription(answer.localDescription as { type: 'answer'; sdp: string })
  t.equal((await camera.line('track')).track, 'front')
  await until(() => frames() >= 5, 'the picture')
  camera.send({ do: 'stopVideo', connection: 1, track: 'front' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  const seen = frames()
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.equal(frames(), seen, 'not one picture more')
  camera.send({ do: 'startVideo', connection: 1, track: 'front' })
  await until(() => frames() > seen, 'the picture again')
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

void tap.test('a picture that comes as RTP', { skip: skip || skipWithout('ffmpeg'), timeout: 60_000 }, async (t) => {
  const path = join(temporaryFolder(t), 'engine.sock')
  const port = await freeUdpPort()
  const engine = await startGstreamer(t, path, ['--source', `rtp:${port}`])
  const { camera, viewer, offer } = await offered(t, path)
  let frames = (): number => 0
  viewer.onVideo = (receiver) => {
    const count = countVideo(receiver)
    frames = () => count.frames
  }
  startProgram(t, ['ffmpeg', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=15', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '15', '-b:v', '300k', '-f', 'rtp', `rtp://127.0.0.1:${port}?pkt_size=1200`])
  await joinEnds(camera, viewer, offer)
  await camera.line('state', ({ connectionState }) => connectionState === 'connected')
  camera.lines.length = 0
  camera.send({ do: 'startVideo', connection: 1, track: 'front' })
  await camera.line('negotiationneeded')
  t.equal(await camera.request({ do: 'setLocalDescription' }), 'done')
  const { localDescription } = await camera.line('state', (line) => line.localDescription !== undefined)
  await viewer.setRemoteDescription(localDescription as { type: 'offer'; sdp: string })
  await viewer.setLocalDescription()
  t.equal(await camera.request({ do: 'setRemoteDescription', type: 'answer', sdp: viewer.localDescription?.sdp }), 'done')
  await until(() => frames() >= 5, 'the picture')
  camera.socket.end()
  t.equal(await engine.stop(), 0, engine.errors)
})

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>((resolve) => { socket.close(resolve) })
  return port
}
