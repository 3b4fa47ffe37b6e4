import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientOptions, WebSocket } from 'ws'
import { createSigner, deviceKeyId, generatePrivateKey, type P256PrivateKey, productKeyId, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { es256SigningKey, signJwt } from '../../../lib/jwt/index.ts'
import { createNodeHost } from '../../../runtimes/node/host.ts'
import { type RendezvousOptions, type RunningRendezvous, startRendezvous } from '../../../runtimes/node/service/index.ts'

const host = createNodeHost()

export const PRODUCT = 'wp-showroom'
export const DEVICE = 'wd-frontdoorcamera1'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

/** A folder that goes away with the test. */
export function temporaryFolder(t: TearDown): string {
  const dir = mkdtempSync(join(tmpdir(), 'lenskey-test-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A rendezvous on loopback, closed when the test ends. */
export async function serve(t: TearDown, options: Partial<RendezvousOptions> = {}): Promise<RunningRendezvous> {
  const service = await startRendezvous({
    listen: { host: '127.0.0.1', port: 0 }, dataDir: options.dataDir ?? temporaryFolder(t), drainTimeoutMs: 1000, ...options,
  })
  t.teardown(() => service.close())
  return service
}

export interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

/** A request with a JSON body, or with none. */
export async function request(url: string, method: string, options: { token?: string; body?: unknown; text?: string } = {}): Promise<Answer> {
  const { token, body, text = body === undefined ? undefined : JSON.stringify(body) } = options
  const headers: Record<string, string> = {}
  if (text !== undefined) headers['content-type'] = 'application/json'
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  const response = await fetch(url, { method, headers, body: text })
  const answer: unknown = await response.json().catch(() => ({}))
  return { status: response.status, headers: response.headers, body: answer as Record<string, unknown> }
}

/** An administrator of a service. */
export function adminOf({ url, adminToken }: RunningRendezvous): (method: string, path: string, body?: unknown) => Promise<Answer> {
  return (method, path, body) => request(`${url}/admin/v1${path}`, method, { token: adminToken, body })
}

/** A key, and tokens signed with it. */
export interface TestKey {
  publicPem: string
  deviceKid: string
  productKid: string
  sign(claims: Record<string, unknown>, header?: { kid?: string }): Promise<string>
  key: P256PrivateKey
}

export function makeKey(): TestKey {
  const key = generatePrivateKey(host.random, host.nativeCrypto)
  const signing = es256SigningKey(createSigner(key, host))
  const deviceKid = deviceKeyId(key.publicKey)
  return {
    key,
    publicPem: publicKeyToPem(key.publicKey),
    deviceKid,
    productKid: productKeyId(key.publicKey),
    sign: async (claims, { kid = deviceKid } = {}) => signJwt({ typ: 'JWT', kid }, claims, signing),
  }
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** Claims of a device's token, with changes. */
export function deviceClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const iat = nowSeconds()
  return { iat, nbf: iat, exp: iat + 86_400, scope: 'device:connect turn', resource: `urn:nabto:webrtc:${PRODUCT}:${DEVICE}`, ...changes }
}

/** Claims of a client's access token, with changes. */
export function clientClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const iat = nowSeconds()
  return { iat, exp: iat + 86_400, scope: 'client:connect turn', resource: `urn:nabto:webrtc:${PRODUCT}:${DEVICE}`, ...changes }
}

/** Registers a device with a new key. */
export async function registerTestDevice(service: RunningRendezvous, ids: { product?: string; device?: string } = {}): Promise<TestKey> {
  const key = makeKey()
  const { product = PRODUCT, device = DEVICE } = ids
  const { status, body } = await adminOf(service)('PUT', `/products/${product}/devices/${device}`, { publicKey: key.publicPem, createProduct: true })
  if (status !== 200) throw new Error(`not registered: ${status} ${JSON.stringify(body)}`)
  return key
}

type ConnectPath = '/v1/device/connect' | '/v1/client/connect' | '/v1/ice-servers'

/** A request of the API for devices and clients. */
export function connect(
  { url }: RunningRendezvous, path: ConnectPath, token?: string, body: unknown = { productId: PRODUCT, deviceId: DEVICE },
): Promise<Answer> {
  return request(url + path, 'POST', { token, body })
}

/** A WebSocket that keeps what it gets. */
export class TestSocket {
  readonly socket: WebSocket
  readonly frames: unknown[] = []
  closed: { code: number; reason: string } | undefined
  private waiting: (() => void)[] = []

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()))
      this.news()
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.news()
    })
    socket.on('error', () => undefined)
  }

  /** @throws {Error} with the status when the upgrade is refused */
  static async open(t: TearDown, url: string, { subprotocol, ...options }: ClientOptions & { subprotocol?: string } = {}): Promise<TestSocket> {
    const socket = new WebSocket(url, subprotocol, options)
    const test = new TestSocket(socket)
    t.teardown(() => socket.terminate())
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('unexpected-response', (_request, response) => {
        response.resume()
        reject(new Error(`refused with ${response.statusCode}`))
        socket.terminate()
      })
      socket.once('error', reject)
    })
    return test
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** Waits until there are as many frames. */
  async has(count: number): Promise<unknown[]> {
    await this.until(() => this.frames.length >= count, `${count} frames`)
    return this.frames
  }

  /** Resolves when everything sent before was handled: the service answers in order. */
  async flush(): Promise<void> {
    const before = this.pongs
    this.send({ type: 'PING' })
    await this.until(() => this.pongs > before, 'a PONG')
  }

  /** Frames other than PING and PONG. */
  get relayed(): unknown[] {
    return this.frames.filter((frame) => !['PING', 'PONG'].includes(String((frame as { type?: unknown }).type)))
  }

  async hasClosed(): Promise<{ code: number; reason: string } | undefined> {
    await this.until(() => this.closed !== undefined, 'the end of the socket')
    return this.closed
  }

  async close(): Promise<void> {
    this.socket.close(1000)
    await this.hasClosed()
  }

  private get pongs(): number {
    return this.frames.filter((frame) => (frame as { type?: unknown }).type === 'PONG').length
  }

  private news(): void {
    for (const wake of this.waiting.splice(0)) wake()
  }

  private async until(done: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 5000
    while (!done()) {
      if (this.closed !== undefined || Date.now() > deadline) {
        throw new Error(`waited for ${what}; closed: ${JSON.stringify(this.closed)}, frames: ${JSON.stringify(this.frames).slice(0, 500)}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100)
        this.waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }
}

/** The URL of a device's seat, for a token that must be good. */
export async function deviceUrl(service: RunningRendezvous, key: TestKey, ids: { product?: string; device?: string } = {}): Promise<string> {
  const { product = PRODUCT, device = DEVICE } = ids
  const token = await key.sign(deviceClaims({ resource: `urn:nabto:webrtc:${product}:${device}` }))
  const { status, body } = await connect(service, '/v1/device/connect', token, { productId: product, deviceId: device })
  if (status !== 200) throw new Error(`device connect: ${status} ${JSON.stringify(body)}`)
  return String(body.signalingUrl)
}

export async function seatDevice(t: TearDown, service: RunningRendezvous, key: TestKey, ids?: { product?: string; device?: string }): Promise<TestSocket> {
  return TestSocket.open(t, await deviceUrl(service, key, ids))
}

export interface TestClient {
  socket: TestSocket
  channelId: string
  url: string
  deviceOnline: boolean
}

export async function connectClient(t: TearDown, service: RunningRendezvous, token?: string, device = DEVICE): Promise<TestClient> {
  const { status, body } = await connect(service, '/v1/client/connect', token, { productId: PRODUCT, deviceId: device })
  if (status !== 200) throw new Error(`client connect: ${status} ${JSON.stringify(body)}`)
  const url = String(body.signalingUrl)
  return { socket: await TestSocket.open(t, url), channelId: String(body.channelId), url, deviceOnline: body.deviceOnline === true }
}

