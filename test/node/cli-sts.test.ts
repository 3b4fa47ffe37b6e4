// `lenskey serve` as token exchange and source of TURN credentials; a camera that takes the tokens. By the command line alone, and curl.
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import tap, { type Test } from 'tap'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { type Finished, runCli, startCli, temporaryFolder } from './support/cli.ts'

const run = promisify(execFile)
const ISSUER = 'https://cams.example.org/sts'
const OTHER_DEVICE = 'wd-backdoorcamera2'
tap.setTimeout(175_000)

/** An issuer of people's tokens, its key set in a file. */
async function makePeople(folder: string): Promise<{ jwks: string; rotate: () => Promise<void>; token: (claims: Record<string, unknown>, audience?: string) => Promise<string> }> {
  const jwks = join(folder, 'people.jwks.json')
  let keys = await generateKeyPair('RS256')
  let kid = 0
  const publish = async (): Promise<void> => {
    writeFileSync(`${jwks}.new`, JSON.stringify({ keys: [{ ...await exportJWK(keys.publicKey), kid: String(++kid) }] }))
    renameSync(`${jwks}.new`, jwks)
  }
  await publish()
  return {
    jwks,
    async rotate() {
      keys = await generateKeyPair('RS256')
      await publish()
    },
    token: (claims, audience = 'https://cams.example.org') => new SignJWT({ roles: ['camera-admin'], ...claims }).setProtectedHeader({ alg: 'RS256', kid: String(kid) })
      .setIssuer('https://id.test').setAudience(audience).setIssuedAt().setExpirationTime('5 min').sign(keys.privateKey),
  }
}

/** The request of the vendor's guide (protocol/edge-webrtc.md §6), field by field. */
async function curl(endpoint: string, subjectToken: string, device: string): Promise<Record<string, unknown>> {
  const fields = [
    'client_id=demo', 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange', `subject_token=${subjectToken}`,
    'subject_token_type=urn:ietf:params:oauth:token-type:access_token', `resource=nabto://device?productId=${productId}&deviceId=${device}`,
  ]
  const { stdout } = await run('curl', ['-s', '-X', 'POST', `${endpoint}/sts/token`, ...fields.flatMap((field) => ['--data-urlencode', field])])
  return JSON.parse(stdout) as Record<string, unknown>
}

function secretFile(folder: string, name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, `${text}\n`, { mode: 0o600 })
  return file
}

async function makeKey(t: Test, file: string): Promise<string> {
  const { out } = await runCli(t, ['keygen', '--out', file, '--json'])
  return (JSON.parse(out) as { fingerprint: string }).fingerprint
}

