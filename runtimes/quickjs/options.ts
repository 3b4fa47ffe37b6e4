import { UsageError } from '../camera/usage-error.ts'

/** One option of a command line: `--name VALUE`, or `--name` alone where it has no value. */
export interface Option {
  /** What stands for the value in the help; without one the option is a switch. */
  value?: string
  help: string
  default?: string
  /** May be given several times; values then stand one a line. */
  repeatable?: boolean
}

/**
 * Reads `--name VALUE`, `--name=VALUE` and switches, which get the value `yes`.
 * @throws {UsageError} an option that is not known, is given twice and not repeatable, or lacks its value; anything that is no option
 */
export function parseOptions<Name extends string>(args: readonly string[], known: Record<Name, Option>): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {}
  for (const [name, option] of Object.entries<Option>(known)) if (option.default !== undefined) found[name as Name] = option.default
  const given = new Set<string>()
  for (let at = 0; at < args.length; at++) {
    const [, name = '', attached] = (/^--([a-z-]+)(?:=([\s\S]*))?$/.exec(args[at]) ?? []) as (string | undefined)[]
    if (!Object.prototype.hasOwnProperty.call(known, name)) throw new UsageError(`${args[at]} is no option of this program`)
    const option: Option = known[name as Name]
    const isAgain = given.has(name)
    if (isAgain && option.repeatable !== true) throw new UsageError(`--${name} is given twice`)
    given.add(name)
    if (option.value === undefined) {
      if (attached !== undefined) throw new UsageError(`--${name} takes no value`)
      found[name as Name] = 'yes'
      continue
    }
    if (attached === undefined && at + 1 === args.length) throw new UsageError(`--${name} needs a value: ${option.value}`)
    const value = attached ?? args[++at]
    found[name as Name] = isAgain ? `${found[name as Name] ?? ''}\n${value}` : value
  }
  return found
}

export function helpText(known: Record<string, Option>): string {
  const left = ([name, { value }]: [string, Option]): string => `  --${name}${value === undefined ? '' : ` ${value}`}`
  const entries = Object.entries(known)
  const width = Math.max(...entries.map((entry) => left(entry).length)) + 2
  return entries.map((entry) => `${left(entry).padEnd(width)}${entry[1].help}${entry[1].default === undefined ? '' : ` (default ${entry[1].default})`}`).join('\n')
}

/** @throws {UsageError} */
export function integer(text: string, name: string, least: number, most: number): number {
  const value = Number(text)
  if (!/^[0-9]{1,12}$/.test(text) || value < least || value > most) throw new UsageError(`--${name} is a whole number from ${least} to ${most}`)
  return value
}
