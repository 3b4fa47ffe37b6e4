import { test } from '../../suite.ts'
import { A, C, testDevice, testState } from './support.ts'

// protocol/iam.md §3.7 and §3.8.

const everything = testState({ users: testState().users.map((user) => ({ ...user, role: 'Everything' })) })

test('settings are read and switched', async (t) => {
  const { iam, connect } = await testDevice({ state: everything })
  const admin = connect(A)
  t.equal(JSON.stringify((await admin.request('GET', '/iam/settings')).value), JSON.stringify({
    PasswordOpenPairing: true, PasswordInvitePairing: true, LocalOpenPairing: true, PasswordOpenSct: 'token', PasswordOpenPassword: 'password',
  }))
  for (const [key, mode] of [['password-open-pairing', 'passwordOpenPairing'], ['password-invite-pairing', 'passwordInvitePairing'], ['local-open-pairing', 'localOpenPairing']] as const) {
    t.equal((await admin.request('PUT', `/iam/settings/${key}`, false)).code, '2.04')
    t.equal(iam.state[mode], false, key)
    t.equal((await admin.request('PUT', `/iam/settings/${key}`, 'no')).text, 'Bad request')
  }
  for (const key of ['local-initial-pairing', 'constructor', 'friendly-name']) t.equal((await admin.request('PUT', `/iam/settings/${key}`, true)).text, 'No such key', key)
  t.equal((await admin.request('PUT', '/iam/settings/nothing')).text, 'Bad request', 'the body goes before the key')
  for (const path of ['/iam/settings', '/iam/notification-categories']) t.equal((await connect(C).request('GET', path)).code, '4.03')
})

test('the friendly name', async (t) => {
  const { iam, connect } = await testDevice({ state: everything })
  const admin = connect(A)
  const put = async (body: string | null | number, key = 'friendly-name'): Promise<string> => {
    const { code, text } = await admin.request('PUT', `/iam/device-info/${key}`, body)
    return `${code} ${text}`
  }
  t.equal(await put('Front door'), '2.04 ')
  t.equal(iam.state.friendlyName, 'Front door')
  t.equal(await put('x', 'app-name'), '4.04 No such key')
  t.equal(await put(null), '4.00 Friendly name missing')
  t.equal(await put(7), '4.00 Friendly name missing')
  t.equal(await put('x'.repeat(65)), '4.00 Friendly name length exceeded')
  t.equal(await put('x'.repeat(64)), '2.04 ')
})

test('notification categories', async (t) => {
  const { iam, connect } = await testDevice({ state: everything, notificationCategories: ['Info', 'Alert'] })
  const admin = connect(A)
  const path = '/iam/users/otheruser/notification-categories'
  t.same((await admin.request('GET', '/iam/notification-categories')).value, ['Info', 'Alert'])
  t.equal((await admin.request('PUT', path, ['Alert', 'Alert'])).code, '2.04')
  t.same(iam.users.find('otheruser')?.notificationCategories, ['Alert'])
  t.equal((await admin.request('PUT', path, ['Info', null])).text, 'Bad request')
  t.equal((await admin.request('PUT', path, ['Other'])).text, 'One or more categories are invalid')
  t.equal((await admin.request('PUT', '/iam/users/nobody/notification-categories', ['Other'])).code, '4.04')
})

test('push messages', async (t) => {
  const sent: unknown[] = []
  let works = true
  const { iam, connect } = await testDevice({
    state: everything,
    sendFcm(projectId, body) {
      sent.push(projectId, JSON.parse(body))
      return works ? Promise.resolve({ statusCode: 200, body: '{}' }) : Promise.reject(new Error('no way out'))
    },
  })
  const admin = connect(A)
  const put = async (body: Record<string, string | number>): Promise<string> => (await admin.request('PUT', '/iam/users/testuser/fcm', body)).code
  const send = (): ReturnType<typeof admin.request> => admin.request('POST', '/iam/users/testuser/fcm-test')
  t.equal((await send()).text, 'User FCM config not found')
  t.equal((await admin.request('POST', '/iam/users/nobody/fcm-test')).text, 'No such user')
  t.equal(await put({ Token: 'a' }), '4.00')
  t.equal(await put({ Token: 'a'.repeat(1024), ProjectId: 'p' }), '4.00')
  t.equal(await put({ Token: 'a', ProjectId: 'p'.repeat(256) }), '4.00')
  t.equal(await put({ Token: 'a'.repeat(1023), ProjectId: 'p'.repeat(255) }), '2.04')
  t.equal(await put({ Token: 'token', ProjectId: 'project' }), '2.04')
  t.same(iam.users.find('testuser')?.fcm, { token: 'token', projectId: 'project' })
  const [first, second] = await Promise.all([send(), send()])
  t.equal(first.code, '2.01')
  t.same(first.value, { StatusCode: 200, Body: '{}' })
  t.equal(second.text, 'Failed to send to basestation', 'one at a time')
  t.equal(sent[0], 'project')
  t.equal((sent[1] as { message: { token: string } }).message.token, 'token')
  works = false
  t.equal((await send()).code, '5.03')
  t.equal((await connect(C).request('POST', '/iam/users/testuser/fcm-test')).code, '4.03')
})
