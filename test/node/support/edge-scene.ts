import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { createSigner, fingerprintOf } from '../../../lib/crypto/index.ts'
import { addTrackEndpoints, createCamera, createCameraGuard, createDeviceTracks, DeviceTokenGenerator, type DeviceTracksOptions } from '../../../lib/device/index.ts'
import { addEdgeInfoEndpoint, createEdgeDialect } from '../../../lib/edge/index.ts'
import { type Iam, openIam } from '../../../lib/iam/index.ts'
import type { MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/index.ts'
import { createClipSource, createNodeHost, type EngineName, loadEngine, offerVideo } from '../../../runtimes/node/index.ts'
import type { RunningRendezvous } from '../../../runtimes/node/service/index.ts'
import { launchChromium } from './chromium.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve } from './service.ts'

/** A service, a guarded camera that speaks the dialect too, and a page in a browser. */
export interface EdgeScene {
  service: RunningRendezvous
  iam: Iam
  password: string
  fingerprint: string
  page: Page
  sessions: () => number
}

export async function edgeScene(t: Test, engine: EngineName): Promise<EdgeScene> {
  t.setTimeout(120_000)
  const host = createNodeHost()
  const service = await serve(t)
  const { key } = await registerTestDevice(service)
  const signer = createSigner(key, host)
  const iam = await openIam({ storage: createMemoryStorage() }, host)
  const password = randomBytes(12).toString('hex')
  await iam.users.create('maria', { role: 'Administrator', password })
  const guard = createCameraGuard<MediaPeerConnection>({ iam, signer, host })
  addEdgeInfoEndpoint(guard.router, iam, host.random)
  const tokens = new DeviceTokenGenerator(PRODUCT, DEVICE, signer, host)
  const source = createClipSource()
  const sources: DeviceTracksOptions<MediaPeerConnection>['sources'] = {
    'frontdoor-video': (session, trackId) => offerVideo(session.peerConnection, source, trackId),
  }
  const tracks = createDeviceTracks<MediaPeerConnection>({ iam, host, sources })
  addTrackEndpoints(guard.router, tracks, { iam, sources, defaults: { videoTrackId: 'frontdoor-video' } })
  const camera = createCamera({
    productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url, tokenGenerator: () => tokens.generateToken(),
    access: { guarded: true }, dialects: [createEdgeDialect({ iam })],
    createPeerConnection: await loadEngine(engine, { loopbackOnly: true }),
    attach: (session) => {
      tracks.attach(session, guard.attach(session))
    },
  }, host)
  camera.start()
  await new Promise<void>((resolve) => {
    camera.device.on('connectionstatechange', () => { if (camera.device.connectionState === 'CONNECTED') resolve() })
  })
  const browser = await launchChromium(t)
  const page = await browser.newPage()
  t.teardown(async () => {
    camera.close()
    source.close()
    await iam.close()
  })
  return { service, iam, password, fingerprint: fingerprintOf(signer.publicKey), page, sessions: () => camera.sessions.size }
}

/** Pages have to come from an address that browsers take for secure. */
export async function serveFiles(t: Test, files: Record<string, string>): Promise<string> {
  const server = createServer(({ url = '/' }, response) => {
    const text = files[url] as string | undefined
    response.setHeader('content-type', url.endsWith('.js') ? 'text/javascript' : 'text/html').end(text ?? '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await done());) {
    if (Date.now() > end) throw new Error(`${what}: not within 20 seconds`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
