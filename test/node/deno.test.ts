// Deno: camera and client from the sources, each with the permissions that it needs; the bundle; the package as JSR would take it.
import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import tap, { type Test } from 'tap'
import { fingerprintOf, privateKeyToPem } from '../../lib/crypto/index.ts'
import { ensureDeno } from '../../tools/engines.mjs'
import { until } from './support/negotiating-pair.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve, temporaryFolder } from './support/service.ts'

const deno = ensureDeno()
const execute = promisify(execFile)

interface Outcome { stdout: string; stderr: string; failed: boolean }

/** Runs to the end, whatever that is. */
async function run(...args: string[]): Promise<Outcome> {
  try {
    return { ...await execute(deno, args, { timeout: 120_000, env: { ...process.env, NO_COLOR: '1' } }), failed: false }
  } catch (thrown) {
    const { stdout, stderr } = thrown as Outcome
    return { stdout, stderr, failed: true }
  }
}

/** Runs until the test ends. */
function start(t: Test, ...args: string[]): { log: () => string } {
  const child = spawn(deno, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { log += chunk.toString() })
  t.teardown(() => child.kill())
  return { log: () => log }
}

void tap.test('a camera and a client, from the sources', { timeout: 170_000 }, async (t) => {
  const service = await serve(t)
  const { key } = await registerTestDevice(service, { device: DEVICE })
  const folder = temporaryFolder(t)
  const keyFile = join(folder, 'key.pem')
  writeFileSync(keyFile, privateKeyToPem(key), { mode: 0o600 })
  const password = 'a long one of three words'
  const own = [service.url, PRODUCT, DEVICE]
  const sources = '--allow-read=node_modules,runtimes'
  // werift reads its environment, and opens datagram sockets of this machine on ports that the system picks.
  const webrtc = ['--allow-net=127.0.0.1,0.0.0.0', '--allow-env', '--allow-sys=networkInterfaces']

  void t.test('without the network there is no seat, and the log says so', async (t) => {
    const { log } = start(t, 'run', '--no-prompt', `${sources},${folder}`, '--allow-env', '--allow-sys=networkInterfaces', 'test/deno/camera.ts', ...own, keyFile, password)
    await until(() => log().includes('WAIT_RETRY'), 'the refusal', 60_000)
    t.notMatch(log(), 'CONNECTED')
    t.notMatch(log(), password)
  })

  void t.test('this machine is all they need', async (t) => {
    const { log } = start(t, 'run', '--no-prompt', `${sources},${folder}`, ...webrtc, 'test/deno/camera.ts', ...own, keyFile, password)
    await until(() => log().includes('CONNECTED'), 'the seat', 60_000).catch(() => { t.fail(log()) })
    const client = await run('run', '--no-prompt', sources, ...webrtc, 'test/deno/client.ts', ...own, fingerprintOf(key.publicKey), password)
    t.notOk(client.failed, client.stderr + log())
    t.match(JSON.parse(client.stdout), { verified: true, username: 'maria' })
  })
})

void tap.test('the built package, and keys of WebCrypto', { timeout: 60_000 }, async (t) => {
  const { stdout, stderr } = await run('run', '--no-prompt', '--allow-read=dist,node_modules', 'test/deno/bundle.mjs')
  const good = [true, false]
  t.same(JSON.parse(stdout || '{}'), { token: 3, nativeByNative: good, nativeByPortable: good, portableByNative: good, portableByPortable: good }, stderr)
})

void tap.test('JSR would take it', { timeout: 170_000 }, async (t) => {
  const { failed, stderr } = await run('publish', '--dry-run', '--allow-dirty')
  t.notOk(failed, stderr)
  t.match(stderr, 'Dry run complete')
})
