// Types (both compile settings) and lint, side by side. `npm run check -- --fix` lets the linter mend what it can.
import { spawn } from 'node:child_process'

const jobs = [
  ['types of lib/', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.lib.json']],
  ['types of hosts', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']],
  ['lint', ['node_modules/eslint/bin/eslint.js', '.', ...process.argv.slice(2)]],
]

const run = ([name, args]) =>
  new Promise((resolve) => {
    const started = Date.now()
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.on('close', (code) => {
      process.stdout.write(output)
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
      resolve(code === 0)
    })
  })

const results = await Promise.all(jobs.map(run))
if (results.includes(false)) process.exitCode = 1
