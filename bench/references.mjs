// `node bench/references.mjs`: builds, and makes the files of bench/reference/ again. Wants a quiet machine: docs/bench.md.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const output = (...command) => execFileSync(command[0], command.slice(1), { encoding: 'utf8' })
const build = (...args) => execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
build('build.mjs')
build('build-board.mjs', 'x86_64', 'armhf')

const runs = {
  'build-machine-quickjs': ['dist/quickjs/lenskey-camera-x86_64', '--bench', '--label', 'build machine, QuickJS'],
  'build-machine-node': [process.execPath, 'dist/lenskey-bench.node.mjs', '--label', 'build machine, Node'],
  'qemu-arm': ['qemu-arm', 'dist/quickjs/lenskey-camera-armhf', '--bench', '--label', 'qemu-arm, times'],
}
for (const [name, command] of Object.entries(runs)) {
  const text = output(...command)
  console.log(text.slice(0, text.indexOf('{"bench"')))
  writeFileSync(`bench/reference/${name}.json`, text)
}
console.log(output(process.execPath, 'bench/instructions.mjs', 'armhf', 'bench/reference/qemu-arm-instructions.json'))
