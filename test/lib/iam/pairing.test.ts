import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { newUser } from '../../../lib/iam/index.ts'
import { test } from '../../suite.ts'
import { A, allow, B, C, CONFIGURATION, D, testDevice, testState } from './support.ts'

// protocol/iam.md §3.3, §3.4, §5; §10, "Password Open", "Password Invite", "Session password". That a connection has logged
// in is told to IAM here; test/lib/iam/password.test.ts does it over the wire.

/** Everybody may pair, whichever way. */
const configuration = {
  ...CONFIGURATION,
  policies: [...CONFIGURATION.policies, allow('Pair', ...['GetPairing', 'PairingPasswordOpen', 'PairingPasswordInvite', 'PairingLocalOpen', 'PairingLocalInitial'].map((verb) => `IAM:${verb}`))],
  roles: CONFIGURATION.roles.map((role) => ({ ...role, policies: [...role.policies, 'Pair'] })),
}
const fresh = testState({ users: [newUser('testuser', { role: 'Admin', password: 'password2' }), newUser('otheruser', { role: 'Admin', password: 'password3' })] })
const local = { isLocal: true, isVirtual: false }
const path = (mode: string): string => `/iam/pairing/${mode}`

test('what a device tells of its ways of pairing', async (t) => {
  const device = { appName: 'camera', appVersion: '1.2', productId: 'pr-1', deviceId: 'de-1' }
  const { iam, connect } = await testDevice({ configuration, state: fresh, device })
  const told = await connect(D).request('GET', '/iam/pairing')
  t.equal(JSON.stringify(told.value), JSON.stringify({
    Modes: ['PasswordOpen', 'PasswordInvite'], NabtoVersion: '5.15.0', AppVersion: '1.2', AppName: 'camera', ProductId: 'pr-1', DeviceId: 'de-1',
    FriendlyName: 'Friendly Name',
  }))
  const modes = async (): Promise<unknown> => ((await connect(D, local).request('GET', '/iam/pairing')).value as { Modes: unknown }).Modes
  t.same(await modes(), ['PasswordOpen', 'LocalOpen', 'PasswordInvite', 'LocalInitial'])
  await iam.users.addFingerprint('testuser', C)
  t.same(await modes(), ['PasswordOpen', 'LocalOpen', 'PasswordInvite'], 'the initial user is paired')
  await iam.setPairingMode('passwordOpenPairing', false)
  await iam.setPairingMode('localOpenPairing', false)
  await iam.setPairingMode('passwordInvitePairing', false)
  t.same(await modes(), [])
  const bare = await testDevice({ configuration, state: testState({ openPairingRole: undefined, openPairingPassword: undefined, initialPairingUsername: 'nobody', friendlyName: undefined }) })
  t.equal(JSON.stringify((await bare.connect(D, local).request('GET', '/iam/pairing')).value), '{"Modes":["PasswordInvite"],"NabtoVersion":"5.15.0"}')
  t.equal((await (await testDevice()).connect(D).request('GET', '/iam/pairing')).code, '4.03')
})

test('password open: a stranger with the password becomes a new user', async (t) => {
  const { iam, connect } = await testDevice()
  const stranger = connect(D)
  t.equal((await stranger.request('POST', path('password-open'), { Username: 'newuser' })).code, '4.01', 'without a login')
  stranger.logIn('')
  t.equal((await stranger.request('GET', '/iam/me')).code, '4.04', 'the open password is nobody')
  const { code, contentFormat, text } = await stranger.request('POST', path('password-open'), { Username: 'newuser', FingerprintName: 'newphone' })
  t.same([code, contentFormat, text], ['2.01', undefined, ''])
  const { fingerprints, role, password, serverConnectToken } = iam.users.find('newuser') ?? newUser('')
  t.same([fingerprints, role, password], [[{ fingerprint: D, name: 'newphone' }], 'Admin', undefined])
  t.equal(serverConnectToken?.length, 12)
  t.ok(iam.check(stranger, 'Admin:foo'), 'at once')
  t.equal((await stranger.request('POST', path('password-open'), { Username: 'newuser', FingerprintName: 'other' })).code, '2.01', 'again')
  t.equal(iam.users.find('newuser')?.fingerprints[0].name, 'newphone', 'and nothing has changed')
})

test('password open: a user without a name of the phone', async (t) => {
  const { iam, connect } = await testDevice()
  const stranger = connect(D)
  stranger.logIn('')
  t.equal((await stranger.request('POST', path('password-open'), { Username: 'newuser', FingerprintName: 7 })).code, '2.01')
  t.equal(iam.users.find('newuser')?.fingerprints[0].name, undefined)
})