void tap.test('a token from our exchange opens the camera it was asked for, and no other', { timeout: 170_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const people = await makePeople(folder)
  const policy = join(folder, 'policy.json')
  writeFileSync(policy, JSON.stringify({ allow: [
    { subject: 'maria', devices: [`${productId}.${deviceId}`] }, { claim: 'groups', has: 'installers', clientId: 'demo', devices: [`${productId}.*`] },
  ] }))
  const signingKey = join(folder, 'sts-key.pem')
  const signingFingerprint = await makeKey(t, signingKey)
  const { endpoint, address, dataFolder, service, startCamera } = await setUpCamera(t, [
    '--sts-issuer', ISSUER, '--sts-subject-issuer', 'https://id.test', '--sts-subject-audience', 'https://cams.example.org', '--sts-subject-keys', people.jwks,
    '--sts-policy-file', policy, '--sts-key', signingKey, '--sts-client', 'demo', '--sts-claim', 'roles', '--sts-lifetime', '60',
  ])
  const oauth = ['--oauth-issuer', ISSUER, '--oauth-jwks', `${endpoint}/sts/.well-known/jwks.json`, '--oauth-role', 'camera-admin=Administrator']
  const first = await startCamera(['--data', join(folder, 'front'), ...oauth], '')
  const { link } = await first.event(({ event }) => event === 'pairing') as Record<string, string>
  const fingerprint = new URLSearchParams(new URL(link).hash.slice(1)).get('fp') ?? ''

  const otherKey = join(folder, 'other.pem')
  const otherFingerprint = await makeKey(t, otherKey)
  const otherAddress = [...address.slice(0, 5), OTHER_DEVICE]
  await runCli(t, ['register', ...otherAddress, '--public-key', `${otherKey}.pub`, '--admin-token-file', join(dataFolder, 'admin-token')])
  const second = startCli(t, ['camera', ...otherAddress, '--key', otherKey, '--loopback', '--json', '--data', join(folder, 'back'), ...oauth])
  await second.event(({ event, state }) => event === 'signaling' && state === 'CONNECTED')

  const answer = await curl(endpoint, await people.token({ sub: 'maria' }), deviceId)
  const { access_token: token, ...rest } = answer
  t.same(rest, { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 60 }, 'these members, and no others')
  t.match(decodeJwt(String(token)), { iss: ISSUER, sub: 'maria', aud: `nabto://device?productId=${productId}&deviceId=${deviceId}`, client_id: 'demo', roles: ['camera-admin'] })
  t.match(decodeProtectedHeader(String(token)), { alg: 'ES256', typ: 'at+jwt', kid: signingFingerprint.slice(0, 16) })

  const users = (at: string[], key: string, text: string): Promise<Finished> =>
    runCli(t, ['coap', 'GET', '/iam/users', ...at, '--fingerprint', key, '--loopback', '--json', '--oauth-token-file', secretFile(folder, 'device-token', text)])
  const opened = await users(address, fingerprint, String(token))
  t.equal(opened.code, 0, opened.err)
  t.match(JSON.parse(opened.out), { code: '2.05', payload: ['admin'] })
  const elsewhere = await users(otherAddress, otherFingerprint, String(token))
  t.match(elsewhere, { code: 1, err: /ERR_DEVICE_UNAUTHENTICATED.*the device answered 4\.01 Invalid token/ }, 'another camera of the same product and issuer')
  t.match((await users(address, fingerprint, await people.token({ sub: 'maria' }))).err, /4\.01/, 'the token it was made from opens no camera')
  t.match(await runCli(t, ['coap', 'GET', '/iam/users', ...address, '--fingerprint', fingerprint, '--loopback']), { code: 1, out: /^4\.03/ }, 'and nobody is no administrator')

  t.match(await curl(endpoint, await people.token({ sub: 'maria' }), OTHER_DEVICE), { error: 'invalid_target' }, 'not hers')
  t.match(await curl(endpoint, await people.token({ sub: 'eve' }), deviceId), { error: 'invalid_target' })
  t.match(await curl(endpoint, await people.token({ sub: 'maria' }, 'another service'), deviceId), { error: 'invalid_request' })

  // The same by `lenskey sts exchange`, of somebody who may have both, after a change of keys in the file.
  await people.rotate()
  const exchange = ['sts', 'exchange', ...otherAddress, '--client', 'demo', '--subject-token-file']
  const installer = await people.token({ sub: 'ivan', groups: 'installers' })
  const exchanged = await runCli(t, [...exchange, secretFile(folder, 'installer', installer)])
  t.equal(exchanged.code, 0, exchanged.err)
  t.match(exchanged.out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'alone on standard output')
  t.equal(exchanged.err, '')
  const there = await users(otherAddress, otherFingerprint, exchanged.out)
  t.equal(there.code, 0, there.err)
  t.match((await users(address, fingerprint, exchanged.out)).err, /4\.01/, 'nor the other way round')

  const piped = run(process.execPath, ['dist/cli.js', ...exchange, '-', '--json'])
  piped.child.stdin?.end(installer)
  t.match(JSON.parse((await piped).stdout), { accessToken: /^[\w-]+\.[\w-]+\.[\w-]+$/, expiresIn: 60 })
  for (const [args, words] of [
    [['sts', 'exchange', ...otherAddress], /ERR_STS_REFUSED: the token exchange refused: invalid_client/],
    [['sts', 'exchange', ...address.slice(0, 5), 'wd-nosuchcamera', '--client', 'x'], /invalid_client/],
    [[...exchange.slice(0, -1), '--token-endpoint', `${endpoint}/sts/nothing`], /ERR_STS_ANSWER: what answered with status 404/],
  ] as const) {
    const refused = await runCli(t, [...args], { LENSKEY_SUBJECT_TOKEN: installer })
    t.equal(refused.code, 1)
    t.match(refused.err, words)
    t.notOk(refused.err.includes(installer))
  }
  const { out, err } = await service.interrupt()
  for (const word of [installer, readFileSync(signingKey, 'utf8').split('\n')[1]]) t.notOk(`${out}${err}`.includes(word), 'no token and no key is printed')
})

