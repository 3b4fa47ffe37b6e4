// Two hosts on a cable of their own, in network namespaces without a way out: the camera is found, paired with, watched, and logged in to.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { deviceAudience } from '../../lib/access/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { type Finished, runCli, type Running, startCli, temporaryFolder } from './support/cli.ts'
import { layCable, skipWithoutNamespaces, type Uplink } from './support/namespaces.ts'
import { makeSigningKey, signToken } from './support/oidc-issuer.ts'
import { makeAuthority } from './support/tls-front.ts'

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

/** Serves the files of `folder` by https, on the far side of an uplink. @returns the port, and what ends it */
async function serveFiles(t: Test, folder: string, { host: [program, ...words], address }: Uplink): Promise<{ port: number; caFile: string; stop: () => Promise<void> }> {
  const authority = makeAuthority(folder)
  const { cert, key } = authority.issue('issuer', { names: `IP:${address}` })
  writeFileSync(join(folder, 'server.pem'), cert + key)
  const server = spawn(program, [...words, 'openssl', 's_server', '-accept', `${address}:0`, '-cert', 'server.pem', '-WWW'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<void>((resolve) => server.once('close', () => { resolve() }))
  const stop = (): Promise<void> => {
    server.kill('SIGKILL')
    return ended
  }
  t.teardown(stop)
  let said = ''
  const port = await new Promise<number>((resolve, reject) => {
    server.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const found = /ACCEPT \S+:(\d+)/.exec(said)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    void ended.then(() => { reject(new Error(`the server has ended: ${said}`)) })
  })
  return { port, caFile: authority.caFile, stop }
}

const skipLogin = skipWithoutNamespaces() || skipWithout('openssl')

void tap.test('a camera that was restarted after its way out was pulled knows whom the tokens of its issuer stand for', { skip: skipLogin, timeout: 170_000 }, async (t) => {
  const cable = layCable(t)
  const uplink = cable.layUplink()
  const folder = temporaryFolder(t)
  const [published, unpublished, elsewhere] = await Promise.all([makeSigningKey('published', 'ES256'), makeSigningKey('unpublished', 'ES256'), makeSigningKey('published', 'ES256')])
  const served = temporaryFolder(t)
  writeFileSync(join(served, 'jwks.json'), JSON.stringify({ keys: [published.jwk] }))
  const issuer = await serveFiles(t, served, uplink)
  const keyFile = join(folder, 'key.pem')
  const made = await runCli(t, ['keygen', '--out', keyFile, '--json'])
  const { fingerprint } = json(made.out) as { fingerprint: string }

  const [productId, deviceId, data] = ['wp-showroom', 'wd-shed', join(folder, 'camera')]
  const keptKeys = join(data, 'oauth-keys.json')
  const ids = ['--product', productId, '--device', deviceId]
  const start = async (): Promise<{ camera: Running; at: string[] }> => {
    const camera = startCli(t, [
      'camera', '--local', '0.0.0.0:0', ...ids, '--key', keyFile, '--data', data, '--json', '--oauth-issuer', 'https://id.test',
      '--oauth-jwks', `https://${uplink.address}:${issuer.port}/jwks.json`, '--oauth-role', 'chief=Administrator', '--oauth-role', 'watcher=Guest',
    ], { NODE_EXTRA_CA_CERTS: issuer.caFile }, cable.camera)
    const { url } = await camera.event(({ event }) => event === 'local')
    return { camera, at: ['--endpoint', `http://${cable.cameraAddress}:${new URL(String(url)).port}`, ...ids, '--fingerprint', fingerprint] }
  }
  const tokenFile = async (name: string, key: typeof published, role: string): Promise<string[]> => {
    const file = join(folder, name)
    writeFileSync(file, await signToken(key, { iss: 'https://id.test', aud: deviceAudience({ productId, deviceId }), roles: [role] }), { mode: 0o600 })
    return ['--oauth-token-file', file]
  }
  const letAge = (hours: number): void => {
    const kept = JSON.parse(readFileSync(keptKeys, 'utf8')) as { fetchedAtMs: number }
    writeFileSync(keptKeys, JSON.stringify({ ...kept, fetchedAtMs: kept.fetchedAtMs - hours * 3_600_000 }))
  }
  const [chief, watcher] = [await tokenFile('chief', published, 'chief'), await tokenFile('watcher', published, 'watcher')]
  const byViewer = (...args: string[]): Promise<Finished> => runCli(t, [...args, '--json'], {}, cable.viewer)

  const before = await start()
  const first = await byViewer('coap', 'GET', '/iam/users', ...before.at, ...chief)
  t.equal(first.code, 0, first.err)

  uplink.pull()
  await issuer.stop()
  t.equal((await before.camera.interrupt()).code, 0)
  // Longer than a set is good for while there is an issuer to ask for the next.
  letAge(23)
  const { camera, at } = await start()
  const watched = await byViewer('view', ...at, ...watcher, '--seconds', '1')
  t.equal(watched.code, 0, watched.err)
  t.match(watched.out, /"event":"summary".*"keyFrames":[1-9]/)
  const asked = await byViewer('coap', 'GET', '/iam/users', ...at, ...chief)
  t.equal(asked.code, 0, asked.err)
  t.match(json(asked.out), { code: '2.05', payload: ['admin'] })
  t.match(json((await byViewer('coap', 'GET', '/iam/users', ...at, ...watcher)).out), { code: '4.03' }, 'a Guest may not')

  const refused = { code: 1, err: /ERR_DEVICE_UNAUTHENTICATED.*the device answered 4\.01 Invalid token/ }
  t.match(await byViewer('view', ...at, ...await tokenFile('stranger', unpublished, 'chief'), '--seconds', '1'), refused, 'a key that the kept set does not have')
  t.match(await byViewer('view', ...at, ...await tokenFile('forger', elsewhere, 'chief'), '--seconds', '1'), refused, 'another key of the same name')
  const { payload } = json((await byViewer('coap', 'GET', '/audit', ...at, ...chief)).out) as { payload: { Action: string; Outcome: string; Detail?: string }[] }
  const reasons = payload.filter(({ Action, Outcome }) => Action === 'oauth' && Outcome === 'refused').map(({ Detail }) => Detail)
  t.same(reasons, ['ERR_JWKS_KEY_UNKNOWN', 'ERR_JWT_SIGNATURE'])

  // What has let them in was that file, and nothing else.
  t.equal((await camera.interrupt()).code, 0)
  letAge(2)
  const later = await start()
  t.match(await byViewer('coap', 'GET', '/iam/users', ...later.at, ...chief), refused, 'when the set is more than a day old')
})
