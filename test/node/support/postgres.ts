import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { locate } from '../../../tools/requirements.mjs'
import { freePort } from './free-port.ts'

const isRoot = process.getuid?.() === 0

export interface Postgres {
  url: string
  /** Stops it at once, as a lost server would be. */
  stop(): Promise<void>
}

/** A PostgreSQL of its own in a new folder, reached through a port that was free. Gone when this process is, however it ends. */
export async function startPostgres(): Promise<Postgres> {
  const initdb = locate('initdb')
  if (initdb === undefined) throw new Error('PostgreSQL is not installed')
  const programs = dirname(realpathSync(initdb))
  const dir = mkdtempSync(join(tmpdir(), 'lenskey-postgres-'))
  const data = join(dir, 'data')
  if (isRoot) {
    // PostgreSQL refuses to run as root.
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })))
    chownSync(dir, uid, gid)
    chmodSync(dir, 0o700)
  }
  execFileSync(...asPostgres(initdb, ['-D', data, '-U', 'lenskey', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']), { stdio: 'ignore', cwd: '/' })
  const port = await freePort()
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', dir, '-c', 'fsync=off', '-c', 'shared_buffers=16MB', '-c', 'max_connections=40']
  const server = spawn(...asPostgres(join(programs, 'postgres'), options), { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const clean = (): void => {
    kill(server)
    rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', clean)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const words = await untilReady(server)
  if (!isRunning(server)) throw new Error(`PostgreSQL did not start: ${words}`)
  return {
    url: `postgres://lenskey@127.0.0.1:${port}/postgres`,
    async stop() {
      kill(server)
      await ended
      process.off('exit', clean)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** `setpriv` becomes the program it starts, so that a signal to the child reaches PostgreSQL. */
function asPostgres(program: string, options: string[]): [string, string[]] {
  return isRoot ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', '--pdeathsig=QUIT', program, ...options]] : [program, options]
}

const isRunning = (server: ChildProcess): boolean => server.exitCode === null && server.signalCode === null

/** SIGQUIT: an immediate shutdown, children included. */
function kill(server: ChildProcess): void {
  if (isRunning(server)) server.kill('SIGQUIT')
}

/** What it logged until it was ready, or until it ended. */
async function untilReady(server: ChildProcess): Promise<string> {
  let words = ''
  for await (const chunk of server.stderr ?? []) {
    words = (words + String(chunk)).slice(-4000)
    if (words.includes('ready to accept connections')) break
  }
  return words
}
