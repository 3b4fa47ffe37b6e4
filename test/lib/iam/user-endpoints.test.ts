import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { CborTag, type CborValue, encodeCbor } from '../../../lib/cbor/index.ts'
import type { CoapMethod } from '../../../lib/coap/index.ts'
import { newUser } from '../../../lib/iam/index.ts'
import { type Assert, test } from '../../suite.ts'
import { A, B, C, type TestConnection, testDevice, testState } from './support.ts'

// protocol/iam.md §3.1, §3.5, §3.6; §10, "GET user", "Remove by null", "Password length", "Fingerprint endpoints".

type Case = [method: CoapMethod, path: string, body: CborValue, code: string, text?: string]

async function expect(t: Assert, connection: TestConnection, cases: readonly Case[]): Promise<void> {
  for (const [method, path, body, code, text] of cases) {
    const answer = await connection.request(method, path, body)
    t.equal(`${answer.code} ${answer.text}`, `${code} ${text ?? answer.text}`, `${method} ${path} ${JSON.stringify(body)}`)
  }
}

const everything = testState({ users: testState().users.map((user) => ({ ...user, role: 'Everything' })) })

test('GET user shows all but the password', async (t) => {
  const { connect } = await testDevice()
  const { code, contentFormat, value } = await connect(A).request('GET', '/iam/users/testuser')
  t.equal(code, '2.05')
  t.equal(contentFormat, 60)
  t.equal(JSON.stringify(value), JSON.stringify({
    Username: 'testuser', DisplayName: 'Display Name', Role: 'Admin',
    Fingerprints: [{ Fingerprint: A, Name: 'myphone' }, { Fingerprint: B, Name: 'yourphone' }], Fingerprint: B, NotificationCategories: [],
    OauthSubject: 'oauth_subject',
  }))
  const whole = newUser('x', { role: 'Admin', fingerprints: [{ fingerprint: A }], serverConnectToken: 's', fcm: { token: 't' }, notificationCategories: ['c'] })
  const second = await testDevice({ state: testState({ users: [whole] }), notificationCategories: ['c'] })
  t.equal(JSON.stringify((await second.connect(A).request('GET', '/iam/me')).value), JSON.stringify({
    Username: 'x', Role: 'Admin', Fingerprints: [{ Fingerprint: A }], Fingerprint: A, Sct: 's', Fcm: { Token: 't' }, NotificationCategories: ['c'],
  }))
})

test('users and roles are listed', async (t) => {
  const { connect } = await testDevice()
  const admin = connect(A)
  t.same((await admin.request('GET', '/iam/users')).value, ['testuser', 'otheruser'])
  t.same((await admin.request('GET', '/iam/roles')).value, ['TestRole', 'Admin', 'Everything'])
  await expect(t, connect(C), [
    ['GET', '/iam/users', undefined, '4.03', 'Access Denied'], ['GET', '/iam/roles', undefined, '4.03', 'Access Denied'],
    ['GET', '/iam/users/testuser', undefined, '4.03', 'Access Denied'], ['GET', '/iam/me', undefined, '4.04', 'Not paired'],
    ['GET', '/iam/nothing', undefined, '4.04', 'Resource not found'], ['POST', '/iam/me', undefined, '4.04', 'Resource not found'],
  ])
})

