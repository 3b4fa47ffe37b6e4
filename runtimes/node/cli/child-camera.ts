import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { LenskeyError } from '../../../lib/errors.ts'
import { isObject } from '../../../lib/signaling/json.ts'

const stopPatienceMs = 5000

/** A camera in a process of its own, which ends when we do. */
export interface ChildCamera {
  /** Resolves when it has its seat; rejects when it ends before. */
  online: Promise<void>
  /** Resolves when it has ended, with what it said last if it failed. */
  ended: Promise<{ code: number | null; failure: string | undefined }>
  stop(): Promise<void>
}

/** @param args - of `lenskey camera` */
export function startChildCamera(args: string[], onEvent: (event: Record<string, unknown>) => void): ChildCamera {
  const env = { ...process.env }
  delete env.LENSKEY_ADMIN_TOKEN
  delete env.LENSKEY_SHARED_SECRET
  const child = spawn(process.execPath, [process.argv[1], 'camera', ...args, '--json'], {
    // The channel tells the camera when we are gone, however we went.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env,
  })
  const ended = endOf(child)
  const online = new Promise<void>((resolve, reject) => {
    readEvents(child, (event) => {
      if (event.event === 'signaling' && event.state === 'CONNECTED') resolve()
      onEvent(event)
    })
    void ended.then(({ failure }) => { reject(new LenskeyError('ERR_DEMO_CAMERA', `the camera did not start: ${failure ?? 'it ended'}`)) })
  })
  return {
    online,
    ended,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs)
      await ended
      clearTimeout(timer)
    },
  }
}

function endOf(child: ChildProcess): ChildCamera['ended'] {
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => { complaints = (complaints + chunk.toString()).slice(-4000) })
  return new Promise((resolve) => {
    child.once('error', (error) => { resolve({ code: null, failure: error.message }) })
    child.once('close', (code, signal) => {
      resolve({ code, failure: code === 0 ? undefined : failureIn(complaints) ?? (signal === null ? `exit code ${code ?? ''}` : `ended by ${signal}`) })
    })
  })
}

function readEvents(child: ChildProcess, onEvent: (event: Record<string, unknown>) => void): void {
  if (child.stdout === null) return
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = parseLine(line)
    if (event !== undefined) onEvent(event)
  })
}

/** The error of a command that was run with `--json`. */
function failureIn(complaints: string): string | undefined {
  for (const line of complaints.trim().split('\n').reverse()) {
    const error = parseLine(line)?.error
    if (isObject(error)) return `${String(error.code)}: ${String(error.message)}`
  }
  return complaints.trim().split('\n').at(-1) || undefined
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
