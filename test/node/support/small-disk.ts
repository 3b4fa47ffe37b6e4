import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { startProgram } from './board.ts'
import { temporaryFolder } from './service.ts'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

/** A disk that can be full. Programs see it that are started with `command` before them; it is gone with the test. */
export interface SmallDisk {
  readonly command: readonly string[]
  readonly folder: string
  read(name: string): Buffer
  has(name: string): boolean
  /** Leaves no room at all. */
  fill(): void
  makeRoom(): void
}

/** Why there can be none; false where there can. */
export const skipSmallDisk = (): string | false =>
  spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0 ? false : 'a disk to fill needs root and mounts of its own (unshare --mount)'

/** A tmpfs in a namespace of its own. */
export async function smallDisk(t: TearDown, bytes: number): Promise<SmallDisk> {
  const folder = temporaryFolder(t)
  const keeper = startProgram(t, ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size="$1" none "$0" && echo mounted && exec sleep 600', folder, String(bytes)])
  await keeper.says('mounted')
  const pid = String(keeper.child.pid)
  const path = (name: string): string => `/proc/${pid}/root${folder}/${name}`
  return {
    command: ['nsenter', '--target', pid, '--mount'], folder,
    read: (name) => readFileSync(path(name)),
    has: (name) => statSync(path(name), { throwIfNoEntry: false }) !== undefined,
    fill() {
      try {
        writeFileSync(path('filler'), Buffer.alloc(2 * bytes))
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown
      }
    },
    makeRoom() {
      rmSync(path('filler'))
    },
  }
}
