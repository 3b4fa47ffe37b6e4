// Pairing with the password that is open to all who know it, by the command line.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { setUpCamera } from './support/camera-set-up.ts'
import { runCli, temporaryFolder } from './support/cli.ts'

tap.setTimeout(175_000)

void tap.test('pairing under a name of one\'s own', { timeout: 170_000 }, async (t) => {
  const { address, startCamera } = await setUpCamera(t)
  const folder = temporaryFolder(t)
  const data = join(folder, 'camera')
  const first = await startCamera(['--data', data], '')
  const { link } = await first.event(({ event }) => event === 'pairing') as { link: string }
  const owner = join(folder, 'owner.json')
  await runCli(t, ['pair', link, '--profile', owner, '--loopback'])
  const as = ['--profile', owner, '--loopback', '--json']
  await runCli(t, ['coap', 'PUT', '/iam/settings/password-open-pairing', '--payload-cbor', 'true', ...as])
  const settings = JSON.parse((await runCli(t, ['coap', 'GET', '/iam/settings', ...as])).out) as { payload: { PasswordOpenPassword: string } }
  const fingerprint = (JSON.parse(readFileSync(owner, 'utf8')) as { fingerprint: string }).fingerprint

  const mine = join(folder, 'mine.json')
  const open = ['pair', ...address, '--mode', 'password-open', '--user', 'me', '--fingerprint', fingerprint, '--loopback', '--json']
  const paired = await runCli(t, [...open, '--profile', mine], { LENSKEY_PASSWORD: settings.payload.PasswordOpenPassword })
  t.equal(paired.code, 0, paired.err)
  t.match(JSON.parse(paired.out), { username: 'me', role: 'Guest' })
  const local = await runCli(t, ['pair', ...address, '--mode', 'local-open', '--user', 'other', '--fingerprint', fingerprint, '--loopback', '--profile', join(folder, 'local.json')])
  t.equal(local.code, 1)
  t.match(local.err, /ERR_DEVICE_(NOT_FOUND|FORBIDDEN)/, 'not local')
  const nobody = await runCli(t, [...open, '--profile', join(folder, 'none.json')])
  t.equal(nobody.code, 2)
  t.match(nobody.err, /LENSKEY_PASSWORD/)
})
