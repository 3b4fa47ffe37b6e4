// The ways through to a camera where its product asks for a token, by the command line alone: server connect tokens and tokens of an issuer.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import tap, { type Test } from 'tap'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { type Finished, runCli, temporaryFolder } from './support/cli.ts'
import { keyServer } from './support/key-server.ts'

tap.setTimeout(175_000)

function secretFile(folder: string, name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, `${text}\n`, { mode: 0o600 })
  return file
}

/** What a camera has changed it tells the service by itself, in the next moment. */
async function soon(t: Test, run: () => Promise<Finished>, done: (finished: Finished) => boolean): Promise<Finished> {
  for (let tries = 0; ; tries++) {
    const finished = await run()
    if (done(finished) || tries === 8) {
      t.ok(done(finished), `${finished.out}${finished.err}`)
      return finished
    }
  }
}

void tap.test('a product that asks for server connect tokens: pair, watch, ask, and manage the tokens', { timeout: 170_000 }, async (t) => {
  const { address, dataFolder, startCamera } = await setUpCamera(t)
  const folder = temporaryFolder(t)
  const adminToken = ['--admin-token-file', join(dataFolder, 'admin-token')]
  const ruled = await runCli(t, ['product', ...address.slice(0, 4), ...adminToken, '--open', 'no', '--sct', 'yes', '--json'])
  t.match(JSON.parse(ruled.out), { anonymousClients: false, serverConnectTokens: true })
  const camera = await startCamera(['--data', join(folder, 'camera')], '')
  const { link } = await camera.event(({ event }) => event === 'pairing') as Record<string, string>
  const members = new URLSearchParams(new URL(link).hash.slice(1))

  const owner = join(folder, 'owner.json')
  await soon(t, () => runCli(t, ['pair', link, '--profile', owner, '--loopback']), ({ code }) => code === 0)
  const profile = JSON.parse(readFileSync(owner, 'utf8')) as Record<string, string>
  t.equal(profile.serverConnectToken, members.get('sct'), 'the token of the link got through, and stays with who paired')
  const as = ['--profile', owner, '--loopback', '--json']
  t.equal((await runCli(t, ['view', ...as, '--seconds', '0'])).code, 0, 'a picture')

  const invited = await runCli(t, ['iam', 'invite', 'maria', ...as])
  t.equal(invited.code, 0, invited.err)
  const listed = JSON.parse((await runCli(t, ['sct', 'list', ...as])).out) as { openPairing: string; users: { username: string; token: string }[] }
  t.match(listed.users, [{ username: 'admin', token: profile.serverConnectToken }, { username: 'maria', token: /^[A-Za-z0-9]{12}$/ }])
  t.match(listed.openPairing, /^[A-Za-z0-9]{12}$/)
  t.match((await runCli(t, ['sct', 'list', '--profile', owner, '--loopback'])).out, new RegExp(`^\\(open pairing\\)  \\w{12}\nadmin +${profile.serverConnectToken}\nmaria +\\w{12}\n$`))

  // Without a profile: the token from a file, and whoever is there must then prove to be the camera.
  const password = secretFile(folder, 'password', new URLSearchParams(new URL((JSON.parse(invited.out) as { link: string }).link).hash.slice(1)).get('pwd') ?? '')
  const asMaria = ['coap', 'GET', '/iam/me', ...address, '--loopback', '--user', 'maria', '--password-file', password, '--fingerprint', profile.fingerprint]
  const askWith = (token: string): Promise<Finished> => runCli(t, [...asMaria, '--access-token-file', secretFile(folder, 'token', token)])
  const [{ token: first }] = listed.users.slice(1)
  t.match(await soon(t, () => askWith(first), ({ code }) => code === 0), { out: /"Username": "maria"/ })
  const stranger = await runCli(t, asMaria)
  t.equal(stranger.code, 1, 'without a token')
  t.match(stranger.err, /ERR_SIGNALING_HTTP: clients of this product need an access token/)
  t.match((await askWith('guessedToken')).err, /ERR_SIGNALING_HTTP: this token does not let clients through/)

  const made = await runCli(t, ['sct', 'create', 'maria', '--profile', owner, '--loopback'])
  t.equal(made.code, 0, made.err)
  t.match(made.out, /^[A-Za-z0-9]{12}\n$/, 'alone on standard output')
  const second = made.out.trim()
  t.notOk(made.err.includes(second))
  await soon(t, () => askWith(second), ({ code }) => code === 0)
  t.match((await askWith(first)).err, /ERR_SIGNALING_HTTP/, 'the one before opens nothing any more')
  t.equal((await runCli(t, ['sct', 'add', 'maria', ...as, '--token-file', secretFile(folder, 'own', 'of-my-own')])).code, 0)
  await soon(t, () => askWith('of-my-own'), ({ code }) => code === 0)
  t.equal((await runCli(t, ['sct', 'remove', 'maria', ...as])).code, 0)
  await soon(t, () => askWith('of-my-own'), ({ err }) => err.includes('ERR_SIGNALING_HTTP'))
  for (const token of ['x'.repeat(65), 'two words', 'like.a.jwt']) {
    t.match(await runCli(t, ['sct', 'add', 'maria', ...as, '--token-file', secretFile(folder, 'own', token)]), { code: 1, err: /ERR_ARGUMENT/ }, token)
  }
  t.match(await runCli(t, ['sct', 'create', 'nobody', ...as]), { code: 1, err: /ERR_DEVICE_NOT_FOUND/ })
  t.equal((await runCli(t, ['view', ...as, '--seconds', '0'])).code, 0, 'the owner is still let through')
})

