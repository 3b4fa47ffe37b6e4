// Installs what the tests use beyond npm when it is missing and we are root on Debian; otherwise says what will be skipped.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { installLine, locate, missing } from './requirements.mjs'

const wanted = missing()
const canInstall = existsSync('/etc/debian_version') && process.getuid?.() === 0 && locate('apt-get') !== undefined
const apt = (...args) => execFileSync('apt-get', args, {
  stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 << 20,
})

if (wanted.length > 0 && canInstall) {
  console.log(`installing for the tests: ${wanted.map(({ tool }) => tool).join(', ')}`)
  apt('update', '-qq')
  apt('install', '-y', '-qq', '--no-install-recommends', ...wanted.flatMap(({ packages }) => packages))
} else if (wanted.length > 0) {
  for (const { tool, suites } of wanted) console.log(`no ${tool} here, so these tests will be skipped: ${suites}`)
  console.log(`to have them run, as root: ${installLine(wanted)}`)
}
