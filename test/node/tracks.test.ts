// Tracks with names over real engines and Chromium: sound from the client, its echo, and a refusal that the client sees.
import { buildSync } from 'esbuild'
import tap, { type Test } from 'tap'
import { VirtualConnections } from '../../lib/access/index.ts'
import { ClientTracks } from '../../lib/client/index.ts'
import { createDeviceTracks, type TrackOffer, type TrackSink } from '../../lib/device/index.ts'
import { openIam } from '../../lib/iam/index.ts'
import { type AudioTrack, type MediaPeerConnection, PerfectNegotiation, type TrackError } from '../../lib/webrtc/index.ts'
import { createMemoryStorage } from '../../runtimes/memory/index.ts'
import { createClipSource, createNodeHost, type EngineName, loadEngine, offerVideo } from '../../runtimes/node/index.ts'
import { makeRtp } from '../../runtimes/node/media/rtp.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { type TransportEnd, transportPair } from '../lib/webrtc/transport-pair.ts'
import { launchChromium } from './support/chromium.ts'
import { until } from './support/negotiating-pair.ts'

const host = createNodeHost()

interface Device { connection: MediaPeerConnection; heard: Uint8Array[]; offers: TrackOffer<MediaPeerConnection>[]; add(trackId: string): boolean }

/** A device that hears what clients send, or refuses it, and sends sound back where it can. */
async function deviceOver(t: Test, engine: EngineName, transport: TransportEnd, verdict?: Exclude<TrackError, 'OK'>): Promise<Device> {
  const iam = await openIam({ storage: createMemoryStorage() }, host)
  const connection = (await loadEngine(engine, { loopbackOnly: true }))({ iceServers: [] })
  const negotiation = new PerfectNegotiation(connection, transport)
  negotiation.onerror = (error) => t.fail(`device: ${String(error)}`)
  const identity = new VirtualConnections(iam).begin()
  iam.grantRole(identity, 'Guest')
  const heard: Uint8Array[] = []
  const offers: TrackOffer<MediaPeerConnection>[] = []
  const source = createClipSource()
  const sink: TrackSink = (track) => {
    track.onRtp = (packet) => {
      heard.push(packet)
      if ('sendRtp' in track) track.sendRtp(packet)
    }
  }
  const tracks = createDeviceTracks<MediaPeerConnection>({
    iam, host,
    sources: { 'frontdoor-video': (session, trackId) => offerVideo(session.peerConnection, source, trackId) },
    onTrack: (offer) => {
      offers.push(offer)
      return verdict ?? sink
    },
  })
  tracks.attach({
    peerConnection: connection,
    get metadata() { return negotiation.metadata },
    set metadata(metadata) { negotiation.metadata = metadata },
  }, identity)
  t.teardown(async () => {
    identity.end()
    negotiation.close()
    connection.close()
    source.close()
    await iam.close()
  })
  return { connection, heard, offers, add: (trackId) => tracks.add(identity, trackId) }
}

for (const [clientEngine, deviceEngine] of [['node-datachannel', 'node-datachannel'], ['werift', 'node-datachannel'], ['node-datachannel', 'werift']] as const) {
  void tap.test(`${clientEngine} talks to ${deviceEngine}`, { timeout: 40_000 }, async (t) => {
    const transports = transportPair(() => new Promise((resolve) => void setImmediate(resolve)))
    const device = await deviceOver(t, deviceEngine, transports.device)
    const client = (await loadEngine(clientEngine, { loopbackOnly: true }))({ iceServers: [] })
    const negotiation = new PerfectNegotiation(client, transports.client)
    negotiation.onerror = (error) => t.fail(`client: ${String(error)}`)
    const named: unknown[] = []
    const names = negotiation.metadata = new ClientTracks()
    names.onchange = (track) => void named.push(track)
    client.createDataChannel('coap')
    const track: AudioTrack = client.addAudio({ codec: 'PCMU', trackId: 'tone' })
    names.name(track, 'microphone')
    const back: Uint8Array[] = []
    track.onRtp = (packet) => void back.push(packet)
    let sequenceNumber = 0
    const timer = setInterval(() => {
      const tone = Uint8Array.from({ length: 160 }, (_, at) => (at % 16 < 8 ? 0x80 : 0x00))
      track.sendRtp(makeRtp({ payloadType: 0, marker: false, sequenceNumber, timestamp: 160 * sequenceNumber++, ssrc: 1 }, tone))
    }, 20)
    t.teardown(() => {
      clearInterval(timer)
      negotiation.close()
      client.close()
    })
    await until(() => device.heard.length >= 20, 'the device hears')
    t.equal(device.heard[0].length, 172)
    t.match(device.offers, [{ trackId: 'microphone', kind: 'audio', codecs: ['PCMU'] }])
    // werift has no ear on a track that it has offered itself.
    if (clientEngine === 'node-datachannel' && deviceEngine === 'node-datachannel') await until(() => back.length >= 20, 'the client hears its echo')
    t.ok(device.add('frontdoor-video'))
    await until(() => named.length > 0, 'the device names its track')
    t.match(named, [{ trackId: 'frontdoor-video' }])
  })
}