void tap.test('a product that asks for tokens of an issuer', { timeout: 120_000 }, async (t) => {
  const { address, dataFolder, startCamera } = await setUpCamera(t)
  const folder = temporaryFolder(t)
  const server = await keyServer(t)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  server.keys = [{ ...await exportJWK(publicKey), kid: 'one' }]
  const ruled = await runCli(t, [
    'product', ...address.slice(0, 4), '--admin-token-file', join(dataFolder, 'admin-token'), '--open', 'no', '--json',
    '--jwt-issuer', 'https://id.test', '--jwt-audience', 'rendezvous', '--jwt-keys', server.url, '--jwt-claim', 'devices',
  ])
  t.equal(ruled.code, 0, ruled.err)
  const camera = await startCamera(['--require-authorized'], '')
  const token = async (devices: string, life = '5 min', audience = 'rendezvous'): Promise<string> => secretFile(folder, 'jwt', await new SignJWT({ devices })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' }).setIssuer('https://id.test').setAudience(audience).setSubject('maria').setIssuedAt().setExpirationTime(life).sign(privateKey))
  const view = async (file: string): Promise<Finished> => runCli(t, ['view', ...address, '--loopback', '--seconds', '0', '--access-token-file', file])

  const watched = await view(await token(`wp-other.wd-other ${productId}.${deviceId}`))
  t.equal(watched.code, 0, watched.err)
  t.match(watched.out, /first frame/)
  const fromEnvironment = await runCli(t, ['view', ...address, '--loopback', '--seconds', '0'], { LENSKEY_ACCESS_TOKEN: readFileSync(await token(`${productId}.${deviceId}`), 'utf8') })
  t.equal(fromEnvironment.code, 0, fromEnvironment.err)

  const seen = camera.events().length
  const device = `${productId}.${deviceId}`
  for (const [devices, life, audience, words] of [
    [`${productId}.wd-other`, '5 min', 'rendezvous', /does not list the device/],
    [device, '2 min ago', 'rendezvous', /expired/],
    [device, '5 min', `nabto://device?productId=${productId}&deviceId=${deviceId}`, /"aud"/],
  ] as const) {
    const file = await token(devices, life, audience)
    const refused = await view(file)
    t.equal(refused.code, 1)
    t.match(refused.err, /ERR_SIGNALING_HTTP/)
    t.match(refused.err, words)
    t.notOk(refused.err.includes(readFileSync(file, 'utf8').trim()), 'the token is not printed')
  }
  t.equal(camera.events().length, seen, 'the camera hears of none of them')
})
