// lenskey-bench for a bare engine, in one file: `qjs lenskey-bench.quickjs.js`. It wants `print` of it and nothing else; names of
// engine and processor are given as arguments where there are arguments: ENGINE CPU.
import { version } from '../../package.json'
import { createSeededRandom } from '../memory/random.ts'
import { reportBench } from './report.ts'
import { benchWorks, firstToken } from './works.ts'

declare const print: (line: string) => void
declare const scriptArgs: string[] | undefined

const startedMs = Date.now()
const given = typeof scriptArgs === 'undefined' ? [] : scriptArgs.filter((argument) => !argument.endsWith('.js'))

async function main(): Promise<void> {
  // Nothing secret is made here.
  const host = { random: createSeededRandom(1) }
  await firstToken(host, startedMs)
  const tokenMs = Date.now() - startedMs
  await reportBench(await benchWorks(host), tokenMs, {
    version, engine: given[0] ?? 'bare engine', crypto: null, cpu: given[1] ?? 'unknown', machine: 'unknown', emulated: false, label: null,
    monotonicMs: () => Date.now(), print, memory: () => ({}),
  })
}

main().catch((thrown: unknown) => { print(String(thrown)) })
