// The command line from outside: words, exit codes, files and their modes.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeProtectedHeader, importSPKI, jwtVerify } from 'jose'
import tap from 'tap'
import { runCli, startCli, temporaryFolder } from './support/cli.ts'

tap.setTimeout(150_000)

const names = ['keygen', 'token', 'serve', 'register', 'product', 'camera', 'pair', 'view', 'coap', 'iam', 'sct', 'sts', 'demo']
const ids = ['--product', 'wp-showroom', '--device', 'wd-frontdoorcamera1']
const modeOf = (file: string): number => statSync(file).mode & 0o777

void tap.test('help', async (t) => {
  const all = await runCli(t, ['--help'])
  t.equal(all.code, 0)
  for (const name of names) t.match(all.out, new RegExp(`^  ${name} `, 'm'), `lists ${name}`)
  for (const name of names) {
    const { code, out, err } = await runCli(t, [name, '--help'])
    t.equal(code, 0, `${name} --help is no failure`)
    t.equal(err, '', `${name} --help says nothing on standard error`)
    for (const part of [`lenskey ${name}`, 'Options', '--json', 'Examples', 'Exit codes']) t.ok(out.includes(part), `${name} --help has ${part}`)
  }
})

void tap.test('a wrong command line is exit code 2 and one line that says what is wrong', async (t) => {
  const cases: [args: string[], words: RegExp][] = [
    [[], /^$/],
    [['sing'], /no command "sing"/],
    [['keygen'], /--out FILE is needed/],
    [['keygen', '--loud'], /Unknown option '--loud'/],
    [['token', ...ids], /--key FILE is needed/],
    [['serve', '--data', 'x', '--listen', 'nowhere'], /--listen is HOST:PORT/],
    [['register', '--endpoint', 'http://127.0.0.1:1', ...ids, '--public-key', 'x'], /LENSKEY_ADMIN_TOKEN is needed/],
    [['product', '--endpoint', 'http://127.0.0.1:1', ...ids.slice(0, 2), '--jwt-issuer', 'x'], /go together/],
    [['product', '--endpoint', 'http://127.0.0.1:1', ...ids.slice(0, 2), '--open', 'maybe'], /--open is yes or no/],
    [['view', '--endpoint', 'http://127.0.0.1:1', ...ids], /LENSKEY_SHARED_SECRET/],
    [['view', '--endpoint', 'http://127.0.0.1:1', ...ids, '--seconds', '-1'], /seconds/],
    [['coap', 'LIST', '/iam/users', '--profile', 'x.json'], /METHOD is GET/],
    [['coap', 'GET', 'iam/users', '--profile', 'x.json'], /starts with a slash/],
    [['coap', 'GET'], /PATH is needed/],
    [['coap', 'GET', '/a', '/b'], /"\/b" is one word too many/],
    [['coap', 'GET', '/a', '--payload-cbor', '1', '--payload-text', 'x'], /choose one/],
    [['coap', 'PUT', '/a', '--payload-cbor', 'text'], /is no JSON/],
    [['iam', 'dance'], /TASK is users/],
    [['iam', 'invite'], /NAME is needed/],
    [['iam', 'explain', '--action', 'a', '--attr', 'x', '--data', 'x'], /KEY=VALUE/],
    [['sct', 'steal'], /TASK is list/],
    [['sct', 'create'], /USER is needed for create/],
    [['sct', 'list', 'maria'], /list takes no USER/],
    [['sts', 'swap'], /TASK is exchange/],
    [['sts', 'exchange', ...ids], /--endpoint URL or --token-endpoint URL is needed/],
    [['sts', 'exchange', ...ids, '--endpoint', 'http://192.0.2.1'], /by https/],
    [['sts', 'exchange', ...ids, '--endpoint', 'http://127.0.0.1:1'], /LENSKEY_SUBJECT_TOKEN is needed/],
    [['camera', '--endpoint', 'http://127.0.0.1:1', ...ids, '--key', 'x', '--engine', 'steam'], /--engine is/],
  ]
  for (const [args, words] of cases) {
    const { code, err } = await runCli(t, args, { LENSKEY_SHARED_SECRET: args.includes('--seconds') || args.includes('--engine') ? 'secret' : '' })
    t.equal(code, 2, args.join(' '))
    t.match(err, words)
    t.notMatch(err, /\n\s+at /, 'no stack')
  }
})

void tap.test('errors as JSON', async (t) => {
  const { code, out, err } = await runCli(t, ['token', ...ids, '--key', '/does/not/exist', '--json'])
  t.equal(code, 1)
  t.equal(out, '')
  t.match(JSON.parse(err), { error: { code: 'ERR_FILE_NOT_FOUND', message: /exist/ } })
})

