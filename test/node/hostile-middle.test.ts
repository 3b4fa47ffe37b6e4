// A rendezvous that ends both DTLS connections in the middle and passes everything on, with real engines: neither end is deceived.
import tap, { type Test } from 'tap'
import type { CoapResponse } from '../../lib/coap/index.ts'
import { loadEngine } from '../../runtimes/node/index.ts'
import { type GuardedCamera, startClient, startGuardedCamera, type TestViewer, watching } from './support/guarded-camera.ts'
import { type Answer, type ManInTheMiddle, pathOf, startManInTheMiddle } from './support/hostile/man-in-the-middle.ts'
import { until } from './support/negotiating-pair.ts'
import { serve } from './support/service.ts'

tap.setTimeout(150_000)

const CHALLENGE = '/webrtc/challenge'
const passOn: Answer = (request, { forward }) => forward(request)
/** Does something else with the challenge, and passes on the rest. */
const challenged = (answer: Answer): Answer => (request, relayed, all) => (pathOf(request) === CHALLENGE ? answer : passOn)(request, relayed, all)

interface Scene {
  camera: GuardedCamera
  middle: ManInTheMiddle
  honest: TestViewer
  victim(): TestViewer
  /** What the one in the middle does from now on. */
  answer: Answer
}

/** One camera with an honest viewer, and somebody who wants to be between it and the next. */
async function scene(t: Test, engine: 'node-datachannel' | 'werift' = 'node-datachannel'): Promise<Scene> {
  const create = await loadEngine(engine, { loopbackOnly: true })
  const service = await serve(t)
  const camera = await startGuardedCamera(t, service, create)
  // All connections that werift makes in one process have the same certificate, so this one is never on werift.
  const theirs = await loadEngine('node-datachannel', { loopbackOnly: true })
  const middle = await startManInTheMiddle(t, service.url, theirs, (...all) => here.answer(...all))
  const honest = await watching(t, service.url, camera, create)
  await until(() => honest.frames() > 5, 'the picture of the honest viewer')
  const here: Scene = { camera, middle, honest, victim: () => startClient(t, middle.url, create), answer: passOn }
  return here
}

/** No picture for anybody but the honest viewer, who notices nothing. */
async function onlyTheHonestOneSees(t: Test, { camera, middle, honest }: Scene, victim: TestViewer): Promise<void> {
  t.equal(camera.showing(), 1)
  t.equal(middle.packets(), 0, 'the camera shows nothing to the one in the middle')
  t.equal(victim.frames(), 0)
  t.equal(honest.ended(), undefined)
  const seen = honest.frames()
  await until(() => honest.frames() > seen + 5, 'the picture of the honest viewer goes on')
  t.equal((await honest.client.iam.me()).username, 'maria')
}

/** A victim that refuses to go on, for that reason, and has sent no credential. */
async function refuses(t: Test, here: Scene, code: string, answer = passOn): Promise<void> {
  here.answer = answer
  here.middle.asked.length = 0
  const before = here.camera.logins().length
  const victim = here.victim()
  const { client } = victim
  await client.ready()
  await t.rejects(client.verify({ fingerprint: here.camera.fingerprint, timeoutMs: 1500 }), { code })
  t.equal(client.verifiedDevice, undefined)
  await t.rejects(client.authenticate({ username: 'maria', password: here.camera.password }), { code: 'ERR_CLIENT_UNVERIFIED' })
  await t.rejects(client.iam.setPassword('maria', 'new password'), { code: 'ERR_CLIENT_UNVERIFIED' })
  t.strictSame(here.middle.asked, [CHALLENGE], 'no credential went out')
  t.equal(here.camera.logins().length, before)
  await onlyTheHonestOneSees(t, here, victim)
  client.close()
}

for (const engine of ['node-datachannel', 'werift'] as const) {
  void tap.test(`${engine}: everything passed on, the challenge and the login included`, async (t) => {
    const here = await scene(t, engine)
    const { camera } = here
    await refuses(t, here, 'ERR_CHALLENGE_CLIENT_FINGERPRINT')

    const careless = here.victim()
    await careless.client.ready()
    const login = { username: 'maria', password: camera.password, onUnverified: 'allow' } as const
    await t.rejects(careless.client.authenticate(login), { code: 'ERR_PASSWORD_WRONG' }, 'the password is right, but not for these certificates')
    t.match(camera.logins().at(-1), { action: 'password', user: 'maria', outcome: 'refused' }, 'the camera has noted it')
    await t.rejects(careless.client.iam.me(), { code: 'ERR_DEVICE_NOT_FOUND' }, 'the session in the middle belongs to nobody')
    await onlyTheHonestOneSees(t, here, careless)
  })
}

