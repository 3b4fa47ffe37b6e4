import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { DEFAULT_IAM_LIMITS, type IamLimits, newUser, parseState, serializeState, type State } from '../../../lib/iam/index.ts'
import { validateState } from '../../../lib/iam/state.ts'
import { test } from '../../suite.ts'
import { A, B, file, testState } from './support.ts'

// protocol/iam.md §2.2; §10, "State JSON", "State module".

const parse = (content: unknown): State => parseState(file(content), DEFAULT_IAM_LIMITS)

const full = testState({
  users: [
    newUser('john', {
      displayName: 'John', role: 'Admin', password: 'secret', serverConnectToken: 'sct', oauthSubject: 'sub',
      fingerprints: [{ fingerprint: A, name: 'phone' }, { fingerprint: B }], fcm: { token: 'tok', projectId: 'proj' }, notificationCategories: ['Info', 'Alert'],
    }),
    newUser('jane'),
  ],
})

test('a state is written with every member, in order, always as version 2', (t) => {
  t.equal(decodeUtf8(serializeState(full)),
    '{"Version":2,"OpenPairingPassword":"password","OpenPairingSct":"token","LocalOpenPairing":true,"PasswordOpenPairing":true,' +
    '"PasswordInvitePairing":true,"LocalInitialPairing":true,"OpenPairingRole":"Admin","InitialPairingUsername":"testuser","FriendlyName":"Friendly Name",' +
    `"Users":[{"Username":"john","Fingerprints":[{"Fingerprint":"${A}","Name":"phone"},{"Fingerprint":"${B}"}],"DisplayName":"John",` +
    '"ServerConnectToken":"sct","Password":"secret","Role":"Admin","Fcm":{"Token":"tok","ProjectId":"proj"},"NotificationCategories":["Info","Alert"],' +
    '"OauthSubject":"sub"},{"Username":"jane","Fingerprints":[]}]}')
  t.equal(decodeUtf8(serializeState(parseState(serializeState(full), DEFAULT_IAM_LIMITS))), decodeUtf8(serializeState(full)))
})

test('version 1 has one fingerprint of a user, without a name', (t) => {
  const one = parse({ Version: 1, Users: [{ Username: 'a', Fingerprint: A, Fingerprints: [{ Fingerprint: B }] }] })
  t.same(one.users[0].fingerprints, [{ fingerprint: A }])
  const two = parse({ Version: 2, Users: [{ Username: 'a', Fingerprint: A, Fingerprints: [{ Fingerprint: B, Name: 3 }, { Name: 'x' }, 'y', null] }] })
  t.same(two.users[0].fingerprints.map(({ fingerprint, name }) => [fingerprint, name]), [[B, undefined]])
  t.same(parse({ Version: 0, Users: [{ Username: 'a', Fingerprint: A, Fingerprints: [{ Fingerprint: B }] }] }).users[0].fingerprints, [])
  t.same(parse({ Version: -1.5 }).users, [])
  for (const version of [3, '2', undefined, null]) t.throws(() => parse({ Version: version, Users: [] }), 'ERR_IAM_STATE')
})

test('each member can stand alone, and one of a wrong type counts as absent', (t) => {
  const whole = JSON.parse(decodeUtf8(serializeState(full))) as Record<string, unknown>
  for (const [name, value] of Object.entries(whole)) {
    const state = parse({ Version: 2, [name]: value })
    validateState(state, DEFAULT_IAM_LIMITS, ['Info', 'Alert'])
    t.ok(decodeUtf8(serializeState(state)).includes(JSON.stringify({ [name]: value }).slice(1, -1)), name)
    if (name !== 'Version') t.equal(decodeUtf8(serializeState(parse({ Version: 2, [name]: 7 }))), decodeUtf8(serializeState(parse({ Version: 2 }))), name)
  }
})

test('users without a legal name are left out', (t) => {
  const users = [{ Username: 'ok' }, { Username: 'Foo' }, { Username: '' }, { Username: 3 }, {}, null, 'x', { username: 'also.ok_-9' }]
  t.same(parse({ Version: 2, Users: users }).users.map(({ username }) => username), ['ok', 'also.ok_-9'])
})

test('members that are not known survive a rewrite', (t) => {
  const text = '{"Version":2,"LocalOpenPairing":false,"PasswordOpenPairing":false,"PasswordInvitePairing":false,"LocalInitialPairing":false,' +
    `"Users":[{"Username":"a","Fingerprints":[{"Fingerprint":"${A}","Kind":"phone"}],"Fcm":{"Extra":1},"Shoe":{"Size":43}}],"Newer":[{"x":null}]}`
  t.equal(decodeUtf8(serializeState(parseState(encodeUtf8(text), DEFAULT_IAM_LIMITS))), text)
})

test('each limit refuses a state that passes it, and only then', (t) => {
  const categories = ['Info', 'Alert']
  validateState(full, DEFAULT_IAM_LIMITS, categories)
  const limits: [keyof IamLimits, number][] = [
    ['username', 2], ['displayName', 2], ['passwordMin', 64], ['passwordMax', 2], ['fcmToken', 2], ['fcmProjectId', 2], ['serverConnectToken', 2],
    ['users', 0], ['friendlyName', 2], ['oauthSubject', 2],
  ]
  for (const [name, limit] of limits) {
    t.throws(() => validateState(full, { ...DEFAULT_IAM_LIMITS, [name]: limit }, categories), 'ERR_IAM_STATE', name)
  }
  t.throws(() => validateState(full, DEFAULT_IAM_LIMITS, ['Info']), 'ERR_IAM_STATE', 'category')
  t.throws(() => validateState(testState({ users: [newUser('a', { fingerprints: [{ fingerprint: 'ab' }] })] }), DEFAULT_IAM_LIMITS, []), 'ERR_IAM_STATE')
  validateState(testState({ users: [newUser('a', { displayName: 'ö'.repeat(32) })] }), DEFAULT_IAM_LIMITS, [])
  t.throws(() => validateState(testState({ users: [newUser('a', { displayName: `${'ö'.repeat(32)}.` })] }), DEFAULT_IAM_LIMITS, []), 'ERR_IAM_STATE', 'bytes, not characters')
})

test('a torn state is refused, wherever it is torn, and without a word of its content', (t) => {
  const bytes = serializeState(full)
  const secrets = ['secret', 'password', 'sct', 'tok']
  for (let length = 0; length < bytes.length; length++) {
    try {
      parseState(bytes.slice(0, length), DEFAULT_IAM_LIMITS)
      t.fail(`accepted ${length} bytes`)
    } catch (thrown) {
      const { code, message } = thrown as { code: string; message: string }
      if (code !== 'ERR_IAM_STATE' || secrets.some((secret) => message.includes(secret))) t.fail(`${code} ${message}`)
    }
  }
  t.throws(() => parseState(serializeState(full), { stateBytes: bytes.length - 1 }), 'ERR_IAM_STATE', 'one byte too many')
  t.ok(parseState(serializeState(full), { stateBytes: bytes.length }))
})