test('password open: checks in their order', async (t) => {
  const state = testState({ users: testState().users.map((user) => ({ ...user, role: 'TestRole' })) })
  const { iam, connect } = await testDevice({ state, limits: { users: 2 } })
  const post = async (connection: ReturnType<typeof connect>, body?: object): Promise<string> => {
    const { code, text } = await connection.request('POST', path('password-open'), body as Record<string, string> | undefined)
    return `${code} ${text}`
  }
  const nameless = connect(undefined)
  nameless.logIn('')
  t.equal(await post(nameless), '5.00 Server error')
  const stranger = connect(D)
  t.equal(await post(stranger), '4.01 Access Denied')
  stranger.logIn('')
  t.equal(await post(stranger), '4.00 Bad request')
  t.equal(await post(stranger, { Password: 'x', Username: 'newuser' }), '4.00 5.1 clients are not supported for password pairing')
  t.equal(await post(stranger, { Password: null }), '4.00 5.1 clients are not supported for password pairing')
  t.equal(await post(stranger, {}), '4.00 Username missing or invalid')
  t.equal(await post(stranger, { Username: null }), '4.00 Username missing')
  t.equal(await post(stranger, { Username: 'New' }), '4.00 Invalid username')
  t.equal(await post(stranger, { Username: 'x'.repeat(65) }), '4.00 Invalid username')
  t.equal(await post(stranger, { Username: 'newuser', FingerprintName: 'x'.repeat(65) }), '4.00 Fingerprint name too long')
  t.equal(await post(stranger, { Username: 'otheruser' }), '4.09 Conflict')
  t.equal(await post(stranger, { Username: 'newuser' }), '5.00 Server error', 'as many users as there may be')
  const known = connect(B)
  known.logIn('')
  t.equal(await post(known, { Username: 'newuser' }), '4.09 Conflict', 'the client is somebody already')
  t.equal(iam.users.list().length, 2)
  await iam.setPairingMode('passwordOpenPairing', false)
  t.equal(await post(stranger), '4.04 Not Found')
  const closed = await testDevice({ state: { ...state, openPairingRole: undefined } })
  t.equal((await closed.connect(D).request('POST', path('password-open'))).code, '4.03')
  const refused = await testDevice({ configuration: { policies: [], roles: [{ id: 'None', policies: [] }], unpairedRole: 'None' } })
  t.equal((await refused.connect(D).request('POST', path('password-open'))).code, '4.03')
})

test('password invite: an invited user gets a key, and the password has had its day', async (t) => {
  const { iam, connect } = await testDevice()
  const invited = connect(D)
  t.equal((await invited.request('POST', path('password-invite'))).code, '4.01')
  invited.logIn('testuser')
  t.equal((await invited.request('POST', path('password-invite'), { FingerprintName: 'newphone' })).code, '2.01')
  t.same(iam.users.find('testuser')?.fingerprints.map(({ fingerprint, name }) => [fingerprint, name]), [[A, 'myphone'], [B, 'yourphone'], [D, 'newphone']])
  t.equal(iam.users.find('testuser')?.password, undefined)
  invited.logIn('otheruser')
  t.equal(iam.identityOf(invited).user?.username, 'testuser', 'the key goes before the password')
  const { code, text } = await invited.request('POST', path('password-invite'))
  t.same([code, text], ['4.09', ''])
  t.same(iam.users.find('otheruser')?.fingerprints, [])
})

test('password invite: body or none, the same client again, and refusals', async (t) => {
  for (const body of [null, undefined, 7, { Other: 'x' }]) {
    const { iam, connect } = await testDevice({ state: fresh })
    const invited = connect(D)
    invited.logIn('testuser')
    t.equal((await invited.request('POST', path('password-invite'), body)).code, '2.01')
    t.same([iam.users.find('testuser')?.fingerprints, iam.users.find('testuser')?.password], [[{ fingerprint: D, name: undefined }], undefined])
  }
  const { iam, connect } = await testDevice({ state: fresh })
  const invited = connect(D)
  invited.logIn('testuser')
  t.equal((await invited.requestRaw('POST', path('password-invite'), encodeUtf8('{}'), 50)).code, '2.01', 'a body of another kind')
  await iam.users.update('testuser', { password: 'again' })
  invited.logIn('testuser')
  t.equal((await invited.request('POST', path('password-invite'))).code, '2.01', 'repeated')
  t.equal(iam.users.find('testuser')?.password, 'again', 'and the password is kept')
  const open = connect(C)
  open.logIn('')
  t.equal((await open.request('POST', path('password-invite'))).code, '5.00', 'the open password belongs to no user')
  const nameless = connect(undefined)
  nameless.logIn('otheruser')
  t.equal((await nameless.request('POST', path('password-invite'))).code, '5.00')
  await iam.setPairingMode('passwordInvitePairing', false)
  t.equal((await invited.request('POST', path('password-invite'))).text, 'Not Found')
})

