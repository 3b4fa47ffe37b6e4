import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** The command line as it is built. */
export const cliFile = process.env.LENSKEY_CLI ?? 'dist/cli.js'

export interface Finished {
  code: number | null
  out: string
  err: string
}

/** A command that runs on; ended with the test, whatever happens. */
export interface Running {
  child: ChildProcess
  pid: number
  finished: Promise<Finished>
  /** The first line of standard output, read as JSON, that fits; rejects when the command ends or 20 s have passed. */
  event(fits: (event: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  events(): Record<string, unknown>[]
  /** SIGINT, as Ctrl-C sends it. */
  interrupt(): Promise<Finished>
}

const patienceMs = 20_000

/** @param inside - what the command is started by, such as `ip netns exec NAME` */
export function startCli(t: Test, args: string[], env: Record<string, string> = {}, inside: string[] = []): Running {
  const [program, ...words] = [...inside, process.execPath, cliFile, ...args]
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const killNow = (): void => { child.kill('SIGKILL') }
  process.once('exit', killNow)
  let out = ''
  let err = ''
  let tell = (): void => undefined
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    tell()
  })
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (code) => {
      process.off('exit', killNow)
      resolve({ code, out, err })
      tell()
    })
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const timer = setTimeout(killNow, 5000)
    await finished
    clearTimeout(timer)
  })
  const events = (): Record<string, unknown>[] => out.split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
  return {
    child,
    pid: child.pid ?? 0,
    finished,
    events,
    event(fits) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => { reject(new Error(`not seen within ${patienceMs} ms; standard output:\n${out}\nstandard error:\n${err}`)) }, patienceMs)
        const look = (): void => {
          const found = events().find(fits)
          if (found === undefined && child.exitCode === null && child.signalCode === null) return
          clearTimeout(timer)
          if (found === undefined) reject(new Error(`the command ended; standard output:\n${out}\nstandard error:\n${err}`))
          else resolve(found)
        }
        const before = tell
        tell = () => {
          before()
          look()
        }
        look()
      })
    },
    interrupt() {
      child.kill('SIGINT')
      return finished
    },
  }
}

export function runCli(t: Test, args: string[], env: Record<string, string> = {}, inside: string[] = []): Promise<Finished> {
  return startCli(t, args, env, inside).finished
}

/** A folder that goes with the test. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lenskey-test-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}
