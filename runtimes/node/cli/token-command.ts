import { type ChildProcess, spawn } from 'node:child_process'
import { LenskeyError } from '../../../lib/errors.ts'
import { type Terminal, UsageError, type Values } from './command.ts'
import { type SecretSource, secretReader } from './files.ts'

export const TOKEN_COMMAND_MS = 20_000
const MAX_TOKEN_BYTES = 16_384
/** What may stand in the header or the body that carries it. */
const TOKEN = /^[\x21-\x7e]+$/

/**
 * A token that may change while the command runs: asked for anew each time it is wanted, by the command of `--…-command` or from what
 * `source` names. Undefined when there is none of them.
 * @throws {UsageError} when both are given
 */
export function tokenReader(source: SecretSource, values: Values, terminal: Terminal): (() => Promise<string>) | undefined {
  const option = source.option.replace(/-file$/, '-command')
  const command = values.optional(option)
  if (command !== undefined) {
    if (values.optional(source.option) !== undefined) throw new UsageError(`choose one of --${option} and --${source.option}`)
    return () => runTokenCommand(command, option, terminal.stop)
  }
  const read = secretReader(source, values, terminal)
  return read && (() => Promise.resolve().then(read))
}

/**
 * Runs a command of the user's shell for a token: the first line of its standard output. Nothing that it prints gets into an error, as
 * there may be a token in it; and nothing of it is left when this ends.
 * @param option - that the command was given by, for messages
 * @param stop - ends it, as the program is asked to stop
 * @throws {LenskeyError} `ERR_TOKEN_COMMAND`
 */
export function runTokenCommand(command: string, option: string, stop: AbortSignal, timeoutMs = TOKEN_COMMAND_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    // In a group of its own, so that what the shell has started can be ended with it.
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'ignore'], detached: process.platform !== 'win32', windowsHide: true })
    const line = createFirstLine()
    let isOver = false
    const end = (problem: string | undefined): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      stop.removeEventListener('abort', onStop)
      process.off('exit', kill)
      if (problem === undefined) {
        resolve(line.text())
        return
      }
      kill()
      child.stdout.destroy()
      reject(new LenskeyError('ERR_TOKEN_COMMAND', `the command of --${option} ${problem}`))
    }
    const kill = (): void => { killGroup(child) }
    const onStop = (): void => { end('was stopped') }
    const timer = setTimeout(() => { end(`gave no token within ${timeoutMs / 1000} s`) }, timeoutMs)
    stop.addEventListener('abort', onStop, { once: true })
    process.once('exit', kill)
    child.stdout.on('data', (chunk: Buffer) => { if (!line.add(chunk)) end(`gave a line of more than ${MAX_TOKEN_BYTES} bytes`) })
    child.once('error', () => { end('cannot be started') })
    child.once('close', (code, signal) => {
      if (code !== 0) end(code === null ? `was ended by ${signal ?? 'a signal'}` : `failed: it ended with code ${code}`)
      else if (!TOKEN.test(line.text())) end(line.text() === '' ? 'printed nothing on its first line' : 'printed something that is no token: letters, digits and signs of ASCII on its first line')
      else end(undefined)
    })
    if (stop.aborted) onStop()
  })
}

interface FirstLine {
  /** False when the line is too long. */
  add(chunk: Buffer): boolean
  /** Without white space around it. */
  text(): string
}

/** What comes after the first line is read and forgotten: a command whose output nobody reads would fail. */
function createFirstLine(): FirstLine {
  let held = Buffer.alloc(0)
  let isWhole = false
  return {
    add(chunk) {
      if (isWhole) return true
      const end = chunk.indexOf(0x0a)
      isWhole = end >= 0
      const part = isWhole ? chunk.subarray(0, end) : chunk
      if (held.length + part.length > MAX_TOKEN_BYTES) return false
      held = Buffer.concat([held, part])
      return true
    },
    text: () => held.toString('utf8').trim(),
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
