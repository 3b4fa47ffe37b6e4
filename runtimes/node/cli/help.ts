import { type Command, type Option } from './command.ts'

const common: Record<string, Option> = {
  json: { help: 'print JSON, one object a line, for programs to read' },
  help: { help: 'print this' },
}

function table(rows: [string, string][]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

export function helpFor(command: Command): string {
  const entries = Object.entries(command.options)
  const needed = entries.filter(([, { required }]) => required === true).map(([name, { value = '' }]) => ` --${name} ${value}`)
  const { operands = [] } = command
  const words = operands.map(({ name, optional }) => (optional === true ? ` [${name}]` : ` ${name}`))
  const options = Object.entries({ ...command.options, ...common }).map(([name, { value, help, default: usual }]): [string, string] => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    usual === undefined ? help : `${help} (default ${usual})`,
  ])
  const section = (title: string, lines: string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines])
  return [
    `${command.summary}.`,
    ...section('Usage', [`  lenskey ${command.name}${words.join('')}${needed.join('')}${entries.length > needed.length ? ' [options]' : ''}`]),
    ...section('Words', table(operands.map(({ name, help }) => [name, help]))),
    ...section('Options', table(options)),
    ...section('Notes', (command.notes ?? []).map((line) => `  ${line}`)),
    ...section('Examples', command.examples.map((line) => `  ${line}`)),
    ...section('Exit codes', table([
      ['0', command.success ?? 'it worked'],
      ['1', 'it failed; the line on standard error says why'],
      ['2', 'the command line was wrong'],
    ])),
  ].join('\n')
}

export function helpForAll(commands: Command[], version: string): string {
  return [
    `lenskey ${version}: an identity for cameras, reached through servers that need not be trusted.`,
    '',
    'Usage',
    '  lenskey COMMAND [options]',
    '',
    'Commands',
    ...table(commands.map(({ name, summary }) => [name, summary])),
    '',
    '`lenskey COMMAND --help` shows options, examples and exit codes. Start with `lenskey demo`.',
  ].join('\n')
}
