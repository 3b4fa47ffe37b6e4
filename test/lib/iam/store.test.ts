import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { serializeState } from '../../../lib/iam/index.ts'
import type { Storage } from '../../../lib/runtime/index.ts'
import { createMemoryStorage } from '../../../runtimes/memory/storage.ts'
import { test } from '../../suite.ts'
import { A, C, testDevice, testState } from './support.ts'

// protocol/iam.md §9.

const text = async (storage: Storage, name = 'iam_state.json'): Promise<string> => decodeUtf8(await storage.read(name) ?? new Uint8Array(0))

/** A storage whose writes come to their end when the test says so. */
function slowStorage(): Storage & { waiting: (() => void)[]; failing: boolean } {
  const storage = createMemoryStorage()
  const slow = {
    ...storage,
    waiting: [] as (() => void)[],
    failing: false,
    async write(name: string, bytes: Uint8Array): Promise<void> {
      if (slow.failing) throw new Error('disk full')
      await new Promise<void>((resolve) => slow.waiting.push(resolve))
      await storage.write(name, bytes)
    },
  }
  return slow
}

/** Lets everything run that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

async function slowDevice(): Promise<Awaited<ReturnType<typeof testDevice>> & { slow: ReturnType<typeof slowStorage> }> {
  const slow = slowStorage()
  const opening = testDevice({ storage: slow, limits: { waitingChanges: 3 } })
  await settle()
  slow.waiting.shift()?.()
  return { ...await opening, slow }
}

test('nothing is in force, and nobody told, before it is on the disk', async (t) => {
  const { iam, slow, connect } = await slowDevice()
  let answered = false
  const [admin, watched] = [connect(A), connect(A)]
  let heard = 0
  iam.watch(watched, () => heard++)
  const request = admin.request('PUT', '/iam/users/testuser/role', 'TestRole').then(({ code }) => {
    answered = true
    return code
  })
  await settle()
  t.same([answered, heard, iam.users.find('testuser')?.role, slow.waiting.length], [false, 0, 'Admin', 1])
  slow.waiting.shift()?.()
  t.equal(await request, '2.04')
  t.same([heard, iam.users.find('testuser')?.role], [1, 'TestRole'])
  t.ok((await text(slow)).includes('"Role":"TestRole"'))
})

test('changes are written one after the other, and so many may wait', async (t) => {
  const { iam, slow } = await slowDevice()
  const made = ['a', 'b', 'c'].map((name) => iam.users.create(name))
  await t.rejects(iam.users.create('d'), 'ERR_IAM_BUSY')
  for (let count = 0; count < 3; count++) {
    await settle()
    t.equal(slow.waiting.length, 1)
    slow.waiting.shift()?.()
  }
  await Promise.all(made)
  t.same(iam.users.list().map(({ username }) => username), ['testuser', 'otheruser', 'a', 'b', 'c'])
})

test('a change that cannot be written is no change', async (t) => {
  const { iam, slow, connect } = await slowDevice()
  const admin = connect(A)
  slow.failing = true
  const { code, text: diagnostic } = await admin.request('DELETE', '/iam/users/otheruser')
  t.same([code, diagnostic], ['5.00', 'Server error'])
  t.ok(iam.users.find('otheruser'))
  await t.rejects(iam.users.delete('otheruser'), 'ERR_IAM_STORAGE')
  slow.failing = false
  const again = admin.request('DELETE', '/iam/users/otheruser')
  await settle()
  slow.waiting.shift()?.()
  t.equal((await again).code, '2.02', 'and the next one can be')
})

test('a state never grows past what can be read again', async (t) => {
  const stateBytes = serializeState(testState()).length + 80
  const { iam, connect } = await testDevice({ limits: { stateBytes } })
  await t.rejects(iam.users.create('x'.repeat(64)), 'ERR_IAM_STATE_TOO_LARGE')
  const { code, text: diagnostic } = await connect(A).request('POST', '/iam/users', { Username: 'y'.repeat(64) })
  t.same([code, diagnostic], ['5.00', 'Insufficient resources'])
  await iam.users.create('z')
})

test('only what the protocol names is written', async (t) => {
  const { iam, storage, connect } = await testDevice()
  let writes = 0
  const write = storage.write.bind(storage)
  storage.write = (name, bytes) => {
    if (name === 'iam_state.json') writes++
    return write(name, bytes)
  }
  const count = async (step: () => unknown): Promise<number> => {
    writes = 0
    await step()
    return writes
  }
  const [admin, other] = [connect(A), connect(C)]
  t.equal(await count(() => admin.request('GET', '/iam/users/testuser')), 0)
  t.equal(await count(() => { iam.authorize(other, 'testuser') }), 0)
  t.equal(await count(() => { other.logIn('') }), 0)
  t.equal(await count(() => admin.request('DELETE', '/iam/users/nobody')), 0, 'a request that failed')
  t.equal(await count(() => admin.request('PUT', '/iam/settings/local-open-pairing', true)), 1, 'a setting, even if it was so before')
  t.equal(await count(() => iam.setPairingMode('localInitialPairing', true)), 1)
  t.equal(await count(() => admin.request('PUT', '/iam/users/otheruser/display-name', 'x')), 1)
  const stranger = connect('d'.repeat(64))
  stranger.logIn('')
  t.equal(await count(() => stranger.request('POST', '/iam/pairing/password-open', { Username: 'newuser' })), 1)
  t.equal(await count(() => stranger.request('POST', '/iam/pairing/password-open', { Username: 'newuser' })), 0, 'paired already')
})

test('a file that cannot be read stays, is copied aside, and nothing is begun anew', async (t) => {
  const torn = serializeState(testState()).slice(0, 200)
  for (const [name, bytes, code] of [
    ['iam_state.json', torn, 'ERR_IAM_STATE'], ['iam_state.json', encodeUtf8('\u0089PNG'), 'ERR_IAM_STATE'], ['iam_state.json', new Uint8Array(0), 'ERR_IAM_STATE'],
    ['iam_state.json', encodeUtf8('{"Version":3}'), 'ERR_IAM_STATE'],
    ['iam_config.json', encodeUtf8('{"Version":1}'), 'ERR_IAM_CONFIGURATION'],
  ] as const) {
    const storage = createMemoryStorage()
    const written: string[] = []
    const write = storage.write.bind(storage)
    storage.write = (file, content) => {
      written.push(file)
      return write(file, content)
    }
    await write(name, bytes)
    for (let start = 0; start < 2; start++) await t.rejects(testDevice({ storage, configuration: undefined }), code)
    t.same(await storage.read(name), bytes)
    const aside = written.find((file) => file.startsWith(`${name}.rejected-`)) ?? ''
    t.same(await storage.read(aside), bytes)
    await t.rejects(testDevice({ storage, configuration: undefined }), aside, 'the error says where')
  }
})

test('an old state is read, what it lacks is made, and what it has is kept', async (t) => {
  const storage = createMemoryStorage()
  await storage.write('iam_state.json', encodeUtf8(`{"Version":1,"Users":[{"Username":"old","Fingerprint":"${A}","Role":"Admin","Shoe":43}],"Newer":1}`))
  const { iam, connect } = await testDevice({ storage })
  t.ok(iam.check(connect(A), 'Admin:foo'))
  await iam.users.create('new')
  const written = await text(storage)
  t.ok(written.startsWith('{"Version":2,') && written.includes('"Shoe":43') && written.endsWith('"Newer":1}'), written)
})
