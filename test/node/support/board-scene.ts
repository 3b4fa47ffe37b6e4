import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type CameraClient, createCameraClient, type PairingLink, parsePairingLink } from '../../../lib/client/index.ts'
import { privateKeyToPem } from '../../../lib/crypto/index.ts'
import type { MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { countVideo, createClipSource, createNodeHost, type EngineName, loadEngine } from '../../../runtimes/node/index.ts'
import type { RendezvousOptions, RunningRendezvous } from '../../../runtimes/node/service/index.ts'
import { serveEngine } from '../../../runtimes/node/webrtc/engine-server.ts'
import { targets } from '../../../tools/board.mjs'
import { skipWithout } from '../../../tools/requirements.mjs'
import { type RunningProgram, startProgram } from './board.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve, temporaryFolder } from './service.ts'
import { makeAuthority, tlsFront } from './tls-front.ts'

const run = promisify(execFile)

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

/** Built by `node build-board.mjs`, which `npm test` does. */
const programOf = (target: string): string => `dist/quickjs/lenskey-camera-${target}`

/** Why the camera of a target cannot run here; false when it can. */
export function skipCamera(target: keyof typeof targets): string | false {
  const { cc, emulator } = targets[target]
  const missing = [cc, ...emulator].map((tool) => skipWithout(tool)).find((reason) => reason !== false)
  return missing ?? (!existsSync(programOf(target)) && 'run `node build-board.mjs` first')
}

/** A rendezvous behind TLS, a WebRTC engine behind the line protocol, and a camera program for a board that knows both. */
export interface BoardScene {
  readonly service: RunningRendezvous
  readonly front: Awaited<ReturnType<typeof tlsFront>>
  /** That camera and viewers share. */
  readonly secret: string
  /** For a client, but for `createPeerConnection`. */
  readonly target: { productId: string; deviceId: string; endpointUrl: string; sharedSecret: string; keyId: string }
  /** Runs the program to its end. */
  output(...more: string[]): Promise<string>
  /** @param more - options beyond those that make it work */
  start(...more: string[]): RunningProgram
  /** The first owner's. */
  invitation(): Promise<PairingLink>
}

/** Serves an engine at a local socket until the test ends. */
export type StartEngine = (t: TearDown, socket: string) => Promise<unknown>

const startWerift: StartEngine = async (t, socket) => {
  const video = createClipSource()
  const engine = await serveEngine({ path: socket, createPeerConnection: await loadEngine('werift', { loopbackOnly: true }), video })
  t.teardown(() => {
    engine.close()
    video.close()
  })
}

export interface BoardSceneOptions {
  startEngine?: StartEngine
  /** Runs the program; default: that of the target. */
  command?: readonly string[]
  /** Where the camera keeps what it keeps; default: a folder of the scene's. */
  data?: string
  limits?: RendezvousOptions['limits']
  /** Puts something between the camera and the port of the rendezvous. @returns the port that the camera is told */
  link?: (port: number) => Promise<number>
}

export async function boardScene(t: TearDown, target: keyof typeof targets, options: BoardSceneOptions = {}): Promise<BoardScene> {
  const { startEngine = startWerift, command = [...targets[target].emulator, programOf(target)], limits, link = (port) => Promise.resolve(port) } = options
  const folder = temporaryFolder(t)
  const authority = makeAuthority(folder)
  const service = await serve(t, { trustedProxies: ['127.0.0.1'], pages: { dir: 'dist/viewer' }, limits })
  const front = await tlsFront(t, authority.issue('server'), Number(new URL(service.url).port))
  const { key } = await registerTestDevice(service)
  const secret = randomBytes(16).toString('hex')
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const socket = join(folder, 'engine.sock')
  await startEngine(t, socket)
  const { data = join(folder, 'data') } = options
  mkdirSync(data, { recursive: true })
  const args = [
    '--endpoint', `https://localhost:${await link(front.port)}`, '--product', PRODUCT, '--device', DEVICE, '--key', file('key.pem', privateKeyToPem(key)),
    '--ca', authority.caFile, '--data', data, '--shared-secret-file', file('secret', secret), '--engine', socket, '--log-level', 'info',
  ]
  const output = async (...more: string[]): Promise<string> => (await run(command[0], [...command.slice(1), ...args, ...more])).stdout
  return {
    service, front, secret, output,
    target: { productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url, sharedSecret: secret, keyId: 'default' },
    start: (...more) => startProgram(t, [...command, ...args, ...more]),
    invitation: async () => parsePairingLink(await output('--print-invitation')),
  }
}

/** Kilobytes of a process in memory, now and at most. */
export function residentKb({ pid = 0 }: { pid?: number | undefined }): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { now: of('VmRSS'), peak: of('VmHWM') }
}

/** Whoever watches the camera of a scene. */
export interface SceneViewer {
  client: CameraClient<MediaPeerConnection>
  /** Pictures so far. */
  frames: () => number
}

/** Starts a client on one of Node's engines; it ends with the test. */
export async function openViewer(t: TearDown, scene: BoardScene, engine: EngineName = 'node-datachannel'): Promise<SceneViewer> {
  let frames = (): number => 0
  const client = createCameraClient<MediaPeerConnection>({
    ...scene.target, createPeerConnection: await loadEngine(engine, { loopbackOnly: true }),
    attach: (connection) => {
      connection.onVideo = (receiver) => {
        const count = countVideo(receiver)
        frames = () => count.frames
      }
    },
  }, createNodeHost())
  t.teardown(() => { client.close() })
  client.start()
  return { client, frames: () => frames() }
}
