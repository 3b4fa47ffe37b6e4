import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import { pairNewClient } from '../../../lib/iam/pairing.ts'
import { type IamLimits } from '../../../lib/iam/index.ts'
import { type Assert, test } from '../../suite.ts'
import { A, B, C, D, testDevice, testState } from './support.ts'

// protocol/iam.md §4 and §9; §10, "Native API", "Pair procedure".

const empty = testState({ users: [] })

test('a user can be made and given everything', async (t) => {
  const { iam, storage } = await testDevice({ state: empty, notificationCategories: ['cat1', 'cat2'] })
  const made = await iam.users.create('john')
  t.ok(/^[A-Za-z0-9]{12}$/.test(made.serverConnectToken ?? ''), 'a token of its own')
  t.equal(made.role, undefined)
  await iam.users.update('john', {
    role: 'Admin', displayName: 'John', password: 'secret', serverConnectToken: 'sct', oauthSubject: 'sub', fcmToken: 'tok', fcmProjectId: 'proj',
    notificationCategories: ['cat1'],
  })
  await iam.users.setFingerprint('john', A.toUpperCase())
  await iam.users.addFingerprint('john', B, 'phone')
  const { users } = JSON.parse(decodeUtf8(await storage.read('iam_state.json') ?? new Uint8Array(0)).replace('Users', 'users')) as { users: unknown[] }
  t.same(users, [{
    Username: 'john', Fingerprints: [{ Fingerprint: A }, { Fingerprint: B, Name: 'phone' }], DisplayName: 'John', ServerConnectToken: 'sct',
    Password: 'secret', Role: 'Admin', Fcm: { Token: 'tok', ProjectId: 'proj' }, NotificationCategories: ['cat1'], OauthSubject: 'sub',
  }], 'and it is in the file at once')
  t.equal(iam.users.findByOauthSubject('sub')?.username, 'john')
  t.same(iam.serverConnectTokens, ['token', 'sct'])
  await iam.users.update('john', { username: 'johnny', displayName: null, password: null, fcmToken: null })
  t.same([iam.users.find('johnny')?.displayName, iam.users.find('johnny')?.password, iam.users.find('johnny')?.fcm], [undefined, undefined, { token: undefined, projectId: 'proj' }])
  await iam.users.removeFingerprint('johnny', A)
  await t.rejects(iam.users.removeFingerprint('johnny', A), 'ERR_IAM_INTERNAL')
  await iam.users.delete('johnny')
  t.same(iam.users.list(), [])
  await t.rejects(iam.users.delete('johnny'), 'ERR_IAM_NO_SUCH_USER')
})

test('what does not exist cannot be given', async (t) => {
  const { iam } = await testDevice({ state: empty, notificationCategories: ['cat1'] })
  await iam.users.create('john')
  await t.rejects(iam.users.update('john', { role: 'NoRole' }), 'ERR_IAM_NO_SUCH_ROLE')
  t.equal(iam.users.find('john')?.role, undefined)
  await t.rejects(iam.users.update('john', { notificationCategories: ['cat2'] }), 'ERR_IAM_NO_SUCH_CATEGORY')
  await t.rejects(iam.users.update('jane', { role: 'Admin' }), 'ERR_IAM_NO_SUCH_USER')
  await t.rejects(iam.users.create('john'), 'ERR_IAM_USER_EXISTS')
  await t.rejects(iam.users.update('john', { username: 'john' }), 'ERR_IAM_USER_EXISTS')
})

test('names have a small alphabet', async (t) => {
  const { iam } = await testDevice({ state: empty })
  for (const name of ['', 'Foobar', 'foo=bar', ' foobar', 'foobar\n', 'ö']) await t.rejects(iam.users.create(name), 'ERR_IAM_INVALID_ARGUMENT', JSON.stringify(name))
  await iam.users.create('a-z_0.9')
})

