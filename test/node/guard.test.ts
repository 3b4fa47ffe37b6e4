// A guarded camera over real engines and a real rendezvous: proof, login, picture, and the end of it when the user is removed.
import tap from 'tap'
import { loadEngine } from '../../runtimes/node/index.ts'
import { startClient, startGuardedCamera } from './support/guarded-camera.ts'
import { until } from './support/negotiating-pair.ts'
import { serve } from './support/service.ts'

for (const engine of ['node-datachannel', 'werift'] as const) {
  void tap.test(`${engine}: verify, log in, watch, be removed`, { timeout: 60_000 }, async (t) => {
    const create = await loadEngine(engine, { loopbackOnly: true })
    const service = await serve(t)
    const sharedSecret = 'demo secret'
    const { iam, fingerprint, password } = await startGuardedCamera(t, service, create, { camera: { access: { sharedSecret } } })
    const { client, frames } = startClient(t, service.url, create, { sharedSecret })
    await client.ready()
    await t.rejects(client.authenticate({ username: 'maria', password }), { code: 'ERR_CLIENT_UNVERIFIED' })
    await t.rejects(client.verify({ fingerprint: 'ab'.repeat(32) }), { code: 'ERR_CHALLENGE_DEVICE' })
    await client.verify({ fingerprint })
    t.equal(frames(), 0, 'no picture for a stranger')
    await t.rejects(client.authenticate({ username: 'maria', password: 'not this one' }), { code: 'ERR_PASSWORD_WRONG' })
    await client.authenticate({ username: 'maria', password })
    t.equal((await client.iam.me()).username, 'maria')
    await until(() => frames() > 10, 'the picture')

    await iam.users.delete('maria')
    // What is under way still arrives; a second later nothing does.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const seen = frames()
    await new Promise((resolve) => setTimeout(resolve, 700))
    t.equal(frames(), seen, 'the picture is gone within a second')
    t.equal((await client.coap('GET', '/iam/users')).code, '4.03')
  })
}
