// The package as npm would publish it, used by a program of somebody else: every entry resolves, has types, and runs.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import tap from 'tap'

// Below the project, so that what the package depends on is found further up.
const folder = resolve('build/consumer')
const run = (command: string, args: string[]): string => execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const program = `
import { createCamera, createSignalingClient, createSignalingDevice, createViewer, DeviceTokenGenerator, loadEngine, PerfectNegotiation } from 'lenskey'
import { createNodeHost } from 'lenskey/node'
import { startRendezvous } from 'lenskey/service'
import { createMemoryHost } from 'lenskey/memory'
import { encodeHex } from 'lenskey/bytes'
import { LenskeyError } from 'lenskey/errors'
import type { Host } from 'lenskey/runtime'
import { generatePrivateKey } from 'lenskey/crypto'
import { verifyJwt } from 'lenskey/jwt'
import { SignalingError } from 'lenskey/signaling'
import { DeviceConnectionTimeout } from 'lenskey/webrtc'
import { createCamera as portableCamera } from 'lenskey/device'
import { createViewer as portableViewer } from 'lenskey/client'
import { openRendezvous } from 'lenskey/cloud'

const host: Host = createMemoryHost()
const used: unknown[] = [
  createCamera, createSignalingClient, createSignalingDevice, createViewer, DeviceTokenGenerator, loadEngine, PerfectNegotiation, createNodeHost,
  startRendezvous, verifyJwt, DeviceConnectionTimeout, portableCamera, portableViewer, openRendezvous,
]
console.log(used.every((one) => typeof one === 'function'), encodeHex(generatePrivateKey(host.random).d).length, new SignalingError('X') instanceof LenskeyError)
`

void tap.test('the published package', (t) => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'node_modules/lenskey'), { recursive: true })
  const tarball = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trim().split('\n').at(-1) ?? ''
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', 'node_modules/lenskey'])
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'program.ts'), program)
  const tsc = resolve('node_modules/typescript/bin/tsc')
  for (const [module, resolution] of [['preserve', 'bundler'], ['nodenext', 'nodenext']]) {
    const options = ['--ignoreConfig', '--strict', '--target', 'es2022', '--types', 'node', '--module', module, '--moduleResolution', resolution, '--skipLibCheck', 'false']
    try {
      run(process.execPath, [tsc, ...options, 'program.ts'])
    } catch (thrown) {
      t.fail(`types under ${resolution}: ${(thrown as { stdout: string }).stdout}`)
    }
  }
  t.equal(run(process.execPath, ['program.js']).trim(), 'true 64 true')
  t.match(run(process.execPath, ['node_modules/lenskey/dist/cli.js', '--help']), 'lenskey COMMAND')
  const { exports } = JSON.parse(readFileSync(join(folder, 'node_modules/lenskey/package.json'), 'utf8')) as { exports: object }
  const files = [...JSON.stringify(exports).matchAll(/"(\.\/[^"*]+\.(?:js|ts|json))"/g)].map(([, file]) => file)
  t.ok(files.length > 30)
  for (const file of files) t.doesNotThrow(() => readFileSync(join(folder, 'node_modules/lenskey', file)), file)
  rmSync(folder, { recursive: true, force: true })
  t.end()
})
