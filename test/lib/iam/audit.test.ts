import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { AuditLog, type AuditOptions } from '../../../lib/iam/index.ts'
import { silentLog, type Storage } from '../../../lib/runtime/index.ts'
import { createMemoryClock } from '../../../runtimes/memory/clock.ts'
import { createMemoryStorage } from '../../../runtimes/memory/storage.ts'
import { test } from '../../suite.ts'
import { A, C, testDevice, testState } from './support.ts'

const everything = testState({ users: testState().users.map((user) => ({ ...user, role: 'Everything' })) })

interface Listed { Sequence: number; Count: number; Kind: string; Action: string; Outcome: string; User?: string; Role?: string; Statement?: string; Detail?: string; Connection?: string }

test('every decision and every login is written down, with the statement that decided', async (t) => {
  const { iam, connect } = await testDevice({ state: everything })
  const [admin, stranger] = [connect(A), connect(C)]
  await stranger.request('GET', '/iam/users')
  await admin.request('DELETE', '/iam/users/otheruser')
  iam.auditLogin(stranger, 'password', 'testuser', false)
  const refused = await stranger.request('GET', '/audit')
  t.equal(refused.code, '4.03')
  const { code, contentFormat, value } = await admin.request('GET', '/audit')
  t.same([code, contentFormat], ['2.05', 60])
  const short = (value as unknown as Listed[]).map((event) => [event.Sequence, event.Kind, event.Action, event.Outcome, event.Connection, event.User, event.Role, event.Statement, event.Detail])
  t.same(short, [
    [1, 'access', 'IAM:ListUsers', 'refused', '2', undefined, 'TestRole', undefined, undefined],
    [2, 'access', 'IAM:DeleteUser', 'allowed', '1', 'testuser', 'Everything', 'IamPolicy[0]', 'IAM:Username=otheruser'],
    [3, 'authentication', 'password', 'refused', '2', 'testuser', undefined, undefined, undefined],
    [4, 'access', 'Audit:Read', 'refused', '2', undefined, 'TestRole', undefined, undefined],
    [5, 'access', 'Audit:Read', 'allowed', '1', 'testuser', 'Everything', 'More[0]', undefined],
  ])
})

test('no secret gets into it', async (t) => {
  const { iam, storage, connect } = await testDevice({ state: everything })
  const admin = connect(A)
  await admin.request('PUT', '/iam/users/otheruser/password', 'hunter22')
  await admin.request('PUT', '/iam/users/otheruser/sct', 'hunter23')
  await admin.request('GET', '/iam/settings')
  admin.logIn('testuser')
  await iam.close()
  const kept = decodeUtf8(await storage.read('iam-audit.json') ?? new Uint8Array(0))
  t.ok(kept.includes('IAM:SetUserPassword'))
  for (const secret of ['hunter22', 'hunter23', 'password2', 'password3', 'token']) t.ok(!kept.includes(`"${secret}`) && !kept.includes(`=${secret}`), secret)
})

test('it is read in pages, from the latest back', async (t) => {
  const { iam, connect } = await testDevice({ state: everything })
  const [admin, stranger] = [connect(A), connect(C)]
  for (let count = 0; count < 40; count++) iam.check(stranger, `Test:${count}`)
  const page = async (query: string): Promise<number[]> => ((await admin.request('GET', `/audit${query}`)).value as unknown as Listed[]).map(({ Sequence }) => Sequence)
  const latest = await page('')
  t.same([latest.length, latest[0], latest[31]], [32, 10, 41])
  t.same(await page('?before=10'), [1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.equal((await page('?before=x')).length, 32)
})

async function audit(options: AuditOptions, storage: Storage = createMemoryStorage()): Promise<{ log: AuditLog; clock: ReturnType<typeof createMemoryClock>; storage: Storage }> {
  const clock = createMemoryClock()
  const log = new AuditLog(options, { clock, storage, log: silentLog })
  await log.load()
  return { log, clock, storage }
}

const access = { kind: 'access', outcome: 'allowed' } as const

test('it is bounded: in number, in length, and in what strangers can push out', async (t) => {
  const { log } = await audit({ events: 8 })
  for (let count = 0; count < 4; count++) log.record({ ...access, action: `mine ${count}`, user: 'owner' })
  for (let count = 0; count < 50; count++) log.record({ ...access, action: `theirs ${count}`, outcome: 'refused' })
  for (let count = 0; count < 50; count++) log.record({ kind: 'authentication', action: 'password', outcome: 'refused', user: `guess ${count}` })
  t.same(log.events().map(({ action, user }) => user ?? action), ['owner', 'owner', 'owner', 'owner', 'guess 46', 'guess 47', 'guess 48', 'guess 49'])
  for (let count = 0; count < 50; count++) log.record({ ...access, action: 'again and again', user: 'owner' })
  t.same(log.events().map(({ count }) => count), [1, 1, 1, 1, 1, 1, 1, 50])
  log.record({ ...access, action: 'x'.repeat(200), detail: 'y'.repeat(5000) })
  t.same([log.events()[7].action.length, log.events()[7].detail?.length], [128, 128])
})

test('it survives a restart, and is written now and then, not for every event', async (t) => {
  const first = await audit({})
  let writes = 0
  const write = first.storage.write.bind(first.storage)
  first.storage.write = (name, bytes) => {
    writes++
    return write(name, bytes)
  }
  for (let count = 0; count < 5; count++) first.log.record({ ...access, action: `a${count}` })
  await first.clock.advance(9999)
  t.equal(writes, 0)
  await first.clock.advance(1)
  t.equal(writes, 1)
  await first.log.flush()
  t.equal(writes, 1, 'nothing new')
  const second = await audit({}, first.storage)
  second.log.record({ ...access, action: 'after' })
  t.same(second.log.events().map(({ sequence, action }) => `${sequence} ${action}`), ['1 a0', '2 a1', '3 a2', '4 a3', '5 a4', '6 after'])
  const smaller = await audit({ events: 2 }, first.storage)
  t.equal(smaller.log.events().length, 2)
})

test('a file that cannot be read or written keeps nobody out', async (t) => {
  for (const text of ['{', '{}', '[1]', '[{"sequence":1}]', '[{"sequence":1,"timeMs":1,"count":1,"kind":"access","action":2,"outcome":"x"}]']) {
    const storage = createMemoryStorage()
    await storage.write('iam-audit.json', encodeUtf8(text))
    const { log } = await audit({}, storage)
    t.same(log.events(), [], text)
  }
  const storage = createMemoryStorage()
  storage.write = () => Promise.reject(new Error('full'))
  const { log } = await audit({}, storage)
  log.record({ ...access, action: 'a' })
  await log.flush()
  t.equal(log.events().length, 1)
})