test('POST users makes a user with a token and nothing else', async (t) => {
  const { iam, connect } = await testDevice({ limits: { users: 3 } })
  const admin = connect(A)
  const path = '/iam/users'
  await expect(t, connect(C), [['POST', path, { Username: 'bob' }, '4.03', 'Access Denied'], ['POST', path, undefined, '4.03', 'Access Denied']])
  await expect(t, admin, [
    ['POST', path, undefined, '4.00', 'Bad request'], ['POST', path, {}, '4.00', 'Username missing'], ['POST', path, { Username: null }, '4.00'],
    ['POST', path, { Username: 7 }, '4.00', 'Username missing'], ['POST', path, 'bob', '4.00', 'Username missing'],
    ['POST', path, { Username: encodeUtf8('bob') }, '4.00', 'Username missing'], ['POST', path, { Username: 'Bob' }, '4.00', 'Invalid username'],
    ['POST', path, { Username: 'b'.repeat(65) }, '4.00', 'Username too long'], ['POST', path, { Username: 'testuser' }, '4.09', 'Conflict'],
  ])
  const { code, value } = await admin.request('POST', path, { Username: 'bob', Role: 'Admin', Password: 'ignored' })
  t.equal(code, '2.01')
  t.equal(Object.keys(value as object).join(), 'Username,Fingerprints,Sct,NotificationCategories')
  t.equal(iam.users.find('bob')?.role, undefined)
  await expect(t, admin, [['POST', path, { Username: 'carl' }, '5.00', 'Insufficient resources']])
})

test('DELETE user', async (t) => {
  const { iam, connect } = await testDevice()
  await expect(t, connect(C), [['DELETE', '/iam/users/otheruser', undefined, '4.03', 'Access Denied']])
  await expect(t, connect(A), [['DELETE', '/iam/users/nobody', undefined, '4.04', 'No Such User'], ['DELETE', '/iam/users/otheruser', undefined, '2.02', '']])
  t.equal(iam.users.find('otheruser'), undefined)
})

test('a body that is wrong is told before a right that is missing, where the protocol says so', async (t) => {
  const { connect } = await testDevice({ state: everything })
  const stranger = connect(C)
  const of = (property: string): string => `/iam/users/testuser/${property}`
  await expect(t, stranger, [
    ['PUT', of('role'), 7, '4.00', 'Role missing'], ['PUT', of('role'), 'Admin', '4.03'],
    ['PUT', of('username'), 7, '4.00', 'Bad request'], ['PUT', of('username'), null, '4.00', 'Username missing'], ['PUT', of('username'), 'x', '4.03'],
    ['PUT', of('display-name'), 7, '4.00', 'Invalid Display Name'], ['PUT', of('display-name'), 'x', '4.03'],
    ['PUT', of('password'), 7, '4.00', 'Password missing'], ['PUT', of('password'), 'long enough', '4.03'],
    ['PUT', of('sct'), null, '4.00', 'Invalid SCT'], ['PUT', of('sct'), 'x', '4.03'],
    ['PUT', of('oauth-subject'), 7, '4.00', 'Invalid Oauth Subject'], ['PUT', of('oauth-subject'), 'x', '4.03'],
    ['PUT', of('fingerprint'), 7, '4.00', 'Fingerprint missing'], ['PUT', of('fingerprint'), C, '4.03'],
    ['PUT', of('notification-categories'), 'x', '4.00', 'Bad request'], ['PUT', of('notification-categories'), [], '4.03'],
    ['PUT', of(`fingerprints/${C}`), undefined, '4.00', 'Bad request'], ['PUT', of('fingerprints/short'), null, '4.03'],
    ['PUT', of('fcm'), undefined, '4.00', 'Bad request'], ['PUT', of('fcm'), 7, '4.03'],
    ['DELETE', of(`fingerprints/${A}`), undefined, '4.03'],
    ['PUT', '/iam/settings/nothing', undefined, '4.03'], ['PUT', '/iam/device-info/nothing', undefined, '4.03'],
  ])
  const admin = connect(A)
  for (const property of ['role', 'username', 'display-name', 'password', 'sct', 'oauth-subject', 'fingerprint', 'notification-categories']) {
    await expect(t, admin, [['PUT', of(property), undefined, '4.00', 'Bad request']])
    t.equal((await admin.requestRaw('PUT', of(property), encodeCbor('x'), 0)).text, 'Bad request', 'another format')
    t.equal((await admin.requestRaw('PUT', of(property), new Uint8Array([0x82]), 60)).text, 'Bad request', 'cut')
  }
})

