// Types and lint of both compile settings, side by side. `npm run check -- --fix` lets the linter mend what it can.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const jobs = process.argv.includes('--fix')
  ? [['lint', ['node_modules/eslint/bin/eslint.js', '.', '--fix']]]
  : ['tsconfig.lib.json', 'tsconfig.json'].map((project) => [project, [fileURLToPath(new URL('check-project.mjs', import.meta.url)), project]])

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
