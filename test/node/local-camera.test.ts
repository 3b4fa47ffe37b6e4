// A camera with a door of its own, by the command line: found, paired with and watched without any service; and beside one.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { runCli, type Running, startCli, temporaryFolder } from './support/cli.ts'
import { startMeddler } from './support/hostile/meddler.ts'

tap.setTimeout(400_000)

const productId = 'wp-showroom'

interface LocalCamera {
  running: Running
  /** Of its own door. */
  url: string
  deviceId: string
  pairing: Record<string, unknown> | undefined
  /** `--endpoint`, `--product`, `--device` of its own door. */
  local: string[]
}

async function startCamera(t: Test, folder: string, deviceId: string, extra: string[] = []): Promise<LocalCamera> {
  const keyFile = join(folder, `${deviceId}.pem`)
  await runCli(t, ['keygen', '--out', keyFile])
  const running = startCli(t, ['camera', '--local', '127.0.0.1:0', '--product', productId, '--device', deviceId, '--key', keyFile, '--data', join(folder, deviceId), '--loopback', '--json', ...extra])
  const url = String((await running.event(({ event }) => event === 'local')).url)
  return { running, url, deviceId, pairing: running.events().find(({ event }) => event === 'pairing'), local: ['--endpoint', url, '--product', productId, '--device', deviceId] }
}

const json = (text: string): Record<string, unknown> => JSON.parse(text.trim().split('\n')[0]) as Record<string, unknown>
const modesOf = async (t: Test, at: string[], fingerprint: string): Promise<unknown> => {
  const { out, err } = await runCli(t, ['coap', 'GET', '/iam/pairing', ...at, '--fingerprint', fingerprint, '--loopback', '--json'])
  t.equal(err, '')
  return (json(out).payload as { Modes: unknown }).Modes
}
const fingerprintIn = (link: unknown): string => /fp=([0-9a-f]{64})/.exec(String(link))?.[1] ?? ''

void tap.test('no service anywhere: discover, pair as the first, watch, and the same camera after a restart', { timeout: 150_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const camera = await startCamera(t, folder, 'wd-alone')
  const fingerprint = fingerprintIn(camera.pairing?.link)
  t.ok(String(camera.pairing?.link).startsWith(`${camera.url}/#p=`), 'the link leads to the camera itself')
  const find = async (): Promise<Record<string, unknown> | undefined> => {
    const { out } = await runCli(t, ['discover', '--interface', '127.0.0.1', '--seconds', '3', '--json'])
    return out.split('\n').filter((line) => line !== '').map(json).find((found) => found.fingerprint === fingerprint)
  }
  t.match(await find(), { event: 'camera', endpoint: camera.url, productId, deviceId: 'wd-alone', pairing: ['initial'], url: `${camera.url}/?product=${productId}&device=wd-alone#fp=${fingerprint}` })

  const profile = join(folder, 'owner.json')
  const wrong = await runCli(t, ['pair', ...camera.local, '--mode', 'local-initial', '--fingerprint', 'ab'.repeat(32), '--profile', profile, '--loopback'])
  t.equal(wrong.code, 1)
  t.match(wrong.err, /ERR_CHALLENGE_DEVICE/)
  const paired = await runCli(t, ['pair', ...camera.local, '--mode', 'local-initial', '--profile', profile, '--loopback', '--json'])
  t.equal(paired.code, 0, paired.err)
  t.match(json(paired.out), { username: 'admin', role: 'Administrator', fingerprint })
  await camera.running.event(({ event }) => event === 'paired')
  const late = await runCli(t, ['pair', ...camera.local, '--mode', 'local-initial', '--profile', join(folder, 'late.json'), '--loopback'])
  t.match(late.err, /ERR_DEVICE_CONFLICT/, 'the second learns that there is an owner')
  const used = await runCli(t, ['pair', String(camera.pairing?.link), '--profile', join(folder, 'used.json'), '--loopback'])
  t.match(used.err, /ERR_PASSWORD_WRONG/, 'and the printed link is used up')
  const seen = await runCli(t, ['view', '--profile', profile, '--seconds', '2', '--loopback', '--json'])
  t.equal(seen.code, 0, seen.err)
  t.match(await find(), { pairing: [] }, 'it does not offer what is taken')

  await camera.running.interrupt()
  const again = startCli(t, ['camera', '--local', new URL(camera.url).host, '--product', productId, '--device', 'wd-alone', '--key', join(folder, 'wd-alone.pem'), '--data', join(folder, 'wd-alone'), '--loopback', '--local-pairing', 'open', '--json'])
  t.match(await again.event(({ event }) => event === 'local'), { url: camera.url })
  const back = await runCli(t, ['view', '--profile', profile, '--seconds', '1', '--loopback', '--json'])
  t.equal(back.code, 0, back.err)
  t.same(await modesOf(t, camera.local, fingerprint), ['PasswordInvite'], 'a start changes nothing for a camera that has an owner')
  await runCli(t, ['coap', 'PUT', '/iam/settings/local-open-pairing', '--payload-cbor', 'true', '--profile', profile, '--loopback'])
  t.same(await modesOf(t, camera.local, fingerprint), ['LocalOpen', 'PasswordInvite'], 'the owner does')
  const guest = await runCli(t, ['pair', ...camera.local, '--mode', 'local-open', '--user', 'maria', '--fingerprint', fingerprint, '--profile', join(folder, 'maria.json'), '--loopback', '--json'])
  t.equal(guest.code, 0, guest.err)
  t.match(json(guest.out), { username: 'maria', role: 'Guest' })
})