test('a password that is easy to guess is not set, and the answer says why', async (t) => {
  const { iam, connect } = await testDevice({ state: everything })
  await expect(t, connect(A), [
    ['PUT', '/iam/users/testuser/password', 'qwerty123', '4.00', 'The password is a row of neighbours on the keyboard or in the alphabet.'],
    ['PUT', '/iam/users/testuser/password', 'testuser99', '4.00', 'The password is little more than the name of the user.'],
    ['PUT', '/iam/users/testuser/password', 'lamp rain stone', '2.04', ''],
  ])
  t.equal(iam.users.find('testuser')?.password, 'lamp rain stone')
})

test('a property is set, bounded and taken away', async (t) => {
  const { iam, connect } = await testDevice({ state: everything, weakPasswords: 'accept' })
  const admin = connect(A)
  const of = (property: string, name = 'testuser'): string => `/iam/users/${name}/${property}`
  await expect(t, admin, [
    ['PUT', of('display-name'), 'x'.repeat(65), '4.00', 'Invalid Display Name length'], ['PUT', of('display-name'), 'ö'.repeat(33), '4.00', 'Invalid Display Name length'],
    ['PUT', of('display-name'), 'x'.repeat(64), '2.04', ''], ['PUT', of('display-name'), '', '2.04', ''], ['PUT', of('display-name'), null, '2.04', ''],
    ['PUT', of('password'), '123', '4.00', 'Invalid Password length'], ['PUT', of('password'), '', '4.00', 'Invalid Password length'],
    ['PUT', of('password'), 'x'.repeat(65), '4.00', 'Invalid Password length'], ['PUT', of('password'), '1234', '2.04', ''],
    ['PUT', of('sct'), 'x'.repeat(65), '4.00', 'Invalid SCT'], ['PUT', of('sct'), '', '2.04', ''], ['PUT', of('sct'), 'x'.repeat(64), '2.04', ''],
    ['PUT', of('oauth-subject'), 'x'.repeat(65), '4.00', 'Invalid Oauth Subject length'], ['PUT', of('oauth-subject'), null, '2.04', ''],
    ['PUT', of('role'), null, '4.00', 'Role missing'], ['PUT', of('role'), 'NoRole', '4.04', ''], ['PUT', of('role', 'nobody'), 'Admin', '4.04', ''],
    ['PUT', of('role', 'otheruser'), 'Admin', '2.04', ''],
    ['PUT', of('username', 'otheruser'), 'Other', '4.00', 'Invalid username'], ['PUT', of('username', 'otheruser'), 'x'.repeat(65), '4.00', 'Username too long'],
    ['PUT', of('username', 'otheruser'), 'otheruser', '4.09', 'Conflict'], ['PUT', of('username', 'nobody'), 'new', '4.04', ''],
    ['PUT', of('username', 'otheruser'), 'renamed', '2.04', ''],
  ])
  for (const property of ['display-name', 'password', 'sct', 'oauth-subject']) await expect(t, admin, [['PUT', of(property, 'nobody'), 'long enough', '4.04', '']])
  const { displayName, password, serverConnectToken, oauthSubject } = iam.users.find('testuser') ?? newUser('')
  t.same([displayName, password, serverConnectToken, oauthSubject], [undefined, '1234', 'x'.repeat(64), undefined])
  t.equal(iam.users.find('renamed')?.role, 'Admin')
  await expect(t, admin, [['PUT', of('password'), null, '2.04', '']])
  t.equal(iam.users.find('testuser')?.password, undefined)
})

