import type { VirtualConnection } from '../../../lib/access/index.ts'
import { type CameraClient, type CameraClientOptions, ClientTracks, createCameraClient, openDeviceStream } from '../../../lib/client/index.ts'
import { type CoapRouter, createCoapRouter } from '../../../lib/coap/index.ts'
import { createSigner, fingerprintOf, generatePrivateKey } from '../../../lib/crypto/index.ts'
import { type Camera, type CameraGuard, type CameraGuardOptions, type CameraOptions, type CameraSession, createCamera, createCameraGuard } from '../../../lib/device/index.ts'
import { type Iam, openIam } from '../../../lib/iam/index.ts'
import type { ByteStream, DataChannel } from '../../../lib/webrtc/index.ts'
import { createMemoryStorage, createSeededRandom, type MemoryPeerConnection, MemoryPeerConnections } from '../../../runtimes/memory/index.ts'
import { DEVICE_ID, ORIGIN, PRODUCT_ID, TestService } from '../support/test-service.ts'

export interface Client extends CameraClient<MemoryPeerConnection> {
  readonly tracks: ClientTracks
  openStream(port: number): Promise<ByteStream>
}
export type Session = CameraSession<MemoryPeerConnection>

/** A camera with a guard in front of it, and as many clients as a test wants. */
export interface GuardedWorld {
  readonly service: TestService
  readonly camera: Camera<MemoryPeerConnection>
  readonly guard: CameraGuard<MemoryPeerConnection>
  readonly router: CoapRouter<VirtualConnection>
  readonly iam: Iam
  readonly fingerprint: string
  /** Sessions that have a picture now. */
  readonly showing: Set<Session>
  /** Channels that clients have opened, oldest first. */
  readonly channels: DataChannel[]
  connect(options?: Partial<CameraClientOptions<MemoryPeerConnection>>): Promise<Client>
  /** Lets time pass until the promise has settled. */
  during<Result>(promise: Promise<Result>): Promise<Result>
}

export const SECRETS: Readonly<Record<string, string>> = { default: 's3cret', door: 'd00r', garden: 'g4rden' }

interface WorldOptions {
  guard?: Partial<CameraGuardOptions>
  camera?: Partial<CameraOptions<MemoryPeerConnection>>
  /** Shared with another world, so that no two ends have the same certificate. */
  connections?: MemoryPeerConnections
  video?: () => () => void
  /** What the program does with a session besides. */
  attached?: (session: Session, connection: VirtualConnection) => void
}

export async function guardedWorld({ guard: guardOptions = {}, camera: cameraOptions = {}, connections = new MemoryPeerConnections(), video, attached }: WorldOptions = {}): Promise<GuardedWorld> {
  const service = new TestService()
  const host = service.host()
  const key = generatePrivateKey(createSeededRandom(99))
  const iam = await openIam({ storage: createMemoryStorage() }, host)
  const router = createCoapRouter<VirtualConnection>()
  const guard = createCameraGuard<MemoryPeerConnection>({ iam, signer: createSigner(key, host), host, router, ...guardOptions })
  const showing = new Set<Session>()
  const channels: DataChannel[] = []
  const at = { productId: PRODUCT_ID, deviceId: DEVICE_ID, endpointUrl: ORIGIN }
  const camera = createCamera<MemoryPeerConnection>({
    ...at,
    tokenGenerator: () => Promise.resolve('token'),
    access: { sharedSecret: (keyId = 'default') => Promise.resolve(SECRETS[keyId] ?? '') },
    createPeerConnection: () => connections.create(),
    attach: (session) => {
      session.peerConnection.addEventListener('datachannel', ({ channel }) => void channels.push(channel))
      const connection = guard.attach(session, {
        video: video ?? (() => {
          session.peerConnection.addLine('video')
          showing.add(session)
          return () => void showing.delete(session)
        }),
      })
      attached?.(session, connection)
    },
    ...cameraOptions,
  }, host)
  camera.start()
  await service.clock.advance(100)

  async function during<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false
    const note = (): void => { settled = true }
    promise.then(note, note)
    await service.clock.advanceUntil(() => settled)
    return promise
  }

  return {
    service, camera, guard, router, iam, showing, channels, during,
    fingerprint: fingerprintOf(key.publicKey),
    async connect(options = {}): Promise<Client> {
      const tracks = new ClientTracks()
      const client = createCameraClient<MemoryPeerConnection>({
        ...at, sharedSecret: SECRETS.default, createPeerConnection: () => connections.create(), metadata: tracks, ...options,
      }, service.host())
      client.start()
      await during(client.ready())
      return { ...client, get verifiedDevice() { return client.verifiedDevice }, tracks, openStream: (port) => openDeviceStream(client, port, service.clock) }
    },
  }
}

/** A client that has verified the device and logged in. */
export async function loggedIn(world: GuardedWorld, username: string, password: string): Promise<Client> {
  const client = await world.connect()
  await world.during(client.verify({ fingerprint: world.fingerprint }))
  await world.during(client.authenticate({ username, password }))
  await world.service.clock.advance(100)
  return client
}

/** The administrator, with the password that the device came with. */
export function administrator(world: GuardedWorld): Promise<Client> {
  return loggedIn(world, 'admin', world.iam.users.find('admin')?.password ?? '')
}