void tap.test('challenges that are tampered with', async (t) => {
  const here = await scene(t)
  const code = (answer: CoapResponse): Answer => challenged(() => Promise.resolve(answer))
  await t.test('said not to exist', (t) => refuses(t, here, 'ERR_CHALLENGE_UNSUPPORTED', code({ code: '4.04' })))
  await t.test('refused', (t) => refuses(t, here, 'ERR_CHALLENGE_REFUSED', code({ code: '4.29' })))
  await t.test('answered with nothing', (t) => refuses(t, here, 'ERR_CHALLENGE_MALFORMED', code({ code: '2.05' })))
  await t.test('never answered', (t) => refuses(t, here, 'ERR_COAP_TIMEOUT', challenged(() => new Promise(() => undefined))))

  await t.test('answered as an earlier one was', async (t) => {
    let kept: CoapResponse | undefined
    const replay = challenged(async (request, { forward }) => kept ??= await forward(request))
    await refuses(t, here, 'ERR_CHALLENGE_CLIENT_FINGERPRINT', replay)
    await refuses(t, here, 'ERR_CHALLENGE_NONCE', replay)
  })

  await t.test('answered by another camera', async (t) => {
    const create = await loadEngine('node-datachannel', { loopbackOnly: true })
    const elsewhere = await serve(t)
    const other = await startGuardedCamera(t, elsewhere, create)
    const { client } = startClient(t, elsewhere.url, create)
    await client.ready()
    t.not(other.fingerprint, here.camera.fingerprint)
    await refuses(t, here, 'ERR_CHALLENGE_DEVICE', challenged(({ method, contentFormat, payload }) => client.coap(method, CHALLENGE, { contentFormat, payload })))
  })

  await t.test('answered too late', async (t) => {
    let release = (): void => undefined
    const late = new Promise<void>((resolve) => { release = resolve })
    here.answer = challenged(async (request, { forward }) => {
      const answer = await forward(request)
      await late
      return answer
    })
    const victim = here.victim()
    await victim.client.ready()
    await t.rejects(victim.client.verify({ fingerprint: here.camera.fingerprint, timeoutMs: 500 }), { code: 'ERR_COAP_TIMEOUT' })
    release()
    await new Promise((resolve) => setTimeout(resolve, 200))
    t.equal(victim.client.verifiedDevice, undefined)
    await onlyTheHonestOneSees(t, here, victim)
  })
})

void tap.test('logins that are tampered with', async (t) => {
  const here = await scene(t)
  const { camera, middle } = here
  const careless = async (): Promise<TestViewer> => {
    const victim = here.victim()
    await victim.client.ready()
    return victim
  }

  await t.test('both rounds of two logins, crossed', async (t) => {
    await camera.iam.users.create('otto', { role: 'Guest', password: 'another password' })
    const victims = [await careless(), await careless()]
    // Each one's rounds go to the camera on the connection that was made for the other.
    here.answer = (request, relayed, all) => (all.at(-1) === relayed ? all.at(-2) : all.at(-1))?.forward(request) ?? passOn(request, relayed, all)
    const before = camera.logins().length
    const passwords = [['maria', camera.password], ['otto', 'another password']]
    const logins = victims.map(({ client }, at) => client.authenticate({ username: passwords[at][0], password: passwords[at][1], onUnverified: 'allow' }))
    await Promise.all(logins.map((login) => t.rejects(login, { code: 'ERR_PASSWORD_WRONG' })))
    t.strictSame(camera.logins().slice(before).map(({ user, outcome }) => `${user} ${outcome}`).sort(), ['maria refused', 'otto refused'])
    here.answer = passOn
    for (const victim of victims) {
      await t.rejects(victim.client.iam.me(), { code: 'ERR_DEVICE_NOT_FOUND' })
      await onlyTheHonestOneSees(t, here, victim)
      victim.client.close()
    }
  })

  await t.test('one round 1 for two connections, the round 2 of one given to both', async (t) => {
    const victim = await careless()
    await careless()
    const before = camera.logins().length
    here.answer = async (request, relayed, all) => {
      const [one, other] = all.slice(-2)
      const answer = await one.forward(request)
      await other.forward(request)
      return answer
    }
    await t.rejects(victim.client.authenticate({ username: 'maria', password: camera.password, onUnverified: 'allow' }), { code: 'ERR_PASSWORD_WRONG' })
    t.strictSame(camera.logins().slice(before).map(({ outcome }) => outcome), ['refused', 'refused'])
    await onlyTheHonestOneSees(t, here, victim)
    victim.client.close()
  })

  await t.test('any password accepted in the middle', async (t) => {
    here.answer = (request, { forward }) => (pathOf(request) === '/p2p/pwd-auth/2' ? Promise.resolve({ code: '2.01', payload: new Uint8Array(32) }) : forward(request))
    const victim = await careless()
    await t.rejects(victim.client.authenticate({ username: 'maria', password: camera.password, onUnverified: 'allow' }), { code: 'ERR_PASSWORD_DEVICE' })
    await t.rejects(victim.client.verify(), { code: 'ERR_CLIENT_UNVERIFIED' }, 'it was no login, so a key needs a fingerprint to be expected')
    await onlyTheHonestOneSees(t, here, victim)
  })
  t.equal(middle.packets(), 0)
})
