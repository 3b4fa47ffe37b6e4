import { LenskeyError } from '../../../lib/errors.ts'

/** An option of a subcommand: a value with a placeholder, or a switch without one. */
export interface Option {
  /** What stands for the value in the help, such as `FILE`; a switch has none. */
  value?: string
  help: string
  required?: boolean
  default?: string
}

export interface Command {
  name: string
  summary: string
  /** Lower-case names without the dashes; `--help` and `--json` are added to every command. */
  options: Record<string, Option>
  /** Lines under the options: what they leave unsaid. */
  notes?: string[]
  examples: string[]
  /** What exit code 0 means, where it is more than "it worked". */
  success?: string
  /** @returns the exit code: 0 or 1 */
  run(values: Values, terminal: Terminal): Promise<number>
}

/** Where a command's words go, and what tells it to stop. */
export interface Terminal {
  /** The result, on standard output: lines for people, or with `--json` the object alone on one line. */
  print(lines: string | string[], json: Record<string, unknown>): void
  /** A remark for people, on standard error; nothing with `--json`. */
  note(line: string): void
  env: NodeJS.ProcessEnv
  json: boolean
  /** Aborted by Ctrl-C (SIGINT) or SIGTERM. */
  stop: AbortSignal
}

/** The command line was wrong: exit code 2. */
export class UsageError extends LenskeyError {
  constructor(message: string) {
    super('ERR_USAGE', message)
    this.name = 'UsageError'
  }
}

/** The options as given, read by name. */
export class Values {
  readonly #given: Record<string, string | boolean | undefined>
  readonly #options: Partial<Record<string, Option>>

  constructor(given: Record<string, string | boolean | undefined>, options: Record<string, Option>) {
    this.#given = given
    this.#options = options
    for (const [name, { required, value }] of Object.entries(options)) {
      if (required === true && this.optional(name) === undefined) throw new UsageError(`--${name} ${value ?? ''} is needed`)
    }
  }

  flag(name: string): boolean {
    return this.#given[name] === true
  }

  optional(name: string): string | undefined {
    const value = this.#given[name] ?? this.#options[name]?.default
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  string(name: string): string {
    const value = this.optional(name)
    if (value === undefined) throw new UsageError(`--${name} is needed`)
    return value
  }

  /** A whole number within limits; undefined when not given. */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) throw new UsageError(`--${name} is a whole number from ${min} to ${max}`)
    return value
  }

  /** One of some words; undefined when not given. */
  choice<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    const word = words.find((candidate) => candidate === text)
    if (word === undefined) throw new UsageError(`--${name} is ${words.join(' or ')}`)
    return word
  }
}