const page = `
  import { ClientTracks } from './lib/client/tracks.ts'
  import { PerfectNegotiation } from './lib/webrtc/perfect-negotiation.ts'
  const listeners = new Set()
  const pc = new RTCPeerConnection()
  const negotiation = new PerfectNegotiation(pc, {
    mode: 0,
    sendWebrtcSignalingMessage: (message) => window.toPeer(JSON.stringify(message)),
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
  })
  window.fromPeer = (text) => { for (const listener of listeners) void listener(JSON.parse(text)) }
  window.named = []
  const tracks = negotiation.metadata = new ClientTracks()
  tracks.onchange = (track) => window.named.push(track)
  window.shown = []
  pc.ontrack = ({ transceiver }) => window.shown.push(tracks.find(transceiver.mid)?.trackId)
  pc.createDataChannel('coap')
  window.talk = async (trackId) => {
    const context = new AudioContext()
    await context.resume()
    const tone = context.createOscillator()
    const out = context.createMediaStreamDestination()
    tone.connect(out)
    tone.start()
    await tracks.addTrack(pc, out.stream.getAudioTracks()[0], trackId)
  }
  window.heard = async () => {
    let packets = 0
    for (const report of (await pc.getStats()).values()) if (report.type === 'inbound-rtp' && report.kind === 'audio') packets += report.packetsReceived
    return packets
  }
`

for (const [engine, verdict] of [['node-datachannel', undefined], ['node-datachannel', 'INVALID_CODECS'], ['werift', undefined]] as const) {
  void tap.test(`Chromium talks to ${engine}, which ${verdict === undefined ? 'hears it' : `answers ${verdict}`}`, { skip: skipWithout('chromium'), timeout: 60_000 }, async (t) => {
    const browser = await launchChromium(t)
    const transports = transportPair()
    const device = await deviceOver(t, engine, transports.device, verdict)
    const view = await browser.newPage()
    await view.exposeFunction('toPeer', (text: string) => transports.client.sendWebrtcSignalingMessage(JSON.parse(text) as never))
    const { outputFiles } = buildSync({ stdin: { contents: page, resolveDir: process.cwd(), loader: 'ts' }, bundle: true, write: false, format: 'iife', target: 'es2022' })
    await view.setContent('<!doctype html><title>talk</title><button>talk</button>')
    transports.client.on('webrtcsignalingmessage', async (message) => {
      if (!view.isClosed()) await view.evaluate(`window.fromPeer(${JSON.stringify(JSON.stringify(message))})`).catch(() => undefined)
    })
    await view.addScriptTag({ content: outputFiles[0].text })
    await until(() => device.connection.connectionState === 'connected', 'the connection')
    await view.click('button')
    await view.evaluate('window.talk("microphone")')
    await until(() => device.offers.length > 0, 'the offer')
    t.match(device.offers[0], { trackId: 'microphone', kind: 'audio' })
    t.ok(device.offers[0].codecs.includes('opus'))
    const named = (): Promise<unknown[]> => view.evaluate<unknown[]>('window.named')
    if (verdict === undefined) {
      await until(() => device.heard.length >= 50, 'the device hears')
      t.comment(`${device.heard.length} packets of sound at the device`)
      t.same(await named(), [])
    } else {
      const end = Date.now() + 10_000
      while ((await named()).length === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50))
      t.match(await named(), [{ trackId: 'microphone', error: verdict }])
      t.equal(device.heard.length, 0)
    }
    t.ok(device.add('frontdoor-video'))
    const end = Date.now() + 10_000
    while ((await view.evaluate<unknown[]>('window.shown')).at(-1) !== 'frontdoor-video' && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50))
    t.equal((await view.evaluate<unknown[]>('window.shown')).at(-1), 'frontdoor-video')
  })
}
