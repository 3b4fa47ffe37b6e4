import { UsageError } from '../../camera/usage-error.ts'

/** An option of a subcommand: a value with a placeholder, or a switch without one. */
export interface Option {
  /** What stands for the value in the help, such as `FILE`; a switch has none. */
  value?: string
  help: string
  required?: boolean
  default?: string
  /** May be given several times. */
  repeatable?: boolean
}

/** A word of a subcommand that stands without a name, in its place. */
export interface Operand {
  /** What stands for it in the help, such as `LINK`. */
  name: string
  help: string
  optional?: boolean
}

export interface Command {
  name: string
  summary: string
  operands?: Operand[]
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

/** Exit code 2. */
export { UsageError }

/** Options as they were parsed. */
export type Given = Record<string, string | boolean | (string | boolean)[] | undefined>

/** The options and operands as given, read by name. */
export class Values {
  readonly #given: Given
  readonly #options: Partial<Record<string, Option>>
  readonly #operands: ReadonlyMap<string, string>
  readonly #again: (given: Given) => Values

  /** @throws {UsageError} for what is missing, and for a word too many */
  constructor(given: Given, words: readonly string[], { options, operands = [] }: Pick<Command, 'options' | 'operands'>) {
    this.#given = given
    this.#options = options
    this.#again = (all) => new Values(all, words, { options, operands })
    this.#operands = new Map(operands.flatMap(({ name }, at) => (at < words.length ? [[name, words[at]]] : [])))
    for (const { name, optional } of operands) if (optional !== true && !this.#operands.has(name)) throw new UsageError(`${name} is needed`)
    if (words.length > operands.length) throw new UsageError(`${JSON.stringify(words[operands.length])} is one word too many`)
    for (const [name, { required, value }] of Object.entries(options)) {
      if (required === true && this.optional(name) === undefined) throw new UsageError(`--${name} ${value ?? ''} is needed`)
    }
  }

  /**
   * The same over what a file says: that counts where the command line says nothing.
   * @param groups - options that are given together: one on the command line leaves the others of the file out
   */
  over(file: Given, groups: readonly (readonly string[])[] = []): Values {
    const given = (name: string): boolean => this.#given[name] !== undefined
    const left = groups.filter((group) => group.some(given)).flat()
    return this.#again({ ...Object.fromEntries(Object.entries(file).filter(([name]) => !left.includes(name))), ...this.#given })
  }

  /** Undefined when an optional one is not given. */
  operand(name: string): string | undefined {
    return this.#operands.get(name)
  }

  /** Every value of a repeatable option, in order. */
  list(name: string): string[] {
    const value = this.#given[name]
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
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
