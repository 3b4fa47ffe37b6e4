import { decodeUtf8 } from '../../../lib/bytes/index.ts'
import { defaultConfiguration, defaultState, isPaired } from '../../../lib/iam/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/storage.ts'
import { test } from '../../suite.ts'
import { C, random, testDevice } from './support.ts'

test('four roles, from administrator to stranger', async (t) => {
  const { iam, connect } = await testDevice({ configuration: defaultConfiguration(), state: defaultState(random) })
  for (const role of ['Standard', 'Guest']) await iam.users.create(role.toLowerCase(), { role })
  const may = (username: string | undefined, action: string, about?: string): boolean => {
    const connection = connect(undefined)
    if (username !== undefined) iam.authorize(connection, username)
    return iam.check(connection, action, about === undefined ? {} : { 'IAM:Username': about })
  }
  const rows: [action: string, about: string | undefined, admin: boolean, standard: boolean, guest: boolean, unpaired: boolean][] = [
    ['Webrtc:VideoStream', undefined, true, true, true, false],
    ['Webrtc:Signaling', undefined, true, true, true, true],
    ['IAM:GetPairing', undefined, true, true, true, true],
    ['IAM:PairingPasswordInvite', undefined, true, true, true, true],
    ['IAM:SetUserPassword', 'standard', true, true, false, false],
    ['IAM:SetUserPassword', 'guest', true, false, true, false],
    ['IAM:SetUserPassword', 'admin', true, false, false, false],
    ['IAM:DeleteUser', 'standard', true, true, false, false],
    ['IAM:SetUserRole', 'standard', true, false, false, false],
    ['IAM:CreateUser', undefined, true, false, false, false],
    ['IAM:ListUsers', undefined, true, true, false, false],
    ['IAM:Explain', undefined, true, false, false, false],
    ['Audit:Read', undefined, true, false, false, false],
  ]
  for (const [action, about, ...wanted] of rows) {
    t.same([may('admin', action, about), may('standard', action, about), may('guest', action, about), may(undefined, action, about)], wanted, `${action} ${about ?? ''}`)
  }
})

test('a device leaves its box with an administrator nobody is yet, and no other way in', async (t) => {
  const state = defaultState(random)
  const [admin] = state.users
  t.same([admin.username, admin.role, isPaired(admin), state.users.length], ['admin', 'Administrator', false, 1])
  t.ok(/^[a-zA-Z3479]{12}$/.test(admin.password ?? ''))
  t.same([state.passwordInvitePairing, state.passwordOpenPairing, state.localOpenPairing, state.localInitialPairing], [true, false, false, false])
  t.ok(admin.password !== defaultState(random).users[0].password)
  const storage = createMemoryStorage()
  const first = await testDevice({ storage, configuration: undefined, state })
  t.ok(decodeUtf8(await storage.read('iam_config.json') ?? new Uint8Array(0)).includes('"UnpairedRole":"Unpaired"'))
  const second = await testDevice({ storage, configuration: undefined })
  t.equal(second.iam.users.find('admin')?.password, first.iam.users.find('admin')?.password, 'made once')
  t.ok(!second.iam.check(second.connect(C), 'Webrtc:VideoStream'))
})
