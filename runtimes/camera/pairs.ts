import { UsageError } from './usage-error.ts'

/**
 * Options that may come often, each of the form NAME=VALUE; of one name the last counts.
 * @param rule - what the error says, such as `role is WORD=ROLE` @throws {UsageError}
 */
export function readPairs(given: readonly string[], rule: string): Record<string, string> {
  return Object.fromEntries(given.map((text): [string, string] => {
    const equals = text.lastIndexOf('=')
    if (equals < 1 || equals === text.length - 1) throw new UsageError(`--${rule}`)
    return [text.slice(0, equals), text.slice(equals + 1)]
  }))
}
