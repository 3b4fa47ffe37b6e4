// Relayed messages, client -> service -> device and back, beside a bare `ws` relay in the same run.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { WebSocket } from 'ws'
import { createSigner, deviceKeyId, generatePrivateKey, publicKeyToPem } from '../lib/crypto/index.ts'
import { es256SigningKey, signJwt } from '../lib/jwt/index.ts'
import { createNodeHost } from '../runtimes/node/host.ts'
import { registerDevice } from '../runtimes/node/service/index.ts'
import { median, round } from './measure.ts'
import type { ServerNews, ServerState } from './relay-server.ts'
import type { BenchRow } from './row.ts'

const CHANNELS = 50
const IN_FLIGHT_PER_CHANNEL = 4
const FRAME_LENGTH = 300
const ROUNDS = 11
const ROUND_MS = 400
const SINGLE_MS = 250
const IDLE_WARM_UP = 1000
const IDLE_SOCKETS = 1000

const host = createNodeHost()

/** A server under load: how its sockets are had is its own affair. */
interface Subject {
  process: ChildProcess
  /** URL of the socket of device `n`. */
  deviceUrl(n: number): Promise<string>
  /** URL and channel of a client of device `n`. */
  client(n: number): Promise<{ url: string; channelId: string }>
}

async function start(kind: 'ours' | 'bare'): Promise<Subject> {
  const child = fork(new URL('./relay-server.js', import.meta.url), [kind], { execArgv: ['--expose-gc'] })
  const [{ url, adminToken }] = await once(child, 'message') as [ServerNews]
  if (kind === 'bare') {
    const base = url.replace(/^http/, 'ws')
    return {
      process: child,
      deviceUrl: (n) => Promise.resolve(`${base}/device/${n}`),
      client: (n) => Promise.resolve({ url: `${base}/client/${n}`, channelId: 'abcdefghijklmnopqrstuv' }),
    }
  }
  const post = async (path: string, n: number, token?: string): Promise<{ signalingUrl: string; channelId: string }> => {
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ productId: 'wp-bench', deviceId: `wd-${n}` }) })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return await response.json() as { signalingUrl: string; channelId: string }
  }
  return {
    process: child,
    async deviceUrl(n) {
      const key = generatePrivateKey(host.random, host.nativeCrypto)
      await registerDevice({ endpoint: url, adminToken, productId: 'wp-bench', deviceId: `wd-${n}`, publicKeyPem: publicKeyToPem(key.publicKey) })
      const iat = Math.floor(Date.now() / 1000)
      const claims = { iat, exp: iat + 3600, scope: 'device:connect', resource: `urn:nabto:webrtc:wp-bench:wd-${n}` }
      const token = await signJwt({ kid: deviceKeyId(key.publicKey) }, claims, es256SigningKey(createSigner(key, host)))
      return (await post('/v1/device/connect', n, token)).signalingUrl
    },
    async client(n) {
      const { signalingUrl, channelId } = await post('/v1/client/connect', n)
      return { url: signalingUrl, channelId }
    },
  }
}

/** The server ends, and cleans up, when nobody talks to it any more. */
async function stop({ process: child }: Subject): Promise<void> {
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await once(socket, 'open')
  return socket
}

async function stateOf({ process: child }: Subject): Promise<ServerState> {
  child.send('state')
  return (await once(child, 'message') as [ServerState])[0]
}

/** A message frame of the length all peers are measured with. */
function frameFor(channelId: string): string {
  const frame = (data: string): string => JSON.stringify({ type: 'MESSAGE', channelId, message: { type: 'DATA', seq: 0, data } })
  return frame('x'.repeat(FRAME_LENGTH - frame('').length))
}

/** One client and one device; the device sends back whatever comes. */
class Pair {
  private readonly client: WebSocket
  private readonly device: WebSocket
  private readonly frame: string
  private readonly sentAt: number[] = []
  private running = false
  roundTripsMs: number[] = []

  private constructor(client: WebSocket, device: WebSocket, frame: string) {
    this.client = client
    this.device = device
    this.frame = frame
    // Told apart by length: frames of the service itself are shorter.
    device.on('message', (data: Buffer) => {
      if (data.length >= FRAME_LENGTH) device.send(frame)
    })
    client.on('message', (data: Buffer) => {
      if (data.length >= FRAME_LENGTH) this.returned()
    })
  }

  static async open(subject: Subject, n: number): Promise<Pair> {
    const device = await open(await subject.deviceUrl(n))
    const { url, channelId } = await subject.client(n)
    return new Pair(await open(url), device, frameFor(channelId))
  }

  begin(inFlight: number): void {
    this.running = true
    this.roundTripsMs = []
    for (let n = 0; n < inFlight; n++) this.send()
  }