test('limits hold for every text, at the limit and one past it', async (t) => {
  const limits: Partial<IamLimits> = {
    username: 12, displayName: 12, passwordMin: 2, passwordMax: 12, serverConnectToken: 12, oauthSubject: 12, fcmToken: 12, fcmProjectId: 12, users: 1,
  }
  const { iam } = await testDevice({ state: testState({ users: [], openPairingPassword: undefined, friendlyName: undefined }), limits })
  await iam.users.create('john')
  await t.rejects(iam.users.create('john2'), 'ERR_IAM_INTERNAL', 'as many users as there may be')
  await t.rejects(iam.users.create('johnjohnjohnj'), 'ERR_IAM_INVALID_ARGUMENT', 'too long goes first')
  for (const name of ['oauthSubject', 'serverConnectToken', 'password', 'displayName', 'fcmToken', 'fcmProjectId'] as const) {
    await t.rejects(iam.users.update('john', { [name]: 'x'.repeat(13) }), 'ERR_IAM_INVALID_ARGUMENT', name)
    await iam.users.update('john', { [name]: 'x'.repeat(12) })
  }
  await t.rejects(iam.users.update('john', { password: 'x' }), 'ERR_IAM_INVALID_ARGUMENT')
  for (const bad of ['foobar', `${A}a`, 'g'.repeat(64)]) {
    await t.rejects(iam.users.setFingerprint('john', bad), 'ERR_IAM_INVALID_ARGUMENT')
    await t.rejects(iam.users.addFingerprint('john', bad), 'ERR_IAM_INVALID_ARGUMENT')
  }
  await t.rejects(iam.users.addFingerprint('john', A, 'x'.repeat(13)), 'ERR_IAM_INVALID_ARGUMENT')
  await iam.users.addFingerprint('john', A, 'x'.repeat(12))
  await t.rejects(iam.users.addFingerprint('john', A), 'ERR_IAM_USER_EXISTS')
})

test('modes of pairing can be switched', async (t) => {
  const { iam } = await testDevice({ state: empty })
  for (const mode of ['localOpenPairing', 'passwordOpenPairing', 'passwordInvitePairing', 'localInitialPairing'] as const) {
    await iam.setPairingMode(mode, false)
    t.equal(iam.state[mode], false)
  }
})

test('the pair procedure', async (t) => {
  const { iam } = await testDevice({ limits: { username: 10 }, state: testState({ users: testState().users.map((user) => ({ ...user })) }) })
  const pair = (name: string | undefined, fingerprint: string | undefined, state = iam.state): ReturnType<typeof pairNewClient> =>
    pairNewClient(state, name, fingerprint, undefined, iam.rules)
  const refused = (code: string, name: string | undefined, fingerprint: string | undefined): void => { t.throws(() => pair(name, fingerprint), code, name) }
  refused('ERR_IAM_INVALID_ARGUMENT', 'Foo bar', C)
  refused('ERR_IAM_INVALID_ARGUMENT', 'abcdefghijkl', C)
  refused('ERR_IAM_INVALID_ARGUMENT', undefined, C)
  refused('ERR_IAM_INVALID_ARGUMENT', 'newuser', undefined)
  refused('ERR_IAM_USER_EXISTS', 'newuser', A)
  t.equal(pair('testuser', A), iam.state, 'already paired')
  refused('ERR_IAM_USER_EXISTS', 'third', A)
  refused('ERR_IAM_USER_EXISTS', 'otheruser', C)
  t.throws(() => pair('newuser', C, { ...iam.state, openPairingRole: undefined }), 'ERR_IAM_INTERNAL')
  same(t, pair('newuser', D).users[2], 'newuser')
})

function same(t: Assert, user: { username: string; role?: string; password?: string; fingerprints: readonly object[] }, username: string): void {
  t.same([user.username, user.role, user.password, user.fingerprints.length], [username, 'Admin', undefined, 1])
}
