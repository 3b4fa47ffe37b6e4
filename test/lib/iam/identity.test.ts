import { type Iam, newUser } from '../../../lib/iam/index.ts'
import { test } from '../../suite.ts'
import { A, B, C, CONFIGURATION, D, testDevice, testState } from './support.ts'

// protocol/iam.md §1.3, §6.5, §8; §10, "Session authorization", "Fingerprints", "Authorization requests".

test('a key makes a user of whoever holds it', async (t) => {
  const { iam, connect } = await testDevice()
  t.ok(iam.check(connect(A), 'Admin:foo'))
  t.ok(iam.check(connect(B), 'Admin:foo'))
  t.ok(!iam.check(connect(undefined), 'Admin:foo'))
  t.ok(iam.check(connect(undefined), 'Test:bar'), 'a virtual connection may do without')
  t.ok(!iam.check(connect(undefined, { isVirtual: false }), 'Test:bar'), 'any other may not')
  t.ok(!iam.check(connect(C), 'Nobody:decides'))
})

test('a connection can do nothing before it begins and after it ends', async (t) => {
  const { iam, connect } = await testDevice()
  const connection = connect(A)
  t.ok(iam.check(connection, 'Admin:foo'))
  iam.end(connection)
  t.ok(!iam.check(connection, 'Admin:foo'))
  t.same(iam.identityOf(connection), { source: 'unpaired' })
  t.ok(!iam.check({ id: 'x', clientFingerprint: A, isLocal: false, isVirtual: true }, 'Admin:foo'))
})

test('a session can be authorized by the program, until it ends', async (t) => {
  const { iam, connect } = await testDevice()
  const connection = connect(undefined)
  t.ok(!iam.check(connection, 'Admin:foo'))
  t.throws(() => { iam.authorize(connection, 'nobody') }, 'ERR_IAM_NO_SUCH_USER')
  iam.authorize(connection, 'testuser')
  t.ok(iam.check(connection, 'Admin:foo'))
  iam.authorize(connection, 'otheruser')
  t.equal(iam.identityOf(connection).user?.username, 'testuser', 'the first wins')
  connection.logIn('otheruser')
  t.equal(iam.identityOf(connection).user?.username, 'otheruser', 'a password goes before it')
  iam.end(connection)
  iam.begin(connection)
  t.ok(!iam.check(connection, 'Admin:foo'), 'nothing is left for the next')
})

test('a role can be granted to those who are nobody', async (t) => {
  const { iam, connect } = await testDevice()
  const [guest, user] = [connect(C), connect(A)]
  for (const connection of [guest, user]) iam.grantRole(connection, 'Everything')
  t.ok(iam.check(guest, 'Audit:Read'))
  t.equal(iam.identityOf(guest).source, 'granted')
  t.ok(!iam.check(user, 'Audit:Read'), 'a user has its own')
})

test('a user without a role has none, not that of the unpaired', async (t) => {
  const { iam, connect } = await testDevice({ state: testState({ users: [newUser('new', { fingerprints: [{ fingerprint: A }] }), newUser('lost', { role: 'Gone', fingerprints: [{ fingerprint: B }] })] }) })
  t.ok(!iam.check(connect(A), 'Test:bar'))
  t.ok(!iam.check(connect(B), 'Test:bar'))
  t.ok(iam.check(connect(C), 'Test:bar'))
})

test('attributes: what the caller says goes before what IAM knows', async (t) => {
  const conditions = (key: string, value: string): object => ({ conditions: [{ operator: 'StringEquals', key, values: [value] }] })
  const statements = [['local', 'Connection:IsLocal', 'true'], ['remote', 'Connection:IsLocal', 'false'], ['own', 'IAM:Username', '${Connection:Username}']]
    .map(([action, key, value]) => ({ effect: 'Allow' as const, actions: [action], conditions: [], ...conditions(key, value) }))
  const configuration = { policies: [{ id: 'p', statements }], roles: [{ id: 'Admin', policies: ['p'] }, { id: 'Unpaired', policies: ['p'] }], unpairedRole: 'Unpaired' }
  const { iam, connect } = await testDevice({ configuration })
  const [near, far] = [connect(A, { isLocal: true }), connect(C)]
  t.ok(iam.check(near, 'local') && !iam.check(near, 'remote') && iam.check(far, 'remote') && !iam.check(far, 'local'))
  t.ok(iam.check(far, 'local', { 'Connection:IsLocal': 'true' }))
  t.ok(iam.check(near, 'own', { 'IAM:Username': 'testuser' }))
  t.ok(!iam.check(near, 'own', { 'IAM:Username': 'otheruser' }))
  t.ok(!iam.check(far, 'own', { 'IAM:Username': '' }), 'the unpaired own nothing')
})

/** What happens to live connections, and whether their listeners hear of it. */
async function revocation(change: (iam: Iam) => Promise<unknown>): Promise<Record<'key' | 'password' | 'session' | 'other' | 'open', string>> {
  const { iam, connect } = await testDevice()
  const [key, password, session, other, open] = [connect(A), connect(C), connect(undefined), connect(undefined), connect(D)]
  password.logIn('testuser')
  iam.authorize(session, 'testuser')
  iam.authorize(other, 'otheruser')
  open.logIn('')
  const found = { key, password, session, other, open }
  const heard = new Set<string>()
  for (const [name, connection] of Object.entries(found)) iam.watch(connection, () => heard.add(name))
  await change(iam)
  const describe = (name: keyof typeof found): string => {
    const { user, role, login } = iam.identityOf(found[name])
    return `${user?.username ?? '-'} ${role ?? '-'}${name === 'open' && login !== undefined ? ' open' : ''}${heard.has(name) ? ' heard' : ''}`
  }
  return { key: describe('key'), password: describe('password'), session: describe('session'), other: describe('other'), open: describe('open') }
}