test('texts may come in chunks, up to 1023 bytes, without tags, and what follows is not looked at', async (t) => {
  const { iam, connect } = await testDevice({ limits: { displayName: 2000 } })
  const admin = connect(A)
  const put = async (payload: Uint8Array): Promise<string> => (await admin.requestRaw('PUT', '/iam/users/testuser/display-name', payload, 60)).code
  t.equal(await put(new Uint8Array([0x7f, 0x62, 0x42, 0x6f, 0x61, 0x62, 0xff, 0x00])), '2.04')
  t.equal(iam.users.find('testuser')?.displayName, 'Bob')
  t.equal(await put(encodeCbor('x'.repeat(1023))), '2.04')
  t.equal(await put(encodeCbor('x'.repeat(1024))), '4.00')
  t.equal(await put(encodeCbor(new CborTag(32, 'x'))), '4.00', 'a tag on a bare value')
  const inMap = encodeCbor(new Map([[new CborTag(99, 'Username'), new CborTag(98, 'tagged')]]))
  t.equal((await admin.requestRaw('POST', '/iam/users', inMap, 60)).code, '2.01', 'tags inside a map are skipped')
})

test('fingerprints are added, removed and bounded', async (t) => {
  const { iam, connect } = await testDevice()
  const admin = connect(A)
  const of = (fingerprint: string, name = 'testuser'): string => `/iam/users/${name}/fingerprints/${fingerprint}`
  await expect(t, admin, [['PUT', of(C), { FingerprintName: 'mynewphone' }, '2.04', '']])
  t.equal(iam.users.find('testuser')?.fingerprints[2].name, 'mynewphone')
  t.ok(iam.check(connect(C), 'Admin:foo'))
  await expect(t, admin, [
    ['PUT', of(C), null, '4.09', 'Conflict'], ['PUT', of(A, 'otheruser'), null, '4.09', 'Conflict'],
    ['PUT', of('E'.repeat(64)), null, '2.04', ''], ['PUT', of('ab'), null, '4.00'], ['PUT', of('g'.repeat(64)), null, '4.00'],
    ['PUT', of('f'.repeat(64)), { FingerprintName: 'x'.repeat(65) }, '4.00'], ['PUT', of('f'.repeat(64)), { FingerprintName: 7 }, '2.04', ''],
    ['PUT', of('d'.repeat(64), 'nobody'), null, '4.04', ''], ['DELETE', of(A, 'nobody'), undefined, '4.04', ''], ['DELETE', of(A, 'otheruser'), undefined, '4.04', ''],
    ['DELETE', of('e'.repeat(64)), undefined, '2.02', ''], ['DELETE', of('ab'), undefined, '4.04', ''],
  ])
  t.equal(iam.users.find('testuser')?.fingerprints[3].name, undefined, 'a name that cannot be read is none')
  t.ok(iam.check(admin, 'Admin:foo'))
  await expect(t, admin, [['DELETE', of(A), undefined, '2.02', '']])
  t.ok(!iam.check(admin, 'Admin:foo'), 'who removes its own key is out at once')
})

test('a fingerprint without a name', async (t) => {
  const { iam, connect } = await testDevice()
  await expect(t, connect(A), [['PUT', `/iam/users/testuser/fingerprints/${C}`, null, '2.04', '']])
  t.same(iam.users.find('testuser')?.fingerprints[2], { fingerprint: C, name: undefined })
})

test('the endpoint of clients that know of one fingerprint', async (t) => {
  const { iam, connect } = await testDevice()
  const admin = connect(B)
  const path = '/iam/users/testuser/fingerprint'
  const names = (): unknown => iam.users.find('testuser')?.fingerprints.map(({ fingerprint, name }) => [fingerprint, name])
  await expect(t, admin, [
    ['PUT', path, 'short', '4.00', 'Invalid fingerprint length'], ['PUT', path, A, '4.09', 'Conflict'],
    ['PUT', '/iam/users/nobody/fingerprint', C, '4.04', ''], ['PUT', '/iam/users/otheruser/fingerprint', null, '5.00', 'Insufficient resources'],
    ['PUT', path, C, '2.04', ''],
  ])
  t.same(names(), [[C, 'myphone'], [B, 'yourphone']])
  await expect(t, admin, [['PUT', path, null, '2.04', ''], ['PUT', '/iam/users/otheruser/fingerprint', A, '2.04', '']])
  t.same(names(), [[B, 'yourphone']])
  t.same(iam.users.find('otheruser')?.fingerprints, [{ fingerprint: A, name: undefined }])
})