void tap.test('TURN credentials', async (t) => {
  const folder = temporaryFolder(t)
  const turn = ['turn:127.0.0.1:3478?transport=udp', 'turns:127.0.0.1:5349']
  const { endpoint, address, keyFile, service } = await setUpCamera(t, [
    '--stun', 'stun:127.0.0.1:3478', ...turn.flatMap((url) => ['--turn', url]), '--turn-secret-file', secretFile(folder, 'turn', 'the secret of coturn'), '--turn-lifetime', '120',
  ])
  const ask = async (token?: string): Promise<{ iceServers: { urls: string[]; username: string; credential: string }[] }> => {
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const response = await fetch(`${endpoint}/v1/ice-servers`, { method: 'POST', headers, body: JSON.stringify({ productId, deviceId }) })
    return await response.json() as Awaited<ReturnType<typeof ask>>
  }
  t.same((await ask()).iceServers, [{ urls: ['stun:127.0.0.1:3478'] }], 'strangers get STUN alone')
  const token = (await runCli(t, ['token', ...address.slice(2), '--key', keyFile])).out.trim()
  const [, { urls, username, credential }] = (await ask(token)).iceServers
  t.same(urls, turn)
  t.equal(credential, createHmac('sha1', 'the secret of coturn').update(username).digest('base64'))
  const left = Number(username.split(':')[0]) - Date.now() / 1000
  t.ok(left > 100 && left <= 120, `good for ${left} s`)
  const { out, err } = await service.interrupt()
  t.notOk(`${out}${err}`.includes('the secret of coturn'))
})

void tap.test('serve says what is wrong with its settings before it listens', async (t) => {
  const folder = temporaryFolder(t)
  const people = await makePeople(folder)
  const bad = (name: string, text: string): string => secretFile(folder, name, text)
  const subject = ['--sts-subject-issuer', 'https://id.test', '--sts-subject-audience', 'a', '--sts-subject-keys', people.jwks]
  const named = [...subject, '--sts-issuer', ISSUER]
  const cases: [args: string[], code: number, words: RegExp][] = [
    [['--turn', 'turn:127.0.0.1:3478'], 2, /LENSKEY_TURN_SECRET is needed with --turn/],
    [['--turn-secret-file', bad('s', 'x')], 2, /--turn URL is needed/],
    [['--turn', 'http://127.0.0.1', '--turn-secret-file', bad('s', 'x')], 2, /--turn is turn:HOST:PORT/],
    [['--stun', '127.0.0.1:3478'], 2, /--stun is stun:HOST:PORT/],
    [['--turn', 'turn:127.0.0.1', '--turn-secret-file', bad('s', 'x'), '--turn-lifetime', '59'], 2, /--turn-lifetime is a whole number from 60 to 86400/],
    [['--turn', 'turn:127.0.0.1', '--turn-secret-file', join(folder, 'none')], 1, /ERR_FILE_NOT_FOUND/],
    [['--sts-devices', 'devices'], 2, /--sts-subject-issuer ISSUER is needed with --sts-devices/],
    [['--sts-key', 'x'], 2, /--sts-subject-issuer ISSUER is needed with --sts-key/],
    [subject.slice(0, 4), 2, /each --sts-subject-issuer goes with one/],
    [[...subject, '--sts-devices', 'devices'], 2, /--sts-issuer URL or --public-url URL is needed/],
    [[...subject, '--sts-issuer', 'http://cams.example.org/sts', '--sts-devices', 'devices'], 2, /--sts-issuer is an https: URL/],
    [named, 2, /--sts-devices CLAIM or --sts-policy-file FILE is needed/],
    [[...named, '--sts-devices', 'd', '--sts-policy-file', 'p'], 2, /choose one of/],
    [[...named, '--sts-devices', 'd', '--sts-lifetime', '9'], 2, /--sts-lifetime is a whole number from 10 to 86400/],
    [[...named, '--sts-policy-file', bad('text', 'allow all')], 1, /ERR_STS_POLICY.* is no JSON/],
    [[...named, '--sts-policy-file', bad('wide', '{"allow":[{"devices":["wp-a.*"]}]}')], 1, /ERR_STS_POLICY.*rule 1 needs subject or claim/],
    [[...named, '--sts-devices', 'd', '--sts-key', bad('k', 'no key')], 1, /ERR_KEY_FORMAT/],
    [[...named.slice(0, 5), 'http://id.test/jwks.json', ...named.slice(6), '--sts-devices', 'd'], 2, /--sts-subject-keys is an https: URL/],
    [[...named.slice(0, 5), bad('j', '{}'), ...named.slice(6), '--sts-devices', 'd'], 1, /ERR_JWKS_MALFORMED/],
    [[...named.slice(0, 5), join(folder, 'none'), ...named.slice(6), '--sts-devices', 'd'], 1, /ERR_JWKS_UNAVAILABLE/],
    [['--sts-subject-issuer', 'i', '--sts-subject-audience', 'nabto://device', '--sts-subject-keys', people.jwks, '--sts-issuer', ISSUER, '--sts-devices', 'd'], 1, /not for a device/],
  ]
  for (const [args, exit, words] of cases) {
    const { code, err } = await runCli(t, ['serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'data'), ...args])
    t.equal(code, exit, `${args.join(' ')}: ${err}`)
    t.match(err, words)
    t.notMatch(err, /\n\s+at /, 'no stack')
  }
})
