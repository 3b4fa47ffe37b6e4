import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { VirtualConnection } from '../../../lib/access/index.ts'
import { type CameraClient, type CameraClientOptions, createCameraClient } from '../../../lib/client/index.ts'
import { createSigner, fingerprintOf } from '../../../lib/crypto/index.ts'
import { type Camera, type CameraGuard, type CameraGuardOptions, type CameraOptions, type CameraSession, createCamera, createCameraGuard, DeviceTokenGenerator } from '../../../lib/device/index.ts'
import { type AuditEvent, type Iam, openIam } from '../../../lib/iam/index.ts'
import type { CreatePeerConnection, MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/index.ts'
import { attachVideo, countVideo, createClipSource, createNodeHost } from '../../../runtimes/node/index.ts'
import type { RunningRendezvous } from '../../../runtimes/node/service/index.ts'
import { DEVICE, PRODUCT, registerTestDevice } from './service.ts'

const host = createNodeHost()

/** A camera with a guard, on real engines and at a real rendezvous. It has a user `maria`, who may watch. */
export interface GuardedCamera {
  camera: Camera<MediaPeerConnection>
  iam: Iam
  /** Of the key that proves the camera. */
  fingerprint: string
  password: string
  /** Pictures that are shown now. */
  showing(): number
  /** Logins that were tried, oldest first. */
  logins(): AuditEvent[]
}

export interface GuardedCameraOptions {
  device?: string
  /** Where the camera takes its seat; default: at the rendezvous itself. */
  endpointUrl?: string
  guard?: Partial<CameraGuardOptions>
  /** What a session has besides the picture, such as streams: called once, gives what is called for each session. */
  more?: (parts: { iam: Iam; router: CameraGuard<MediaPeerConnection>['router'] }) => (session: CameraSession<MediaPeerConnection>, connection: VirtualConnection) => void
  camera?: Partial<CameraOptions<MediaPeerConnection>>
}

export async function startGuardedCamera(
  t: Test, service: RunningRendezvous, createPeerConnection: CreatePeerConnection, { device = DEVICE, endpointUrl = service.url, guard: guardOptions, more, camera: cameraOptions }: GuardedCameraOptions = {},
): Promise<GuardedCamera> {
  const { key } = await registerTestDevice(service, { device })
  const signer = createSigner(key, host)
  const iam = await openIam({ storage: createMemoryStorage() }, host)
  const password = randomBytes(12).toString('hex')
  await iam.users.create('maria', { role: 'Guest', password })
  const guard = createCameraGuard<MediaPeerConnection>({ iam, signer, host, ...guardOptions })
  const attachMore = more?.({ iam, router: guard.router })
  const tokens = new DeviceTokenGenerator(PRODUCT, device, signer, host)
  const source = createClipSource()
  let showing = 0
  const camera = createCamera<MediaPeerConnection>({
    productId: PRODUCT, deviceId: device, endpointUrl, tokenGenerator: () => tokens.generateToken(), access: { guarded: true }, createPeerConnection,
    attach: (session) => {
      const connection = guard.attach(session, {
        video: () => {
          const detach = attachVideo(session.peerConnection, source)
          showing++
          return () => {
            showing--
            detach()
          }
        },
      })
      attachMore?.(session, connection)
    },
    ...cameraOptions,
  }, host)
  camera.start()
  t.teardown(async () => {
    camera.close()
    source.close()
    await iam.close()
  })
  return {
    camera, iam, password,
    fingerprint: fingerprintOf(signer.publicKey),
    showing: () => showing,
    logins: () => iam.audit.events({ limit: 1000 }).filter(({ kind }) => kind === 'authentication'),
  }
}

export interface TestViewer {
  client: CameraClient<MediaPeerConnection>
  frames: () => number
  /** Why the session is over; undefined while it is not. */
  ended: () => unknown
}

/** A client on a real engine that counts what it sees. */
export function startClient(
  t: Test, endpointUrl: string, createPeerConnection: CreatePeerConnection, options: Partial<CameraClientOptions<MediaPeerConnection>> = {},
): TestViewer {
  let frames = (): number => 0
  let ended: unknown
  const client = createCameraClient<MediaPeerConnection>({
    productId: PRODUCT, deviceId: DEVICE, endpointUrl, createPeerConnection,
    attach: (connection) => {
      connection.onVideo = (receiver) => {
        const count = countVideo(receiver)
        frames = () => count.frames
      }
    },
    ...options,
  }, host)
  client.viewer.on('ended', (error) => (ended = error))
  t.teardown(() => { client.close() })
  client.start()
  return { client, frames: () => frames(), ended: () => ended }
}

/** A client that has verified the camera, logged in, and sees the picture. */
export async function watching(t: Test, endpointUrl: string, { fingerprint, password }: GuardedCamera, createPeerConnection: CreatePeerConnection): Promise<TestViewer> {
  const viewer = startClient(t, endpointUrl, createPeerConnection)
  await viewer.client.ready()
  await viewer.client.verify({ fingerprint })
  await viewer.client.authenticate({ username: 'maria', password })
  return viewer
}