const unpaired = '- TestRole heard'
const kept = { key: 'testuser Admin', password: 'testuser Admin', session: 'testuser Admin', other: 'otheruser Admin', open: '- TestRole open' }

test('changes reach live connections at once', async (t) => {
  const gone = { ...kept, key: unpaired, password: unpaired, session: unpaired }
  t.same(await revocation(() => Promise.resolve()), kept, 'nothing')
  t.same(await revocation((iam) => iam.users.delete('testuser')), gone, 'deleted')
  t.same(await revocation(async (iam) => {
    await iam.users.delete('testuser')
    await iam.users.create('testuser', { role: 'Admin', password: 'password2' })
  }), gone, 'deleted and made again: another user of that name')
  const renamed = 'renamed Admin heard'
  t.same(await revocation((iam) => iam.users.update('testuser', { username: 'renamed' })), { ...kept, key: renamed, password: renamed, session: renamed })
  t.same(await revocation((iam) => iam.users.removeFingerprint('testuser', A)), { ...kept, key: unpaired }, 'a key lost')
  for (const password of ['password9', null]) t.same(await revocation((iam) => iam.users.update('testuser', { password })), { ...kept, password: unpaired }, 'a password changed')
  t.same(await revocation((iam) => iam.users.update('testuser', { oauthSubject: null })), kept)
  const demoted = 'testuser TestRole heard'
  t.same(await revocation((iam) => iam.users.update('testuser', { role: 'TestRole' })), { ...kept, key: demoted, password: demoted, session: demoted })
  t.same(await revocation((iam) => iam.setPairingMode('passwordOpenPairing', false)), { ...kept, open: unpaired })
  t.same(await revocation((iam) => iam.users.update('otheruser', { displayName: 'x' })), kept)
})

test('who changes the own password stays, and nobody else', async (t) => {
  const { iam, connect } = await testDevice()
  const [mine, stolen] = [connect(C), connect(D)]
  for (const connection of [mine, stolen]) connection.logIn('testuser')
  t.equal((await mine.request('PUT', '/iam/users/testuser/password', 'a new one')).code, '2.04')
  t.ok(iam.check(mine, 'Admin:foo'))
  t.ok(!iam.check(stolen, 'Admin:foo'))
})

test('a login ends with a later one by another name, and with its password', async (t) => {
  const { iam, connect } = await testDevice()
  const connection = connect(C)
  connection.logIn('')
  connection.logIn('testuser')
  connection.logIn('otheruser')
  t.equal(iam.identityOf(connection).user?.username, 'otheruser')
  await iam.users.update('otheruser', { password: null })
  t.equal(iam.identityOf(connection).source, 'unpaired')
  await iam.users.update('otheruser', { password: 'password3' })
  t.equal(iam.identityOf(connection).source, 'unpaired', 'the same password again does not bring it back')
})

test('what a password login is checked against', async (t) => {
  const { iam } = await testDevice({ state: testState({ passwordInvitePairing: false }) })
  t.equal(iam.passwords.find('')?.password, 'password')
  t.equal(iam.passwords.find('testuser')?.password, 'password2')
  t.equal(iam.passwords.find('nobody'), undefined)
  await iam.setPairingMode('passwordOpenPairing', false)
  t.equal(iam.passwords.find(''), undefined)
  await iam.users.update('testuser', { password: null })
  t.equal(iam.passwords.find('testuser'), undefined)
})

test('a right is looked at when it is its turn, not when it was asked for', async (t) => {
  const { iam, connect } = await testDevice({ configuration: CONFIGURATION })
  const [admin, removed] = [connect(A), connect(undefined)]
  iam.authorize(removed, 'otheruser')
  const [first, second] = await Promise.all([admin.request('DELETE', '/iam/users/otheruser'), removed.request('POST', '/iam/users', { Username: 'back' })])
  t.same([first.code, second.code], ['2.02', '4.03'])
  t.equal(iam.users.find('back'), undefined)
})

test('a connection that gets its key late is cut off all the same', async (t) => {
  const { iam, connect } = await testDevice()
  const connection = connect(undefined)
  let heard = 0
  iam.watch(connection, () => heard++)
  connection.clientFingerprint = A
  t.ok(iam.check(connection, 'Admin:foo'))
  await iam.users.delete('testuser')
  t.equal(heard, 1)
})

test('listeners can stop, and end with their connection', async (t) => {
  const { iam, connect } = await testDevice()
  const connection = connect(A)
  let heard = 0
  const stop = iam.watch(connection, () => heard++)
  await iam.users.update('testuser', { role: 'TestRole' })
  t.equal(heard, 1)
  stop()
  await iam.users.update('testuser', { role: 'Admin' })
  t.equal(heard, 1)
  iam.watch(connection, () => heard++)
  let ended = 0
  iam.onEnd(connection, () => ended++)
  iam.end(connection)
  iam.end(connection)
  iam.onEnd(connection, () => ended++)
  await iam.users.delete('testuser')
  t.same([heard, ended], [1, 2])
})
