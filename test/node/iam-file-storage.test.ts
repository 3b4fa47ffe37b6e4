import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { openIam } from '../../lib/iam/index.ts'
import { silentLog } from '../../lib/runtime/index.ts'
import { createNodeHost } from '../../runtimes/node/host.ts'
import { createFileStorage } from '../../runtimes/node/storage.ts'

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()

void tap.test('blobs are files for their owner only', async (t) => {
  const folder = join(t.testdir(), 'made', 'here')
  const storage = createFileStorage(folder)
  t.equal(await storage.read('a.json'), undefined)
  await storage.write('a.json', Buffer.from('one'))
  await storage.write('a.json', Buffer.from('two'))
  t.equal(text(await storage.read('a.json')), 'two')
  t.equal((await stat(join(folder, 'a.json'))).mode & 0o777, 0o600)
  t.equal((await stat(folder)).mode & 0o777, 0o700)
  await storage.remove('a.json')
  await storage.remove('a.json')
  t.equal(await storage.read('a.json'), undefined)
  t.same(await readdir(folder), [])
})

void tap.test('a file that others could read becomes private when it is written', async (t) => {
  const folder = t.testdir({ 'a.json': 'one' })
  await createFileStorage(folder).write('a.json', Buffer.from('two'))
  t.equal((await stat(join(folder, 'a.json'))).mode & 0o777, 0o600)
})

void tap.test('the last of many writes at once wins, and each is of one piece', async (t) => {
  const folder = t.testdir()
  const storage = createFileStorage(folder)
  const bytes = Buffer.from('first')
  const writes = [storage.write('a', bytes), ...[1, 2, 3, 4].map((n) => storage.write('a', Buffer.alloc(10_000, String(n))))]
  bytes.fill(0)
  await writes[0]
  await Promise.all(writes)
  t.equal(text(await storage.read('a')), '4'.repeat(10_000))
})

void tap.test('names stay in the folder, sizes have a bound, and the file system has its say', async (t) => {
  const folder = t.testdir({ large: 'x'.repeat(11), 'a-file': '', 'a-folder': {} })
  const storage = createFileStorage(folder, { maxBytes: 10 })
  for (const name of ['', '.', '..', '../x', 'a/b', '.hidden', 'a\0', 'x'.repeat(201), 'a\\b']) {
    await t.rejects(storage.read(name), RangeError, name)
    await t.rejects(storage.write(name, new Uint8Array(0)), RangeError, name)
    await t.rejects(storage.remove(name), RangeError, name)
  }
  await t.rejects(storage.read('large'), { code: 'ERR_STORAGE_TOO_LARGE' })
  await t.rejects(storage.write('a-folder', new Uint8Array(1)), { code: 'ERR_STORAGE_FAILED' })
  await storage.write('after', new Uint8Array(1))
  t.equal((await storage.read('after'))?.length, 1, 'a failure holds nothing up')
  await t.rejects(createFileStorage(join(folder, 'a-file')).write('x', new Uint8Array(0)), { code: 'ERR_STORAGE_FAILED' })
  await mkdir(join(folder, 'later'))
})

void tap.test('IAM on files: made once, kept, and refused when torn', async (t) => {
  const folder = t.testdir()
  const { clock, random } = createNodeHost()
  const open = (): ReturnType<typeof openIam> => openIam({ storage: createFileStorage(folder) }, { clock, random, log: silentLog })
  const first = await open()
  await first.users.create('ann', { role: 'Guest' })
  first.auditLogin({ id: '1', clientFingerprint: undefined, isLocal: false, isVirtual: true }, 'password', 'ann', false)
  await first.close()
  const second = await open()
  t.equal(second.users.find('ann')?.role, 'Guest')
  t.same(second.audit.events().map(({ user, outcome }) => [user, outcome]), [['ann', 'refused']])
  await writeFile(join(folder, 'iam_state.json'), '{"Version":2,"Users":[{"Usern')
  await t.rejects(open(), { code: 'ERR_IAM_STATE', message: /kept as iam_state.json.rejected-[0-9a-f]{8}/ })
  t.ok((await readdir(folder)).some((file) => file.startsWith('iam_state.json.rejected-')))
})
