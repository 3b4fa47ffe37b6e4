import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import tap from 'tap'
import { DEFAULT_IAM_LIMITS, parseConfiguration, parseState } from '../../lib/iam/index.ts'
import { createSeededRandom } from '../../runtimes/memory/random.ts'
import { createFileStorage } from '../../runtimes/node/storage.ts'

const writer = fileURLToPath(new URL('./support/iam-writer.js', import.meta.url))

/** One change is: open, write, sync, close, rename, open the folder, sync it, close it. */
const CALLS_PER_CHANGE = 8

interface Cut {
  /** Changes that were acknowledged before the end, over all runs. */
  acknowledged: number
  signal: string | null
}

/** Runs the writer until it dies, by itself or after so long. */
function cutPower(folder: string, dieAt: number, part: number, afterMs?: number): Promise<Cut> {
  const child = spawn(process.execPath, [writer, folder, String(dieAt), String(part)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '' && afterMs !== undefined) setTimeout(kill, afterMs)
    output += chunk.toString()
  })
  return new Promise((resolve) => {
    child.on('close', (_code, signal) => {
      process.off('exit', kill)
      const lines = output.slice(0, output.lastIndexOf('\n') + 1).trim().split('\n')
      const last = Number(lines[lines.length - 1])
      resolve({ acknowledged: Number.isNaN(last) ? 0 : last, signal })
    })
  })
}

/** The number of the last user in the file; the default state has the administrator. */
async function lastUser(folder: string): Promise<number> {
  const { users } = parseState(await readFile(join(folder, 'iam_state.json')), DEFAULT_IAM_LIMITS)
  return users.length - 1
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lenskey-iam-'))
  try {
    await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

void tap.test('killed at every call of the first start, each file is missing or whole', async (t) => {
  for (let call = 1; call <= 2 * CALLS_PER_CHANGE; call++) {
    await withFolder(async (folder) => {
      const { signal } = await cutPower(folder, call, 0.5)
      t.equal(signal, 'SIGKILL', `call ${call} was reached`)
      const found = (await readdir(folder)).filter((file) => !file.endsWith('.tmp')).sort()
      t.same(found, call <= 5 ? [] : call <= 13 ? ['iam_config.json'] : ['iam_config.json', 'iam_state.json'])
      if (found.includes('iam_config.json')) t.ok(parseConfiguration(await readFile(join(folder, 'iam_config.json'))))
      if (found.includes('iam_state.json')) t.equal(await lastUser(folder), 0)
    })
  }
})

void tap.test('killed at every call to the file system, the state is the old or the new one', (t) => withFolder(async (folder) => {
  await cutPower(folder, 2 * CALLS_PER_CHANGE, 0)
  let before = await lastUser(folder)
  for (let call = 1; call <= CALLS_PER_CHANGE; call++) {
    for (const part of call === 2 ? [0, 0.5, 1] : [0]) {
      const { acknowledged, signal } = await cutPower(folder, call, part)
      const after = await lastUser(folder)
      t.equal(signal, 'SIGKILL', `call ${call} was reached`)
      t.equal(acknowledged, 0, 'and the change not acknowledged')
      t.equal(after - before, call <= 5 ? 0 : 1, `call ${call}: ${call <= 5 ? 'the old' : 'the new'} state`)
      before = after
    }
  }
  const { acknowledged } = await cutPower(folder, CALLS_PER_CHANGE + 1, 0)
  t.equal(acknowledged, before + 1, 'killed after a change, it was acknowledged')
  t.equal(await lastUser(folder), before + 1, 'and is there')
}))

void tap.test('killed at random instants, what was acknowledged is there, and at most one change more', (t) => withFolder(async (folder) => {
  const random = createSeededRandom(5)
  let changes = 0
  for (let cut = 0; cut < 20; cut++) {
    const [delay] = random.bytes(1)
    const { acknowledged } = await cutPower(folder, 0, 0, delay / 4)
    const found = await lastUser(folder)
    changes = Math.max(changes, acknowledged)
    t.ok(found === changes || found === changes + 1, `${changes} acknowledged, ${found} found`)
    changes = found
  }
  t.ok(changes > 20, `${changes} changes in 20 runs`)
  t.equal((await stat(join(folder, 'iam_state.json'))).mode & 0o777, 0o600)
  await createFileStorage(folder).write('other', new Uint8Array(1))
  t.same((await readdir(folder)).filter((file) => file.endsWith('.tmp')), [], 'nothing of the killed is left over')
}))