test('password invite: a name of 33 characters', async (t) => {
  const { iam, connect } = await testDevice()
  const name = 'testingusr-testingusr-testingusr-'
  await iam.users.create(name, { role: 'Admin', password: 'password4' })
  const invited = connect(D)
  invited.logIn(name)
  t.equal((await invited.request('POST', path('password-invite'), { FingerprintName: 'x' })).code, '2.01')
  t.equal(iam.identityOf(connect(D)).user?.username, name)
})

test('a password is a session as well, invite or not', async (t) => {
  const { iam, connect } = await testDevice({ state: testState({ passwordInvitePairing: false }) })
  for (const fingerprint of [A, C, undefined]) {
    const connection = connect(fingerprint)
    t.equal(iam.check(connection, 'Admin:foo'), fingerprint === A)
    connection.logIn('testuser')
    t.ok(iam.check(connection, 'Admin:foo'))
  }
})

test('local open', async (t) => {
  const { iam, connect } = await testDevice({ configuration, state: fresh })
  const post = async (connection: ReturnType<typeof connect>, body?: object | null): Promise<string> => {
    const { code, text } = await connection.request('POST', path('local-open'), body as Record<string, string> | undefined)
    return `${code} ${text}`
  }
  t.equal(await post(connect(D), { Username: 'newuser' }), '4.03 Access Denied', 'not local')
  const near = connect(D, local)
  t.equal(await post(near), '4.00 Bad request')
  t.equal(await post(near, {}), '4.00 Invalid CBOR data for Username')
  t.equal(await post(near, { Username: null }), '4.00 Username missing')
  t.equal(await post(near, { Username: 'otheruser' }), '4.09 Conflict')
  t.equal(await post(near, { Username: 'newuser', FingerprintName: 'phone' }), '2.01 ')
  t.equal(await post(near, { Username: 'newuser' }), '2.01 ')
  t.equal(await post(near, { Username: 'another' }), '4.09 Conflict')
  t.equal(await post(connect(undefined, { isLocal: true }), { Username: 'third' }), '5.00 Server error')
  t.equal(iam.users.find('newuser')?.role, 'Admin')
  const roleless = await testDevice({ configuration, state: { ...fresh, openPairingRole: undefined } })
  t.equal((await roleless.connect(D, local).request('POST', path('local-open'), { Username: 'newuser' })).text, 'Server error')
  await iam.setPairingMode('localOpenPairing', false)
  t.equal(await post(near), '4.04 Not Found')
})

test('local initial', async (t) => {
  const { iam, connect } = await testDevice({ configuration, state: fresh })
  const post = async (connection: ReturnType<typeof connect>, body?: object): Promise<string> => {
    const { code, text } = await connection.request('POST', path('local-initial'), body as Record<string, string> | undefined)
    return `${code} ${text}`
  }
  t.equal(await post(connect(D)), '4.03 Access Denied')
  const near = connect(D, local)
  t.equal(await post(near, {}), '4.00 Missing FingerprintName')
  t.equal((await near.requestRaw('POST', path('local-initial'), new Uint8Array(0), 60)).text, 'Bad request')
  t.equal(await post(connect(undefined, { isLocal: true })), '5.00 Server error')
  await iam.users.addFingerprint('otheruser', C)
  t.equal(await post(connect(C, local)), '4.09 Conflict', 'the key of another user')
  t.equal(await post(near, { FingerprintName: 'phone' }), '2.01 ')
  t.same(iam.users.find('testuser')?.fingerprints, [{ fingerprint: D, name: 'phone' }])
  t.equal(iam.users.find('testuser')?.password, 'password2', 'the password stays')
  t.equal(await post(near), '4.09 Already paired', 'even by this very client')
  for (const [body, name] of [[undefined, undefined], [{ FingerprintName: null }, undefined]] as const) {
    const other = await testDevice({ configuration, state: fresh })
    t.equal((await other.connect(D, local).request('POST', path('local-initial'), body)).code, '2.01')
    t.same(other.iam.users.find('testuser')?.fingerprints, [{ fingerprint: D, name }])
  }
  const plain = await testDevice({ configuration, state: fresh })
  t.equal((await plain.connect(D, local).requestRaw('POST', path('local-initial'), encodeUtf8('x'), 0)).code, '2.01', 'a body that is not CBOR')
  for (const initialPairingUsername of [undefined, 'nobody']) {
    const lost = await testDevice({ configuration, state: { ...fresh, initialPairingUsername } })
    t.equal((await lost.connect(D, local).request('POST', path('local-initial'))).text, 'Not available')
  }
  const known = await testDevice({ configuration, state: testState({ users: [newUser('testuser', { oauthSubject: 's' })] }) })
  t.equal((await known.connect(D, local).request('POST', path('local-initial'))).text, 'Already paired', 'by an identity provider')
  await iam.setPairingMode('localInitialPairing', false)
  t.equal(await post(near), '4.04 Not Found')
})
