import fs from 'node:fs/promises'
import { join } from 'node:path'
import { LenskeyError } from '../../lib/errors.ts'
import type { Storage } from '../../lib/runtime/index.ts'

export interface FileStorageOptions {
  /** A larger file is refused; default 4 MiB. */
  maxBytes?: number
}

/**
 * Blobs as files of a folder, for their owner's eyes only (files 0600, the folder, if it has to be made, 0700). A blob is
 * written to a file beside it, brought to the disk, and renamed, and then the folder is brought to the disk: whenever the
 * power goes there is the old blob or the new one, and what was acknowledged stays.
 *
 * Names are those of files: letters, digits, `_`, `-`, `.`, not beginning with a dot.
 *
 * Reading throws {@link LenskeyError} `ERR_STORAGE_TOO_LARGE`; whatever the file system itself refuses is `ERR_STORAGE_FAILED`.
 */
export function createFileStorage(folder: string, { maxBytes = 4 * 1024 * 1024 }: FileStorageOptions = {}): Storage {
  let swept: Promise<void> | undefined
  /** Writes and removals, one after the other. */
  let last: Promise<unknown> = Promise.resolve()

  function inTurn(step: () => Promise<void>): Promise<void> {
    const turn = last.then(step)
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    read: (name) => reported(name, async () => {
      const path = pathOf(folder, name)
      const found = await fs.stat(path).catch(ignoreMissing)
      if (found === undefined) return undefined
      if (found.size > maxBytes) throw new LenskeyError('ERR_STORAGE_TOO_LARGE', `${path} is larger than ${maxBytes} bytes: this is not a file of ours.`)
      return new Uint8Array(await fs.readFile(path))
    }),
    write(name, bytes) {
      const copy = bytes.slice()
      return inTurn(() => reported(name, async () => {
        const path = pathOf(folder, name)
        swept ??= prepare(folder)
        await swept.catch((thrown: unknown) => {
          swept = undefined
          throw thrown
        })
        const temporary = join(folder, `.${name}.${process.pid}.tmp`)
        await writeThrough(temporary, copy)
        await fs.rename(temporary, path)
        await syncFolder(folder)
      }))
    },
    remove: (name) => inTurn(() => reported(name, async () => {
      const removed = await fs.rm(pathOf(folder, name)).then(() => true, ignoreMissing)
      if (removed === true) await syncFolder(folder)
    })),
  }
}

function pathOf(folder: string, name: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/.test(name)) throw new RangeError('a blob is named with letters, digits, _, - and dots, and does not begin with a dot')
  return join(folder, name)
}

async function reported<Result>(name: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step()
  } catch (cause) {
    if (cause instanceof LenskeyError || cause instanceof RangeError) throw cause
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new LenskeyError('ERR_STORAGE_FAILED', `The file ${name} could not be read or written (${reason}): look at its folder's rights and free space.`, { cause })
  }
}

/** Makes the folder, and takes away what writers left behind that were killed in the middle. */
async function prepare(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 })
  for (const file of await fs.readdir(folder)) {
    const writer = /^\..+\.(\d+)\.tmp$/.exec(file)?.[1]
    if (writer !== undefined && !isAlive(Number(writer))) await fs.rm(join(folder, file), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function writeThrough(path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function ignoreMissing(thrown: unknown): undefined {
  if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
}
