// A camera for boards within a heap of 8 MB: four viewers at once, each with an answer over CoAP; and what happens at the cap.
import tap from 'tap'
import type { PairingLink } from '../../lib/client/index.ts'
import type { RunningProgram } from './support/board.ts'
import { type BoardScene, boardScene, openViewer, residentKb, type SceneViewer, skipCamera } from './support/board-scene.ts'
import { until } from './support/negotiating-pair.ts'

const CAP_KIB = 8192
const VIEWERS = 4
const skip = skipCamera('x86_64')

/** Bytes of the engine's memory, as the camera said last. */
function heapOf({ output }: RunningProgram): { used: number; peak: number } {
  const [used = NaN, peak = NaN] = ([...output.matchAll(/heap (\d+) peak (\d+)/g)].at(-1) ?? []).slice(1).map(Number)
  return { used, peak }
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`

async function connected(scene: BoardScene, ...more: string[]): Promise<RunningProgram> {
  const camera = scene.start('--print-heap', ...more)
  await camera.says('signaling CONNECTED', 60_000)
  await camera.says('engine.ready')
  return camera
}

async function isOwner({ client }: SceneViewer, { username, password, fingerprint }: PairingLink): Promise<boolean> {
  await client.ready()
  await client.verify({ fingerprint })
  await client.authenticate({ username, password })
  const me = await client.iam.me()
  return me.username === username && me.role === 'Administrator'
}

void tap.test(`${VIEWERS} viewers in a heap of ${CAP_KIB} KiB`, { timeout: 170_000, skip }, async (t) => {
  const scene = await boardScene(t, 'x86_64')
  const owner = await scene.invitation()
  const camera = await connected(scene, '--heap-cap', String(CAP_KIB), '--max-viewers', String(VIEWERS))
  await camera.says(/heap \d+/)
  const idle = { ...heapOf(camera), rss: residentKb(camera.child).now }
  const viewers = await Promise.all(Array.from({ length: VIEWERS }, () => openViewer(t, scene)))
  for (const viewer of viewers) t.ok(await isOwner(viewer, owner), 'a paired answer over CoAP')
  await until(() => viewers.every(({ frames }) => frames() >= 5), 'four pictures', 60_000)
  for (const { client } of viewers) t.equal((await client.coap('GET', '/audit')).code, '2.05', 'and all four are served at once')

  const fifth = await openViewer(t, scene)
  const why = new Promise((resolve) => { fifth.client.viewer.on('ended', resolve) })
  t.match(await why, { errorCode: 'NO_MORE_CHANNELS' }, 'one more is turned away')

  const seen = camera.output.length
  await until(() => camera.output.slice(seen).includes('heap '), 'the heap')
  const busy = { ...heapOf(camera), rss: residentKb(camera.child) }
  t.comment(`heap: idle ${kib(idle.used)}, with ${VIEWERS} viewers ${kib(busy.used)}, at most ${kib(busy.peak)} of ${CAP_KIB} KiB; resident: idle ${idle.rss} KiB, then ${busy.rss.now}, at most ${busy.rss.peak}`)
  t.ok(busy.peak <= CAP_KIB * 1024, 'within the cap')
  for (const { client } of viewers) client.close()
  t.equal(await camera.stop(), 0)
})

void tap.test('at the cap the camera ends, and starts again with all that was acknowledged', { timeout: 170_000, skip }, async (t) => {
  const scene = await boardScene(t, 'x86_64')
  const owner = await scene.invitation()
  const first = await connected(scene)
  await first.says(/heap \d+/)
  const idle = heapOf(first)
  const pairing = await openViewer(t, scene)
  t.ok(await isOwner(pairing, owner))
  await pairing.client.iam.createUser('friend')
  pairing.client.close()
  t.equal(await first.stop(), 0)

  // Enough to start and to be at the rendezvous, too little for what viewers take.
  const tight = Math.ceil(Math.max(idle.peak, idle.used) / 1024) + 64
  const second = await connected(scene, '--heap-cap', String(tight))
  const viewers: SceneViewer[] = []
  const over = second.ended.then(() => 'over')
  while (viewers.length < 8) {
    const viewer = await openViewer(t, scene)
    viewers.push(viewer)
    if (await Promise.race([isOwner(viewer, owner).catch(() => undefined), over]) === 'over') break
  }
  for (const { client } of viewers) client.close()
  t.equal(await second.ended, 75, `with ${viewers.length} viewers in ${tight} KiB`)
  t.match(second.errors, new RegExp(`the heap cap of ${tight * 1024} bytes is reached`))
  t.notMatch(second.errors, /the program is broken/)

  // What a supervisor does.
  const third = await connected(scene, '--heap-cap', String(CAP_KIB))
  const again = await openViewer(t, scene)
  t.ok(await isOwner(again, owner), 'the owner is who it was')
  t.ok((await again.client.iam.users()).includes('friend'), 'and what the owner did is there')
  t.equal(await third.stop(), 0)
})
