// A day of a board's life within a minute: the clock is wound, the link flaps, the key server is away, the disk is full, the
// power goes. No message is lost or done twice, and the heap does not grow.
import { randomInt } from 'node:crypto'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import { deviceAudience } from '../../lib/access/device-audience.ts'
import { authenticateOauth, type CameraClient, createCameraClient } from '../../lib/client/index.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type { DataChannel, MediaPeerConnection } from '../../lib/webrtc/index.ts'
import { createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import type { RunningProgram } from './support/board.ts'
import { type BoardScene, boardScene, openViewer, skipCamera } from './support/board-scene.ts'
import { auditOf, type AuditLine, CountedMessages } from './support/counted-messages.ts'
import { type CuttingProxy, startCuttingProxy } from './support/cutting-proxy.ts'
import { until } from './support/negotiating-pair.ts'
import { OidcIssuer } from './support/oidc-issuer.ts'
import { DEVICE, nowSeconds, PRODUCT, temporaryFolder } from './support/service.ts'
import { skipSmallDisk, type SmallDisk, smallDisk } from './support/small-disk.ts'

const program = 'build/board/probes/day'
const skip = skipCamera('x86_64') || (!existsSync(program) && 'run `node build-board.mjs --probes` first') || skipSmallDisk()
const DAY_MS = 86_400_000
const DISK_BYTES = 524_288
const ROUNDS = 48
/** In each round; after a third of the rounds the memory for answers (128) and the audit (256 lines) have been full for a while. */
const MESSAGES = 5
/** What the heap may have more at the end than after that third: a few of the pieces in which it is measured. */
const HEAP_SLACK_BYTES = 16_384
const host = createNodeHost()

interface Visit {
  client: CameraClient<MediaPeerConnection>
  /** Those opened so far; the last is in use. */
  channels: DataChannel[]
}

/** A board with its troubles, and those who come to it. */
interface Day {
  scene: BoardScene
  link: CuttingProxy
  disk: SmallDisk
  issuer: OidcIssuer
  /** @param trouble - as in test/lib/runtimes/board-day.ts */
  be: (trouble: { offsetMs?: number; cut?: string }) => void
  /** Resolves when the camera is at the rendezvous, and at its engine. */
  start: () => Promise<RunningProgram>
  /** An administrator by OAuth, with tokens of 60 seconds that are 40 seconds old when they are shown. */
  visit: () => Promise<Visit>
  /** Tokens shown by visitors. */
  shown: () => number
}

async function dayOf(t: Test): Promise<Day & { owner: Awaited<ReturnType<BoardScene['invitation']>> }> {
  const disk = await smallDisk(t, DISK_BYTES)
  const file = join(temporaryFolder(t), 'trouble.json')
  const be: Day['be'] = (trouble) => {
    writeFileSync(`${file}.new`, JSON.stringify(trouble))
    renameSync(`${file}.new`, file)
  }
  be({})
  const found: { link?: CuttingProxy } = {}
  const scene = await boardScene(t, 'x86_64', {
    command: [...disk.command, resolve(program), file], data: disk.folder,
    limits: { tokenLifetimeSeconds: 60, connectsPerDevicePerMinute: 6000, requestsPerAddressPerMinute: 60_000 },
    link: async (port) => (found.link = await startCuttingProxy(t, port)).port,
  })
  if (found.link === undefined) throw new Error('no link')
  const issuer = await OidcIssuer.start(t)
  const key = await issuer.addKey('one')
  const owner = await scene.invitation()
  const createPeerConnection = await loadEngine('node-datachannel', { loopbackOnly: true })
  let shown = 0
  return {
    scene, link: found.link, disk, issuer, be, owner, shown: () => shown,
    async start() {
      const camera = scene.start('--token-lifetime', '60', '--oauth-issuer', issuer.url, '--oauth-jwks', issuer.jwksUri, '--oauth-role', 'chief=Administrator')
      await camera.says('signaling CONNECTED', 60_000)
      await camera.says('engine.ready')
      return camera
    },
    async visit() {
      const channels: DataChannel[] = []
      const client = createCameraClient<MediaPeerConnection>({
        ...scene.target, sharedSecret: undefined, keyId: undefined,
        createPeerConnection(configuration) {
          const connection = createPeerConnection(configuration)
          const create = connection.createDataChannel.bind(connection)
          connection.createDataChannel = (...args) => {
            const channel = create(...args)
            channels.push(channel)
            return channel
          }
          return connection
        },
      }, host)
      t.teardown(() => { client.close() })
      client.start()
      await client.ready()
      await client.verify({ fingerprint: owner.fingerprint })
      await authenticateOauth(client, () => {
        shown++
        const iat = nowSeconds() - 40
        return issuer.sign(key, { aud: deviceAudience({ productId: PRODUCT, deviceId: DEVICE }), roles: ['chief'], iat, exp: iat + 60 })
      }, host)
      return { client, channels }
    },
  }
}

const timesIn = (text: string, part: string): number => text.split(part).length - 1

/** Cuts what there is of the link, and lets nothing through for so long. */
async function cut({ link }: Day, camera: RunningProgram, forMs: number): Promise<void> {
  const before = timesIn(camera.output, 'signaling CONNECTED')
  link.cut(forMs)
  await until(() => timesIn(camera.output, 'signaling CONNECTED') > before, 'connected again', 60_000)
}

/** Of a line through the points (0, y0), (1, y1), …: least squares. */
function slopeOf(ys: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const xs = ys.map((_y, x) => x)
  const [x0, y0] = [mean(xs), mean(ys)]
  return xs.reduce((sum, x) => sum + (x - x0) * (ys[x] - y0), 0) / xs.reduce((sum, x) => sum + (x - x0) ** 2, 0)
}

/** Ends the camera as a power cut does, and starts it again. */
async function powerCut(day: Day, camera: RunningProgram, offsetMs: number): Promise<{ camera: RunningProgram; visit: Visit }> {
  camera.child.kill('SIGKILL')
  await camera.ended
  day.be({ offsetMs })
  return { camera: await day.start(), visit: await day.visit() }
}

/** What became of a request. */
const codeOf = (request: Promise<unknown>): Promise<string> => request.then(() => 'answered', (thrown: unknown) => (thrown instanceof LenskeyError ? thrown.code : String(thrown)))

void tap.test('a day on a board', { timeout: 170_000, skip }, async (t) => {
  const began = performance.now()
  const lap = (what: string): void => { t.comment(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s after the start`) }
  const day = await dayOf(t)
  const { disk } = day
  let camera = await day.start()
  let visit = await day.visit()
  const messages = new CountedMessages()
  for (let batch = 0; batch < 7; batch++) await messages.send(visit.client, 20)
  lap('warm')

  // Plausible, and never doubted so far: the rendezvous refuses what is dated so.
  day.be({ offsetMs: 3 * DAY_MS })
  await cut(day, camera, 0)
  t.match(camera.errors, /clock\.learned/, 'wound by three days, it learns what time it is')
  day.be({ offsetMs: -5 * DAY_MS })

  const heapsBefore = timesIn(camera.output, 'collected ')
  for (let round = 1; round <= ROUNDS; round++) {
    const again = cut(day, camera, round % 4 === 0 ? 100 : 0)
    await messages.send(visit.client, MESSAGES, () => {
      if (round % 8 === 0) visit.channels[visit.channels.length - 1].close()
    })
    await again
    if (round % 6 === 0) {
      const { client } = await openViewer(t, day.scene)
      await client.ready()
      await client.verify({ fingerprint: day.owner.fingerprint })
      await client.authenticate(day.owner)
      t.equal((await client.coap('GET', '/iam/me')).code, '2.05', 'a visit')
      const ended = timesIn(camera.errors, 'camera.session.ended')
      client.close()
      await until(() => timesIn(camera.errors, 'camera.session.ended') > ended, 'the end of a visit')
    }
    if (round === 12) await day.issuer.stop()
  }
  lap(`${ROUNDS} cuts`)
  const heaps = [...camera.output.matchAll(/collected (\d+)/g)].slice(heapsBefore).map(([, bytes]) => Number(bytes))
  const later = heaps.slice(-Math.ceil(ROUNDS * 2 / 3))
  t.comment(`heap at each of ${heaps.length} connects: ${heaps.join(' ')}`)
  t.comment(`slope over the later two thirds: ${slopeOf(later).toFixed(1)} bytes per reconnect`)
  t.ok(Math.min(...later.slice(-6)) <= Math.max(...later.slice(0, 6)) + HEAP_SLACK_BYTES, 'the heap does not grow')
  t.ok(visit.channels.length >= ROUNDS / 8, 'its channel was lost as often as it should be')
  await until(() => day.shown() >= 3, 'renewed tokens')
  t.equal((await visit.client.coap('GET', '/iam/users')).code, '2.05', 'who it is outlasts its tokens, and the key server')
  t.same(messages.done(), { created: messages.sent, deleted: Array.from({ length: messages.sent }, () => 1) }, 'every message was done once')

  disk.fill()
  const users = await visit.client.iam.users()
  await t.rejects(visit.client.iam.createUser('late'), { name: 'RefusedError', code: 'ERR_DEVICE_REFUSED', responseCode: '5.00' }, 'no room')
  t.same(await visit.client.iam.users(), users, 'and nothing has changed')
  disk.makeRoom()
  await visit.client.iam.createUser('late')
  lap('disk full')

  // In the middle of a write.
  day.be({ cut: 'iam_state.json' })
  const unanswered = [codeOf(visit.client.iam.createUser('torn'))]
  await camera.says('half written')
  const kept = (JSON.parse(disk.read('iam-audit.json').toString()) as { sequence: number; action: string }[]).slice(-1)[0]
  ;({ camera, visit } = await powerCut(day, camera, -5 * DAY_MS))
  t.ok(disk.has('iam_state.json.tmp'), 'half a file was left')
  t.same(await visit.client.iam.users(), [...users, 'late'], 'what was acknowledged is there, and no more')
  t.match((await auditOf(visit.client, kept.sequence + 1)).slice(-1)[0] satisfies AuditLine, { Sequence: kept.sequence, Action: kept.action }, 'so is the audit')
  lap('power cut')

  // At any moment, with a clock that is plausible and wrong when the power comes back.
  for (const offsetMs of [3 * DAY_MS, -40 * DAY_MS]) {
    const acknowledged = [...await visit.client.iam.users()]
    const { client } = visit
    unanswered.push(codeOf((async () => {
      for (let number = 0; ; number++) {
        acknowledged.push((await client.iam.createUser(`at${offsetMs}-${number}`)).username)
      }
    })()))
    await wait(randomInt(50, 300))
    ;({ camera, visit } = await powerCut(day, camera, offsetMs))
    const found = await visit.client.iam.users()
    t.same(found.slice(0, acknowledged.length), acknowledged, 'all that was acknowledged is there')
    t.ok(found.length <= acknowledged.length + 1, 'and at most the one that was under way')
    t.match(camera.errors, /clock\.learned/, 'it has learned what time it is')
  }
  lap('power cuts')
  const codes = await Promise.all(unanswered)
  t.comment(`told to who got no answer: ${codes.join(' ')}`)
  for (const code of codes) t.match(code, /^ERR_(CLIENT_ENDED|COAP_TIMEOUT)$/, 'who got no answer is told')
  lap('everybody told')
  t.equal(await camera.stop(), 0, 'and it ends when asked to')
})
