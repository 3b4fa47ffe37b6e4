import { encodeCbor } from '../../../lib/cbor/index.ts'
import { type CoapMethod, coapSegments } from '../../../lib/coap/index.ts'
import { sha256, startSpake2 } from '../../../lib/crypto/index.ts'
import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { attachPasswordLogin } from '../../../lib/iam/index.ts'
import { authenticatePassword } from '../../../lib/iam/password-client.ts'
import { test } from '../../suite.ts'
import { A, C, D, random, type TestConnection, type TestDevice, testDevice, testState } from './support.ts'

// protocol/iam.md §6.5, Appendix D-2, D-14; §10, "Password Open", "Session password", "Password Invite" from the login on.

interface LoginDevice extends TestDevice {
  logIn: (connection: TestConnection, username: string, password: string) => Promise<void>
}

async function loginDevice(state = testState()): Promise<LoginDevice> {
  const device = await testDevice({ state })
  attachPasswordLogin(device.iam, device.router, { clock: device.clock, random })
  return {
    ...device,
    logIn: (connection, username, password) => authenticatePassword(
      {
        request: (method: CoapMethod, path: string, { payload = new Uint8Array(0), contentFormat }: { payload?: Uint8Array; contentFormat?: number } = {}) =>
          device.router.handle({ method, segments: coapSegments(path), payload, contentFormat }, connection),
      },
      username, password, { client: connection.clientFingerprint ?? C, device: D }, { random },
    ),
  }
}

test('pairing with the open password', async (t) => {
  const { iam, connect, logIn } = await loginDevice()
  const connection = connect(C)
  await logIn(connection, '', 'password')
  t.equal((await connection.request('POST', '/iam/pairing/password-open', { Username: 'newuser', FingerprintName: 'newphone' })).code, '2.01')
  t.same(iam.users.find('newuser')?.fingerprints, [{ fingerprint: C, name: 'newphone' }])
})

test('pairing by invitation, then another login on the same connection', async (t) => {
  const { iam, connect, logIn } = await loginDevice()
  const connection = connect(C)
  await logIn(connection, 'testuser', 'password2')
  t.equal((await connection.request('POST', '/iam/pairing/password-invite', null)).code, '2.01')
  t.equal(iam.users.find('testuser')?.password, undefined)
  await logIn(connection, 'otheruser', 'password3')
  t.equal((await connection.request('POST', '/iam/pairing/password-invite', null)).code, '4.09')
})

test('a session by password, and its attempts in the audit', async (t) => {
  const { iam, connect, logIn } = await loginDevice()
  const connection = connect(C)
  await t.rejects(logIn(connection, 'testuser', 'password3'), 'ERR_PASSWORD_WRONG')
  await t.rejects(logIn(connection, 'nobody', 'password3'), 'ERR_PASSWORD_WRONG')
  t.ok(!iam.check(connection, 'Admin:foo'))
  await logIn(connection, 'testuser', 'password2')
  t.ok(iam.check(connection, 'Admin:foo'))
  t.same(iam.audit.events().filter(({ kind }) => kind === 'authentication').map(({ user, outcome, action, connection: id }) => [user, outcome, action, id]), [
    ['testuser', 'refused', 'password', '1'], ['nobody', 'refused', 'password', '1'], ['testuser', 'allowed', 'password', '1'],
  ])
})

test('the first round of a login as somebody else makes nobody somebody else', async (t) => {
  const { iam, connect, logIn } = await loginDevice()
  const connection = connect(C)
  await logIn(connection, '', 'password')
  const share = startSpake2('A', sha256(encodeUtf8('guess')), { random }).share
  t.equal((await connection.requestRaw('POST', '/p2p/pwd-auth/1', encodeCbor({ Username: 'testuser', T: share }), 60)).code, '2.01')
  t.equal(iam.identityOf(connection).login?.username, '')
  t.ok(!iam.check(connection, 'Admin:foo'))
  t.equal((await connection.requestRaw('POST', '/p2p/pwd-auth/2', new Uint8Array(32), 42)).code, '4.01')
  t.equal(iam.identityOf(connection).login?.username, '', 'what was proved before stays')
})

test('a password that has changed between the rounds is worth nothing', async (t) => {
  const { iam, connect, logIn } = await loginDevice()
  const connection = connect(C)
  const pending = logIn(connection, 'testuser', 'password2')
  await iam.users.update('testuser', { password: 'another' })
  await t.rejects(pending, 'ERR_PASSWORD_WRONG')
  t.ok(!iam.check(connection, 'Admin:foo'))
})

test('without both fingerprints, and after its end, a connection cannot log in', async (t) => {
  const { iam, connect, logIn } = await loginDevice()
  const nameless = connect(undefined)
  await t.rejects(logIn(nameless, 'testuser', 'password2'), 'ERR_PASSWORD_FAILED')
  const halfway = connect(C)
  halfway.deviceFingerprint = undefined
  await t.rejects(logIn(halfway, 'testuser', 'password2'), 'ERR_PASSWORD_FAILED')
  const ended = connect(C)
  iam.end(ended)
  await t.rejects(logIn(ended, 'testuser', 'password2'), 'ERR_PASSWORD_FAILED')
  const owner = connect(A)
  await logIn(owner, 'otheruser', 'password3')
  t.equal(iam.identityOf(owner).user?.username, 'testuser', 'a key goes before a password')
})
