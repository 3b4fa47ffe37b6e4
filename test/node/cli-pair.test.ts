// A camera and its owner by the command line alone: pairing, requests, users, invitations, and what is refused.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { setUpCamera } from './support/camera-set-up.ts'
import { runCli, temporaryFolder } from './support/cli.ts'

tap.setTimeout(175_000)

interface UserRow {
  username: string
  role?: string
  fingerprints: { name?: string }[]
}

void tap.test('pair by the printed link, ask, invite, watch, remove', { timeout: 170_000 }, async (t) => {
  const { startCamera } = await setUpCamera(t)
  const folder = temporaryFolder(t)
  const data = join(folder, 'camera')
  const camera = await startCamera(['--data', data], '')
  const { link, code, username } = await camera.event(({ event }) => event === 'pairing') as Record<string, string>
  t.equal(username, 'admin')
  t.match(code, /^\S{4} \S{4} \S{4}$/)
  t.match(new URL(link).hash, /^#p=wp-showroom&d=wd-frontdoorcamera1&u=admin&pwd=\w+&sct=\w+&fp=[0-9a-f]{64}$/, 'all of it behind the #')

  const owner = join(folder, 'owner.json')
  const paired = await runCli(t, ['pair', link, '--profile', owner, '--loopback', '--json'])
  t.equal(paired.code, 0, paired.err)
  t.match(JSON.parse(paired.out), { username: 'admin', role: 'Administrator', profile: owner })
  t.equal(statSync(owner).mode & 0o777, 0o600)
  const { password } = JSON.parse(readFileSync(owner, 'utf8')) as { password: string }
  t.notOk(link.includes(password), 'the password is another one than in the link')
  t.notOk(paired.out.includes(password))
  await camera.event(({ event }) => event === 'paired')

  const late = await runCli(t, ['pair', link, '--profile', join(folder, 'late.json'), '--loopback'])
  t.equal(late.code, 1, 'the link is used up')
  t.match(late.err, /ERR_PASSWORD_WRONG/)
  const again = await runCli(t, ['pair', link, '--profile', owner, '--loopback'])
  t.match(again.err, /ERR_FILE_EXISTS/, 'a profile is not overwritten')

  const as = ['--profile', owner, '--loopback', '--json']
  const me = await runCli(t, ['coap', 'GET', '/iam/me', ...as])
  t.equal(me.code, 0, me.err)
  t.match(JSON.parse(me.out), { code: '2.05', contentFormat: 60, payload: { Username: 'admin', Role: 'Administrator' } })
  const words = await runCli(t, ['coap', 'GET', '/no/such/thing', '--profile', owner, '--loopback'])
  t.equal(words.code, 1, 'an answer that is no 2.xx')
  t.match(words.out, /^4\.04\nResource not found\n$/)
  t.match(words.err, /^verified: the camera holds the key [0-9a-f]{64}\n$/)
  t.equal((await runCli(t, ['coap', 'PUT', '/iam/settings/password-open-pairing', '--payload-cbor', 'true', ...as])).code, 0)

  const invited = await runCli(t, ['iam', 'invite', 'maria', '--role', 'Guest', ...as])
  t.equal(invited.code, 0, invited.err)
  const invitation = (JSON.parse(invited.out) as { link: string }).link
  const guest = join(folder, 'maria.json')
  t.match(JSON.parse((await runCli(t, ['pair', invitation, '--profile', guest, '--loopback', '--json'])).out), { username: 'maria', role: 'Guest' })
  const watched = await runCli(t, ['view', '--profile', guest, '--loopback', '--seconds', '0', '--json'])
  t.equal(watched.code, 0, watched.err)
  t.ok(watched.out.indexOf('"verified"') < watched.out.indexOf('"frame"'), 'no frame counts before the camera has proved itself')
  const forbidden = await runCli(t, ['iam', 'users', '--profile', guest, '--loopback'])
  t.equal(forbidden.code, 1)
  t.match(forbidden.err, /ERR_DEVICE_FORBIDDEN: the device answered 4\.03 Access Denied/)

  const { users } = JSON.parse((await runCli(t, ['iam', 'users', ...as])).out) as { users: UserRow[] }
  t.match(users, [{ username: 'admin', role: 'Administrator', fingerprints: [{ name: 'lenskey pair' }] }, { username: 'maria', role: 'Guest' }])
  t.same((JSON.parse((await runCli(t, ['iam', 'roles', ...as])).out) as { roles: string[] }).roles, ['Administrator', 'Standard', 'Guest', 'Unpaired'])

  const question = ['iam', 'explain', '--user', 'maria', '--action', 'IAM:SetUserPassword', '--attr', 'IAM:Username=maria']
  const there = await runCli(t, [...question, ...as])
  t.equal(there.code, 0, there.err)
  const here = await runCli(t, [...question, '--data', data, '--json'])
  t.same(JSON.parse(here.out), JSON.parse(there.out), 'the camera and its files say the same')
  t.match(JSON.parse(here.out), { allowed: true, statement: { policy: 'OwnPassword', index: 0 } })
  const refused = await runCli(t, ['iam', 'explain', '--user', 'maria', '--action', 'IAM:CreateUser', '--data', data])
  t.equal(refused.code, 1)
  t.match(refused.out, /^refused\nNo statement of role Guest names IAM:CreateUser\.\n$/)

  const newPassword = join(folder, 'new-password')
  writeFileSync(newPassword, 'lamp rain stone\n', { mode: 0o600 })
  t.equal((await runCli(t, ['iam', 'password', 'maria', '--new-password-file', newPassword, ...as])).code, 0)
  const { endpoint, productId, deviceId } = JSON.parse(readFileSync(guest, 'utf8')) as Record<string, string>
  const byHand = ['coap', 'GET', '/iam/me', '--endpoint', endpoint, '--product', productId, '--device', deviceId, '--loopback']
  const byPassword = await runCli(t, [...byHand, '--user', 'maria', '--password-file', newPassword])
  t.equal(byPassword.code, 0, byPassword.err)
  t.match(byPassword.err, /^verified by the password; the camera holds the key [0-9a-f]{64}\n$/, 'without a fingerprint to expect')
  const impostor = await runCli(t, [...byHand, '--user', 'maria', '--password-file', newPassword, '--fingerprint', 'ab'.repeat(32)])
  t.equal(impostor.code, 1)
  t.match(impostor.err, /ERR_CHALLENGE_DEVICE/)
  t.equal((await runCli(t, [...byHand])).code, 2, 'nothing to tell the camera by')

  t.equal((await runCli(t, ['iam', 'remove', 'maria', ...as])).code, 0)
  const removed = await runCli(t, ['view', '--profile', guest, '--loopback', '--seconds', '0'], { LENSKEY_PASSWORD: '' })
  t.equal(removed.code, 1)
  t.match(removed.err, /ERR_PASSWORD_WRONG/)

  const { err, out } = await camera.interrupt()
  for (const secret of [password, 'lamp rain stone']) t.notOk(`${err}${out}`.includes(secret), 'passwords that people have are not printed')
  const restarted = await startCamera(['--data', data], '')
  t.equal((await runCli(t, ['coap', 'GET', '/iam/me', ...as])).code, 0, 'users survive a restart')
  t.notOk(restarted.events().some(({ event }) => event === 'pairing'), 'and no link is printed any more')
})
