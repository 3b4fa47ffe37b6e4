// The engine on GStreamer behind a TURN server: neither end hears of any path but the relayed ones.
import { connect } from 'node:net'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import type { IceServer, SessionDescription } from '../../lib/webrtc/index.ts'
import { nodeClock } from '../../runtimes/node/host.ts'
import { loadEngine } from '../../runtimes/node/index.ts'
import { isRelay } from '../../runtimes/node/webrtc/held-candidates.ts'
import { Engine } from '../../runtimes/quickjs/engine-peer-connection.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { credentials, startCoturn, TURN } from './support/coturn.ts'
import { skipGstreamer, startGstreamer } from './support/gstreamer-engine.ts'
import { greet, until } from './support/negotiating-pair.ts'
import { temporaryFolder } from './support/service.ts'

tap.setTimeout(120_000)

const skip = skipGstreamer() || skipWithout('turnserver')

/** The engine, as a camera on Node has it. */
async function connectEngine(t: Test): Promise<Engine> {
  const path = join(temporaryFolder(t), 'engine.sock')
  await startGstreamer(t, path)
  const engine = new Engine({
    clock: nodeClock,
    log: () => undefined,
    connect(handlers) {
      const socket = connect(path)
      socket.on('connect', () => { handlers.opened() })
      socket.on('data', (bytes) => { handlers.data(new Uint8Array(bytes)) })
      socket.on('close', () => { handlers.closed() })
      return { write: (bytes) => void socket.write(bytes), close: () => { socket.removeAllListeners('close').destroy() }, bufferedBytes: () => socket.writableLength }
    },
  })
  t.teardown(() => { engine.close() })
  await until(() => engine.ready, 'the engine')
  return engine
}

const onlyRelayed = ({ type, sdp }: SessionDescription): SessionDescription =>
  ({ type, sdp: sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:') || isRelay(line)).join('\r\n') })

for (const offers of ['the viewer', 'the camera'] as const) {
  void tap.test(`a data channel over the relay, opened by ${offers}`, { skip }, async (t) => {
    const port = await startCoturn(t, TURN)
    const engine = await connectEngine(t)
    const loadViewer = await loadEngine('node-datachannel', { loopbackOnly: true, iceTransportPolicy: 'relay' })
    const connectWith = async (user: { username: string; credential: string }, timeoutMs: number, transport = 'udp'): Promise<string | undefined> => {
      const server = (account: { username: string; credential: string }, by: string): { iceServers: IceServer[] } => ({ iceServers: [{ urls: [`turn:127.0.0.1:${port}?transport=${by}`], ...account }] })
      // What the viewer has is always good: it is the engine that is looked at.
      const [viewer, camera] = [loadViewer(server(credentials(), 'udp')), engine.create(server(user, transport))]
      const [setRemoteDescription, addIceCandidate] = [viewer.setRemoteDescription.bind(viewer), viewer.addIceCandidate.bind(viewer)]
      viewer.setRemoteDescription = (description) => setRemoteDescription(onlyRelayed(description))
      viewer.addIceCandidate = (candidate) => (isRelay(candidate.candidate) ? addIceCandidate(candidate) : Promise.resolve())
      return greet({ client: viewer, device: camera, opener: offers === 'the viewer' ? viewer : camera }, timeoutMs)
    }
    t.equal(await connectWith(credentials(), 20_000), 'heard hello')
    t.equal(await connectWith(credentials(), 20_000, 'tcp'), 'heard hello', 'by TCP, where UDP does not get through')
    t.equal(await connectWith(credentials(-10), 4000), undefined, 'with credentials that have expired')
    t.equal(await connectWith(credentials(600, 'guessed'), 4000), undefined, 'with credentials by another secret')
  })
}
