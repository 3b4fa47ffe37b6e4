// Counts what qemu-user runs, by a plugin of our own (bench/count-instructions.c).
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

const plugin = 'build/bench/count-instructions.so'
let compiled = false

/**
 * How many instructions of its target a program takes, from its start to its end.
 * @param emulator - such as `qemu-arm`, 7.2 or newer
 */
export function countInstructions(emulator, ...command) {
  if (!compiled) {
    mkdirSync('build/bench', { recursive: true })
    execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', plugin, 'bench/count-instructions.c'])
    compiled = true
  }
  const { status, stderr } = spawnSync(emulator, ['-plugin', plugin, ...command], { encoding: 'utf8' })
  const found = /^instructions (\d+)$/m.exec(stderr)
  if (status !== 0 || found === null) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
  return Number(found[1])
}
