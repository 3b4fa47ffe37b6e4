// Two hosts on a cable of their own, in network namespaces without a way out: the camera is found, paired with and watched.
import { join } from 'node:path'
import tap from 'tap'
import { runCli, startCli, temporaryFolder } from './support/cli.ts'
import { layCable, skipWithoutNamespaces } from './support/namespaces.ts'

tap.setTimeout(200_000)

const json = (text: string): Record<string, unknown> => JSON.parse(text.trim().split('\n')[0]) as Record<string, unknown>

void tap.test('a neighbour finds the camera and makes it theirs; who comes by a route is no neighbour', { skip: skipWithoutNamespaces(), timeout: 170_000 }, async (t) => {
  const cable = layCable(t)
  const folder = temporaryFolder(t)
  const keyFile = join(folder, 'key.pem')
  await runCli(t, ['keygen', '--out', keyFile])
  const ids = ['--product', 'wp-showroom', '--device', 'wd-shed']
  const camera = startCli(t, ['camera', '--local', '0.0.0.0:0', ...ids, '--key', keyFile, '--data', join(folder, 'camera'), '--json'], {}, cable.camera)
  const { url } = await camera.event(({ event }) => event === 'local')
  t.equal(new URL(String(url)).hostname, cable.cameraAddress)

  const byViewer = (args: string[]) => runCli(t, args, {}, cable.viewer)
  const discovered = await byViewer(['discover', '--seconds', '4', '--json'])
  t.equal(discovered.code, 0, discovered.err)
  const found = json(discovered.out) as { endpoint: string; fingerprint: string }
  t.match(found, { endpoint: String(url), productId: 'wp-showroom', deviceId: 'wd-shed', pairing: ['initial'] })
  const at = ['--endpoint', found.endpoint, ...ids, '--fingerprint', found.fingerprint]
  const modes = async (): Promise<unknown> => {
    const { out, err } = await byViewer(['coap', 'GET', '/iam/pairing', ...at, '--json'])
    t.equal(err, '')
    return (json(out).payload as { Modes: unknown }).Modes
  }

  cable.goFar()
  t.same(await modes(), ['PasswordInvite'], 'from behind a router')
  const refused = await byViewer(['pair', ...at, '--mode', 'local-initial', '--profile', join(folder, 'far.json')])
  t.match(refused.err, /ERR_DEVICE_FORBIDDEN/)
  cable.comeBack()
  t.same(await modes(), ['PasswordInvite', 'LocalInitial'], 'from the same network')
  const profile = join(folder, 'owner.json')
  const paired = await byViewer(['pair', ...at, '--mode', 'local-initial', '--profile', profile, '--json'])
  t.equal(paired.code, 0, paired.err)
  const seen = await byViewer(['view', '--profile', profile, '--seconds', '2', '--json'])
  t.equal(seen.code, 0, seen.err)

  cable.goFar()
  t.equal((await byViewer(['view', '--profile', profile, '--seconds', '1', '--json'])).code, 0, 'whoever is a user is one from anywhere')
  await byViewer(['coap', 'PUT', '/iam/settings/local-open-pairing', '--payload-cbor', 'true', '--profile', profile])
  const stranger = ['pair', ...at, '--mode', 'local-open', '--user', 'maria', '--profile', join(folder, 'maria.json')]
  t.match((await byViewer(stranger)).err, /ERR_DEVICE_FORBIDDEN/)
  cable.comeBack()
  t.match(json((await byViewer([...stranger, '--json'])).out), { username: 'maria', role: 'Guest' })
})
