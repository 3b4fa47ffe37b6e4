// Started by iam-power-cut.test.ts as a process of its own: makes users one after the other, says so after each, and dies at
// one of its calls to the file system if it is told to. argv: folder, number of the call to die at (0: none), part of the
// bytes that a call to write still gets done before that.
import fs, { type FileHandle } from 'node:fs/promises'
import process from 'node:process'
import { openIam } from '../../../lib/iam/index.ts'
import { silentLog } from '../../../lib/runtime/index.ts'
import { createNodeHost } from '../../../runtimes/node/host.ts'
import { createFileStorage } from '../../../runtimes/node/storage.ts'

const [folder, dieAt, part] = process.argv.slice(2)
let calls = 0
/** Before the call that is the last, the process is gone. */
async function count(partly?: () => Promise<unknown>): Promise<void> {
  if (++calls !== Number(dieAt)) return
  await partly?.()
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => undefined)
}

const { open, rename } = fs
fs.rename = async (...paths) => {
  await count()
  await rename(...paths)
}
fs.open = async (...how) => {
  await count()
  return watched(await open(...how))
}

function watched(file: FileHandle): FileHandle {
  const [writeFile, sync, close] = [file.writeFile.bind(file), file.sync.bind(file), file.close.bind(file)]
  file.writeFile = async (data, options) => {
    const bytes = data as Uint8Array
    await count(() => writeFile(bytes.subarray(0, Math.floor(bytes.length * Number(part))), options))
    await writeFile(bytes, options)
  }
  file.sync = async () => {
    await count()
    await sync()
  }
  file.close = async () => {
    await count()
    await close()
  }
  return file
}

const { clock, random } = createNodeHost()
const iam = await openIam({ storage: createFileStorage(folder) }, { clock, random, log: silentLog })
process.stdout.write('ready\n')
for (let made = iam.users.list().length; ; made++) {
  await iam.users.create(`user-${made}`, { displayName: 'x'.repeat(60) })
  process.stdout.write(`${made}\n`)
  if (dieAt !== '0' && calls > Number(dieAt)) break
}
