// Tokens that a command prints: what counts as one, every way to fail, and a camera reached with them.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import tap from 'tap'
import { runTokenCommand } from '../../runtimes/node/cli/token-command.ts'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { type Finished, runCli, temporaryFolder } from './support/cli.ts'
import { keyServer } from './support/key-server.ts'

tap.setTimeout(170_000)

const never = new AbortController().signal
const run = (command: string, timeoutMs?: number): Promise<string> => runTokenCommand(command, 'access-token-command', never, timeoutMs)
const print = (script: string): string => `"${process.execPath}" -e "process.stdout.write(${script})"`

/** Whether a process is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // One that has ended and that nobody has asked about is there, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && isAlive(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 50))
  return !isAlive(pid)
}

void tap.test('the first line of standard output is the token', async (t) => {
  t.equal(await run('echo token'), 'token')
  t.equal(await run('printf token'), 'token', 'without an end of line')
  t.equal(await run(String.raw`printf ' token \r\nmore\n'`), 'token', 'and nothing around it')
  t.equal(await run('echo chatter >&2; echo $((1 + 1))'), '2', 'of a shell')
  t.equal(await run(print("'a'.repeat(16384)")), 'a'.repeat(16_384), 'at the bound')
  t.equal((await run(print("'a\\n' + 'b'.repeat(1e6)"))).length, 1, 'what comes after it does not count')
})

void tap.test('what fails says how, and nothing of what was printed', async (t) => {
  const cases: [string, RegExp][] = [
    ['echo hunter2; exit 3', /^the command of --access-token-command failed: it ended with code 3$/],
    ['hunter2-is-no-command', /failed: it ended with code 127$/],
    ['true', /printed nothing on its first line$/],
    ['echo; echo hunter2', /printed nothing on its first line$/],
    ['echo hunter2 and more', /printed something that is no token/],
    [String.raw`printf 'hunter2\001'`, /printed something that is no token/],
    [String.raw`printf 'hunter2\303\244'`, /printed something that is no token/],
    [print("'hunter2'.repeat(2341).slice(0, 16385)"), /gave a line of more than 16384 bytes$/],
    ['echo hunter2; kill -9 $$', /was ended by SIGKILL$/],
  ]
  for (const [command, words] of cases) {
    const error = await run(command).then(() => undefined, (thrown: unknown) => thrown as Error & { code: string })
    t.equal(error?.code, 'ERR_TOKEN_COMMAND', command)
    t.match(error?.message, words)
    t.notMatch(`${error?.message}${String(error?.cause)}`, /hunter2/)
  }
})

void tap.test('a command that hangs is ended with all that it has started', async (t) => {
  const file = join(temporaryFolder(t), 'pid')
  // The shell waits for a child of its own, which holds the pipe.
  await t.rejects(run(`sh -c 'echo $$ > "${file}"; sleep 60; true'; true`, 1500), { code: 'ERR_TOKEN_COMMAND', message: /gave no token within 1\.5 s/ })
  t.ok(await gone(Number(readFileSync(file, 'utf8'))), 'the child of the shell')
  const stop = new AbortController()
  const waiting = runTokenCommand('sleep 60', 'oauth-token-command', stop.signal)
  stop.abort()
  await t.rejects(waiting, { code: 'ERR_TOKEN_COMMAND', message: /--oauth-token-command was stopped/ })
  await t.rejects(runTokenCommand('sleep 60', 'oauth-token-command', stop.signal), { message: /was stopped/ })
})

void tap.test('a camera reached with tokens of commands', { timeout: 165_000 }, async (t) => {
  const { address, dataFolder, startCamera } = await setUpCamera(t)
  const folder = temporaryFolder(t)
  const server = await keyServer(t)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  server.keys = [{ ...await exportJWK(publicKey), kid: 'one' }]
  const device = `nabto://device?productId=${productId}&deviceId=${deviceId}`
  const sign = (audience: string, claims: Record<string, unknown>, life = '5 min'): Promise<string> => new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'one' }).setIssuer('https://id.test').setAudience(audience).setSubject('maria').setIssuedAt().setExpirationTime(life).sign(privateKey)
  const ruled = await runCli(t, [
    'product', 'set', ...address.slice(0, 4), '--admin-token-file', join(dataFolder, 'admin-token'), '--open', 'no',
    '--jwt-issuer', 'https://id.test', '--jwt-audience', 'rendezvous', '--jwt-keys', server.url, '--jwt-claim', 'devices',
  ])
  t.equal(ruled.code, 0, ruled.err)
  const camera = await startCamera(['--data', join(folder, 'camera'), '--oauth-issuer', 'https://id.test', '--oauth-jwks', server.url, '--oauth-role', 'camera-admin=Administrator'], '')
  const { link } = await camera.event(({ event }) => event === 'pairing') as Record<string, string>
  const fingerprint = new URLSearchParams(new URL(link).hash.slice(1)).get('fp') ?? ''

  const command = (name: string, token: string): { command: string; runs: () => number } => {
    const [file, log] = [join(folder, name), join(folder, `${name}.log`)]
    writeFileSync(file, `${token}\n`, { mode: 0o600 })
    return { command: `echo run >> "${log}"; cat "${file}"`, runs: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0) }
  }
  const way = command('way', await sign('rendezvous', { devices: `${productId}.${deviceId}` }))
  const admin = command('admin', await sign(device, { roles: ['camera-admin'] }))
  const through = ['--access-token-command', way.command]
  const at = [...address, '--loopback', '--fingerprint', fingerprint]

  const asked = await runCli(t, ['coap', 'GET', '/iam/users', ...at, ...through, '--oauth-token-command', admin.command, '--json'])
  t.equal(asked.code, 0, asked.err)
  t.match(JSON.parse(asked.out), { code: '2.05', payload: ['admin'] })
  t.equal(admin.runs(), 1)
  t.equal(way.runs(), 1)
  const short = command('short', await sign(device, { roles: ['camera-admin'] }, '10 s'))
  const watched = await runCli(t, ['view', ...at, ...through, '--oauth-token-command', short.command, '--seconds', '8'])
  t.equal(watched.code, 0, watched.err)
  t.match(watched.out, /first frame/)
  t.equal(way.runs(), 2, 'once for each connect')
  t.ok(short.runs() >= 2, 'and again before the token expires')

  const profile = join(folder, 'owner.json')
  const paired = await runCli(t, ['pair', link, '--profile', profile, '--loopback', ...through])
  t.equal(paired.code, 0, paired.err)
  const me = async (...more: string[]): Promise<Record<string, unknown>> => JSON.parse((await runCli(t, ['coap', 'GET', '/iam/me', '--profile', profile, '--loopback', '--json', ...through, ...more])).out) as Record<string, unknown>
  t.match(await me(), { code: '2.05', payload: { Username: 'admin' } })
  t.match(await me('--oauth-token-command', admin.command), { code: '4.04' }, 'the token in the place of the user of the profile: nobody in the table')

  // What fails: by its own code, and without the token.
  const printed = readFileSync(join(folder, 'way'), 'utf8').trim()
  t.equal(decodeJwt(printed).aud, 'rendezvous')
  const refused = async (args: string[], words: RegExp, code = 1): Promise<Finished> => {
    const finished = await runCli(t, ['view', ...at, '--seconds', '0', ...args])
    t.equal(finished.code, code)
    t.match(finished.err, words)
    t.notOk(finished.err.includes(printed), 'the token is not printed')
    return finished
  }
  await refused(['--access-token-command', `cat "${join(folder, 'way')}"; exit 9`], /ERR_TOKEN_COMMAND: the command of --access-token-command failed: it ended with code 9\n {2}run it by hand/)
  await refused([...through, '--oauth-token-command', `cat "${join(folder, 'way')}"; false`], /ERR_TOKEN_COMMAND: the command of --oauth-token-command failed: it ended with code 1/)
  await refused([...through, '--access-token-file', join(folder, 'way')], /choose one of --access-token-command and --access-token-file/, 2)
  appendFileSync(join(folder, 'way'), 'what the login says after it\n')
  t.equal((await runCli(t, ['view', ...at, ...through, '--oauth-token-command', admin.command, '--seconds', '0'])).code, 0)
})