void tap.test('keygen makes a key that only its owner can read, and never overwrites one', async (t) => {
  const file = join(temporaryFolder(t), 'key.pem')
  const first = await runCli(t, ['keygen', '--out', file, '--json'])
  t.equal(first.code, 0)
  t.equal(modeOf(file), 0o600)
  const made = JSON.parse(first.out) as { fingerprint: string; kid: string; publicKey: string }
  t.match(made.fingerprint, /^[0-9a-f]{64}$/)
  t.equal(made.kid, `device:${made.fingerprint}`)
  t.match(readFileSync(made.publicKey, 'utf8'), /BEGIN PUBLIC KEY/)

  const before = readFileSync(file, 'utf8')
  const second = await runCli(t, ['keygen', '--out', file])
  t.equal(second.code, 1)
  t.match(second.err, /^lenskey: ERR_FILE_EXISTS: /)
  t.equal(readFileSync(file, 'utf8'), before)
  t.notOk(`${first.out}${second.out}${second.err}`.includes(before.split('\n')[1]), 'the key is not printed')

  const elsewhere = await runCli(t, ['keygen', '--out', join(file, 'not-a-folder')])
  t.equal(elsewhere.code, 1)
  t.notMatch(elsewhere.err, /\n\s+at /)
})

void tap.test('token prints a token alone, which the public key verifies', async (t) => {
  const file = join(temporaryFolder(t), 'key.pem')
  await runCli(t, ['keygen', '--out', file])
  const { code, out, err } = await runCli(t, ['token', ...ids, '--key', file])
  t.equal(code, 0)
  t.equal(err, '')
  t.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const { payload } = await jwtVerify(out.trim(), await importSPKI(readFileSync(`${file}.pub`, 'utf8'), 'ES256'))
  t.match(payload, { scope: 'device:connect turn', resource: 'urn:nabto:webrtc:wp-showroom:wd-frontdoorcamera1' })
  t.match(decodeProtectedHeader(out.trim()).kid, /^device:[0-9a-f]{64}$/)

  const wrong = await runCli(t, ['token', ...ids, '--key', `${file}.pub`])
  t.equal(wrong.code, 1)
  t.match(wrong.err, /ERR_KEY_FORMAT/)
})

void tap.test('serve and register', async (t) => {
  const folder = temporaryFolder(t)
  const key = join(folder, 'key.pem')
  const data = join(folder, 'data')
  await runCli(t, ['keygen', '--out', key])
  const service = startCli(t, ['serve', '--listen', '127.0.0.1:0', '--data', data, '--json'])
  const { url } = await service.event(({ event }) => event === 'serving')
  const tokenFile = join(data, 'admin-token')
  t.equal(modeOf(tokenFile), 0o600)
  const registration = ['register', '--endpoint', String(url), ...ids, '--public-key', `${key}.pub`]

  const first = await runCli(t, [...registration, '--admin-token-file', tokenFile, '--json'])
  t.equal(first.code, 0, first.err)
  t.match(JSON.parse(first.out), { productId: 'wp-showroom', deviceId: 'wd-frontdoorcamera1', created: true })
  const again = await runCli(t, registration, { LENSKEY_ADMIN_TOKEN: readFileSync(tokenFile, 'utf8') })
  t.equal(again.code, 0, again.err)
  t.match(again.out, /already registered/)

  const productArgs = ['product', ...registration.slice(1, 5), '--json']
  const secret = { LENSKEY_ADMIN_TOKEN: readFileSync(tokenFile, 'utf8') }
  t.match(JSON.parse((await runCli(t, productArgs, secret)).out), { anonymousClients: true, serverConnectTokens: false, clientJwt: null })
  t.match(JSON.parse((await runCli(t, [...productArgs, '--open', 'no', '--sct', 'yes'], secret)).out), { anonymousClients: false, serverConnectTokens: true })

  const stranger = await runCli(t, registration, { LENSKEY_ADMIN_TOKEN: 'not-the-admin-token-at-all' })
  t.equal(stranger.code, 1)
  t.match(stranger.err, /^lenskey: ERR_ADMIN_REFUSED: /)
  t.notMatch(stranger.err, /not-the-admin-token/, 'the token is not repeated')

  const taken = await runCli(t, ['serve', '--listen', new URL(String(url)).host, '--data', join(folder, 'other')])
  t.equal(taken.code, 1)
  t.match(taken.err, /ERR_ADDRESS_IN_USE.*\n.*--listen/)

  const { code, out, err } = await service.interrupt()
  t.equal(code, 0, 'Ctrl-C is an orderly end')
  const token = readFileSync(tokenFile, 'utf8').trim()
  t.notOk(`${out}${err}`.includes(token), 'the admin token is not printed')
  const unreachable = await runCli(t, [...registration, '--admin-token-file', tokenFile])
  t.equal(unreachable.code, 1)
  t.match(unreachable.err, /ERR_ADMIN_UNREACHABLE/)
})

void tap.test('a key file that others can read is remarked on', async (t) => {
  const folder = temporaryFolder(t)
  const key = join(folder, 'key.pem')
  await runCli(t, ['keygen', '--out', key])
  const open = join(folder, 'open.pem')
  writeFileSync(open, readFileSync(key), { mode: 0o644 })
  t.ok(existsSync(open))
  const { code, err } = await runCli(t, ['token', ...ids, '--key', open])
  t.equal(code, 0)
  t.match(err, /chmod 600/)
})