void tap.test('two doors, one camera: local at its own and not at the service, whatever the service says', { timeout: 150_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const service = startCli(t, ['serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'service'), '--json'])
  const serviceUrl = String((await service.event(({ event }) => event === 'serving')).url)
  const lying = await startMeddler(t, serviceUrl, (frame) => [{ ...frame, local: true, isLocal: true, near: true, authorized: undefined, address: '127.0.0.1' } as typeof frame])
  const deviceId = 'wd-both'
  await runCli(t, ['keygen', '--out', join(folder, 'first.pem')])
  const keyFile = join(folder, `${deviceId}.pem`)
  await runCli(t, ['keygen', '--out', keyFile])
  const registered = await runCli(t, ['register', '--endpoint', serviceUrl, '--product', productId, '--device', deviceId, '--public-key', `${keyFile}.pub`, '--admin-token-file', join(folder, 'service', 'admin-token')])
  t.equal(registered.code, 0, registered.err)
  const camera = startCli(t, ['camera', '--endpoint', lying, '--local', '127.0.0.1:0', '--local-pairing', 'open', '--max-viewers', '1', '--product', productId, '--device', deviceId, '--key', keyFile, '--data', join(folder, deviceId), '--loopback', '--no-announce', '--json'])
  await camera.event(({ event, state }) => event === 'signaling' && state === 'CONNECTED')
  const { url } = await camera.event(({ event }) => event === 'local')
  const fingerprint = fingerprintIn((await camera.event(({ event }) => event === 'pairing')).link)
  const at = (endpoint: string): string[] => ['--endpoint', endpoint, '--product', productId, '--device', deviceId]
  t.same(await modesOf(t, at(String(url)), fingerprint), ['LocalOpen', 'PasswordInvite', 'LocalInitial'])
  for (const endpoint of [serviceUrl, lying]) {
    t.same(await modesOf(t, at(endpoint), fingerprint), ['PasswordInvite'], 'through the service nobody is local')
    for (const mode of [['local-initial'], ['local-open', '--user', 'maria']]) {
      const refused = await runCli(t, ['pair', ...at(endpoint), '--mode', ...mode, '--fingerprint', fingerprint, '--profile', join(folder, 'no.json'), '--loopback'])
      t.match(refused.err, /ERR_DEVICE_FORBIDDEN/, mode[0])
    }
  }
  const profile = join(folder, 'owner.json')
  const paired = await runCli(t, ['pair', ...at(String(url)), '--mode', 'local-initial', '--fingerprint', fingerprint, '--profile', profile, '--loopback'])
  t.equal(paired.code, 0, paired.err)
  const remote = join(folder, 'remote.json')
  writeFileSync(remote, JSON.stringify({ ...JSON.parse(readFileSync(profile, 'utf8')) as object, endpoint: serviceUrl }), { mode: 0o600 })

  const viewersFrom = (start: number, wanted: number): Promise<unknown> =>
    camera.event(() => camera.events().slice(start).some(({ event, viewers }) => event === 'viewers' && viewers === wanted))
  let start = camera.events().length
  const watching = startCli(t, ['view', '--profile', profile, '--seconds', '60', '--loopback', '--json'])
  await viewersFrom(start, 1)
  const second = await runCli(t, ['view', '--profile', remote, '--seconds', '1', '--loopback', '--json'])
  t.match(second.err, /NO_MORE_CHANNELS/, 'both doors count against --max-viewers')
  start = camera.events().length
  await watching.interrupt()
  await viewersFrom(start, 0)
  const through = await runCli(t, ['view', '--profile', remote, '--seconds', '1', '--loopback', '--json'])
  t.equal(through.code, 0, `one camera with the same users at both doors: ${through.err}`)
})

void tap.test('two cameras on one machine are two, and options that make no door are refused', { timeout: 100_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const [one, two] = [await startCamera(t, folder, 'wd-one', ['--no-announce', '--local-pairing', 'off']), await startCamera(t, folder, 'wd-two', ['--no-announce'])]
  const [first, second] = [one, two].map(({ pairing }) => fingerprintIn(pairing?.link))
  t.not(first, second)
  t.same(await modesOf(t, one.local, first), ['PasswordInvite'], 'off is off')
  t.same(await modesOf(t, two.local, second), ['PasswordInvite', 'LocalInitial'])
  const lost = await runCli(t, ['pair', '--endpoint', one.url, '--product', productId, '--device', 'wd-two', '--mode', 'local-initial', '--profile', join(folder, 'x.json'), '--loopback'])
  t.match(lost.err, /ERR_SIGNALING_DEVICE_ID_NOT_FOUND/)
  const key = ['--product', productId, '--device', 'wd-x', '--key', join(folder, 'wd-one.pem'), '--data', join(folder, 'x')]
  const neither = await runCli(t, ['camera', ...key])
  t.same([neither.code, /--endpoint URL is needed, or --local/.test(neither.err)], [2, true])
  const demanding = await runCli(t, ['camera', '--local', '127.0.0.1:0', '--require-authorized', ...key])
  t.same([demanding.code, /no service at it/.test(demanding.err)], [2, true])
  const taken = await runCli(t, ['camera', '--local', new URL(one.url).host, ...key])
  t.match(taken.err, /ERR_ADDRESS_IN_USE/)
})