  async end(): Promise<void> {
    this.running = false
    while (this.sentAt.length > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  close(): void {
    this.client.terminate()
    this.device.terminate()
  }

  private send(): void {
    this.sentAt.push(performance.now())
    this.client.send(this.frame)
  }

  private returned(): void {
    this.roundTripsMs.push(performance.now() - (this.sentAt.shift() ?? 0))
    if (this.running) this.send()
  }
}

interface Load {
  perSecond: number
  perCpuSecond: number
  p50: number
  p99: number
}

async function load(subject: Subject, pairs: Pair[], inFlight: number, ms: number): Promise<Load> {
  const before = await stateOf(subject)
  const started = performance.now()
  for (const pair of pairs) pair.begin(inFlight)
  await new Promise((resolve) => setTimeout(resolve, ms))
  const done = pairs.flatMap(({ roundTripsMs }) => roundTripsMs)
  const seconds = (performance.now() - started) / 1000
  await Promise.all(pairs.map((pair) => pair.end()))
  const all = pairs.flatMap(({ roundTripsMs }) => roundTripsMs).length
  const cpuSeconds = ((await stateOf(subject)).cpuMs - before.cpuMs) / 1000
  done.sort((a, b) => a - b)
  const at = (share: number): number => done[Math.floor(done.length * share)] ?? NaN
  return { perSecond: (2 * done.length) / seconds, perCpuSecond: (2 * all) / cpuSeconds, p50: at(0.5), p99: at(0.99) }
}

async function bytesPerIdleDevice(subject: Subject): Promise<number> {
  const sockets: WebSocket[] = []
  const seat = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 50) {
      sockets.push(...await Promise.all(Array.from({ length: Math.min(50, to - n) }, async (_, k) => open(await subject.deviceUrl(n + k)))))
    }
    // The server's HTTP connections of the admission close when idle.
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  await seat(1000, 1000 + IDLE_WARM_UP)
  const before = await stateOf(subject)
  await seat(1000 + IDLE_WARM_UP, 1000 + IDLE_WARM_UP + IDLE_SOCKETS)
  const after = await stateOf(subject)
  for (const socket of sockets) socket.terminate()
  return (after.bytes - before.bytes) / IDLE_SOCKETS
}

/** Rows of goals.md, "Rendezvous and messages". */
export async function run(): Promise<BenchRow[]> {
  const subjects: Subject[] = []
  try {
    subjects.push(await start('ours'), await start('bare'))
    const pairs = await Promise.all(subjects.map(async (subject) => {
      const opened: Pair[] = []
      for (let n = 0; n < CHANNELS; n++) opened.push(await Pair.open(subject, n))
      return opened
    }))
    const many: Load[][] = [[], []]
    const single: Load[][] = [[], []]
    for (let turn = -1; turn < ROUNDS; turn++) {
      for (const which of turn % 2 === 0 ? [0, 1] : [1, 0]) {
        const loaded = await load(subjects[which], pairs[which], IN_FLIGHT_PER_CHANNEL, turn < 0 ? 1000 : ROUND_MS)
        const alone = await load(subjects[which], pairs[which].slice(0, 1), 1, turn < 0 ? 300 : SINGLE_MS)
        // The round before the first warms up.
        if (turn >= 0) {
          many[which].push(loaded)
          single[which].push(alone)
        }
      }
    }
    for (const pair of pairs.flat()) pair.close()
    const idle: number[] = []
    for (const subject of subjects) idle.push(await bytesPerIdleDevice(subject))

    const pick = (loads: Load[][], figure: keyof Load): [number, number] => [
      median(loads[0].map((one) => one[figure])), median(loads[1].map((one) => one[figure])),
    ]
    return [
      row(`relayed messages, ${CHANNELS} channels`, '1/s', 'higher', pick(many, 'perSecond'), 0.7),
      row(`relayed messages per CPU second of the server, ${CHANNELS} channels`, '1/s', 'higher', pick(many, 'perCpuSecond'), 0.7),
      row(`round trip p50, ${CHANNELS} channels`, 'ms', 'lower', pick(many, 'p50'), 1 / 0.7),
      row(`round trip p99, ${CHANNELS} channels`, 'ms', 'lower', pick(many, 'p99'), 1 / 0.7),
      row('relayed messages, one channel, one at a time', '1/s', 'higher', pick(single, 'perSecond'), 0.8),
      row('round trip p50, one channel, one at a time', 'ms', 'lower', pick(single, 'p50'), 1 / 0.8),
      row('bytes per idle seated device', 'B', 'lower', [idle[0], idle[1]], 1.5),
    ]
  } finally {
    await Promise.all(subjects.map(stop))
  }
}

function row(name: string, unit: string, better: 'higher' | 'lower', [value, peer]: [number, number], goal: number): BenchRow {
  const ratio = round(value / peer)
  const [sign, met] = better === 'higher' ? ['≥', ratio >= goal] : ['≤', ratio <= goal]
  return { row: name, value, unit, better, peers: [{ name: 'bare ws relay', value: peer }], ratio, goal: `${sign} ${Number(goal.toFixed(2))} × bare ws relay`, met }
}
