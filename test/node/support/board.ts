import { type ChildProcess, spawn } from 'node:child_process'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

/** A program on its way, with what it has said. */
export interface RunningProgram {
  readonly child: ChildProcess
  readonly output: string
  readonly errors: string
  /** Waits for a text in what it prints, from anywhere since its start. */
  says(text: string | RegExp, withinMs?: number): Promise<void>
  /** Exit code, or the name of a signal. */
  readonly ended: Promise<number | string>
  /** Asks it to stop. */
  stop(): Promise<number | string>
}

/** Starts a program that is ended, at the latest, with the test. */
export function startProgram(t: TearDown, command: readonly string[], env: Record<string, string> = {}): RunningProgram {
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const said = { output: '', errors: '' }
  let waiting: (() => void)[] = []
  const news = (): void => {
    for (const wake of waiting.splice(0)) wake()
  }
  child.stdout.on('data', (bytes: Buffer) => {
    said.output += bytes.toString()
    news()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    said.errors += bytes.toString()
    news()
  })
  let isOver = false
  const ended = new Promise<number | string>((resolve) => {
    child.on('error', (error) => {
      said.errors += error.message
      resolve(-1)
    })
    child.on('close', (code, signal) => {
      isOver = true
      news()
      resolve(code ?? signal ?? 'gone')
    })
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    get output() {
      return said.output
    },
    get errors() {
      return said.errors
    },
    ended,
    async stop() {
      child.kill('SIGTERM')
      return ended
    },
    async says(text, withinMs = 30_000) {
      const deadline = Date.now() + withinMs
      const found = (): boolean => (typeof text === 'string' ? said.output.includes(text) || said.errors.includes(text) : text.test(said.output) || text.test(said.errors))
      while (!found()) {
        if (isOver || Date.now() > deadline) throw new Error(`waited for ${String(text)}; it ${isOver ? 'has ended' : 'runs'}; said:\n${said.output}\n${said.errors}`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 200)
          waiting = [...waiting, () => {
            clearTimeout(timer)
            resolve()
          }]
        })
      }
    },
  }
}
