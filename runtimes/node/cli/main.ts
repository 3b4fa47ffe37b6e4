#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { version } from '../../../package.json'
import { type Command, type Given, type Terminal, UsageError, Values } from './command.ts'
import { commands } from './commands.ts'
import { helpFor, helpForAll } from './help.ts'
import { asLenskeyError, hintFor } from './hints.ts'

const stop = new AbortController()

/** A second Ctrl-C does not wait for an orderly end. */
function onSignal(): void {
  if (stop.signal.aborted) process.exit(1)
  stop.abort()
}

function createTerminal(json: boolean): Terminal {
  return {
    print(lines, object) {
      process.stdout.write(`${json ? JSON.stringify(object) : [lines].flat().join('\n')}\n`)
    },
    note(line) {
      if (!json) process.stderr.write(`${line}\n`)
    },
    env: process.env,
    json,
    stop: stop.signal,
  }
}

function parse(command: Command, args: string[]): { given: Given; values: () => Values } {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  }
  for (const [name, { value, repeatable }] of Object.entries(command.options)) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: repeatable === true }
  }
  try {
    const { values: given, positionals } = parseArgs({ args, options, strict: true, allowPositionals: command.operands !== undefined })
    return { given, values: () => new Values(given, positionals, command) }
  } catch (thrown) {
    // Node's own words, without what it says about `--`.
    throw new UsageError((thrown instanceof Error ? thrown.message : String(thrown)).replace(/\. .*$/s, ''))
  }
}

async function main(words: string[]): Promise<number> {
  const name = words.at(0)
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(`${helpForAll(commands, version)}\n`)
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    process.stdout.write(`${version}\n`)
    return 0
  }
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) throw new UsageError(`there is no command ${JSON.stringify(name)}; there are ${commands.map((known) => known.name).join(', ')}`)
  const { given, values } = parse(command, words.slice(1))
  if (given.help === true) {
    process.stdout.write(`${helpFor(command)}\n`)
    return 0
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // Started by another program over a channel: what that program leaves behind ends with it.
  process.once('disconnect', () => { stop.abort() })
  process.channel?.unref()
  return command.run(values(), createTerminal(given.json === true))
}

function report(thrown: unknown): number {
  const error = asLenskeyError(thrown)
  const hint = hintFor(error)
  const { code, message } = error
  if (process.argv.includes('--json')) {
    process.stderr.write(`${JSON.stringify({ error: { code, message, hint } })}\n`)
  } else {
    process.stderr.write(`lenskey: ${code}: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`)
  }
  return thrown instanceof UsageError ? 2 : 1
}

// A reader that has had enough, such as `head`, is no error.
process.stdout.on('error', () => process.exit(0))
process.exitCode = await main(process.argv.slice(2)).catch(report)
// What nobody waits for any more, such as a command asked for the next token, ends with it.
stop.abort()
