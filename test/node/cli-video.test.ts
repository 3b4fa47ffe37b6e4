// `lenskey camera` and `lenskey view`: video from process to process.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import tap from 'tap'
import { skipWithout } from '../../tools/requirements.mjs'
import { deviceId, productId, setUpCamera } from './support/camera-set-up.ts'
import { type Finished, runCli } from './support/cli.ts'

tap.setTimeout(150_000)

interface Summary {
  event: string
  codec: string
  frames: number
  keyFrames: number
  bytes: number
  selectedPair?: { local: { type: string; address: string }; remote: { type: string; address: string } }
}

const eventsOf = ({ out }: Finished): Record<string, unknown>[] => out.trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>)
const summaryOf = (finished: Finished): Summary | undefined => eventsOf(finished).find(({ event }) => event === 'summary') as unknown as Summary | undefined

for (const engine of ['node-datachannel', 'werift']) {
  void tap.test(`a picture from camera to viewer, both on ${engine}`, { timeout: 60_000 }, async (t) => {
    const { address, secret, startCamera } = await setUpCamera(t)
    const camera = await startCamera(['--engine', engine])
    const view = ['view', ...address, '--loopback', '--engine', engine, '--seconds', '1']
    const [first, second] = await Promise.all([0, 1].map(() => runCli(t, [...view, '--json'], { LENSKEY_SHARED_SECRET: secret })))
    for (const viewer of [first, second]) {
      t.equal(viewer.code, 0, viewer.err)
      const summary = summaryOf(viewer)
      t.ok(summary !== undefined && summary.frames >= 10 && summary.keyFrames >= 1 && summary.bytes > 1000, 'video flowed', { summary })
      t.match(summary, { codec: 'VP8', selectedPair: { local: { address: '127.0.0.1' }, remote: { address: '127.0.0.1' } } })
      const seen = eventsOf(viewer).map(({ event, state, phase }) => typeof phase === 'string' ? phase : `${String(event)} ${String(state)}`)
      for (const step of ['signaling CONNECTED', 'setup', 'offer', 'media connected', 'frame']) t.ok(seen.includes(step), `tells of ${step}`, { seen })
      t.ok(eventsOf(viewer).slice(0, -1).every(({ ms }) => typeof ms === 'number'), 'each with its time')
    }
    t.ok(camera.events().some(({ event, viewers }) => event === 'viewers' && viewers === 2), 'the camera has two viewers at once')

    const words = await runCli(t, view, { LENSKEY_SHARED_SECRET: secret })
    t.match(words.out, /\d+ ms {2}first frame\n[^]*received \d+ frames[^]*selected pair/)
    t.notOk(`${words.out}${words.err}`.includes(secret), 'the secret is not printed')
    const stopped = await camera.interrupt()
    t.equal(stopped.code, 0, 'Ctrl-C is an orderly end')
    t.notOk(`${stopped.out}${stopped.err}`.includes(secret))
  })
}

void tap.test('refusals', { timeout: 60_000 }, async (t) => {
  const { address, secret, keyFile, startCamera, endpoint } = await setUpCamera(t)
  const camera = await startCamera()
  const wrong = await runCli(t, ['view', ...address, '--loopback'], { LENSKEY_SHARED_SECRET: 'not the secret' })
  t.equal(wrong.code, 1)
  t.match(wrong.err, /VERIFICATION_ERROR[^]*same shared secret/)
  t.notMatch(wrong.err, /not the secret/)

  const unknown = await runCli(t, ['view', '--endpoint', endpoint, '--product', productId, '--device', 'wd-aaaaaaaaaaaaaaaa'], { LENSKEY_SHARED_SECRET: secret })
  t.equal(unknown.code, 1)
  t.match(unknown.err, /ERR_SIGNALING_DEVICE_ID_NOT_FOUND[^]*lenskey register/)

  const open = await runCli(t, ['camera', ...address, '--key', keyFile])
  t.equal(open.code, 2, 'a camera without a secret and without a demand')
  t.match(open.err, /--require-authorized/)
  await camera.interrupt()
})

void tap.test('a camera that serves only viewers whom the service has authorized', { timeout: 60_000 }, async (t) => {
  const { address, endpoint, dataFolder, secret, startCamera } = await setUpCamera(t)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const answer = await fetch(`${endpoint}/admin/v1/products/${productId}/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${readFileSync(join(dataFolder, 'admin-token'), 'utf8').trim()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ publicKey: await exportSPKI(publicKey) }),
  })
  const { kid } = (await answer.json()) as { kid: string }
  const accessToken = await new SignJWT({ scope: 'client:connect turn', resource: `urn:nabto:webrtc:${productId}:${deviceId}` })
    .setProtectedHeader({ alg: 'ES256', kid }).setIssuedAt().setExpirationTime('10 minutes').sign(privateKey)

  const camera = await startCamera(['--require-authorized'], '')
  const view = ['view', ...address, '--loopback', '--seconds', '0', '--json']
  const invited = await runCli(t, view, { LENSKEY_ACCESS_TOKEN: accessToken })
  t.equal(invited.code, 0, invited.err)
  const stranger = await runCli(t, view, { LENSKEY_SHARED_SECRET: secret })
  t.equal(stranger.code, 1)
  t.match(JSON.parse(stranger.err), { error: { message: /ACCESS_DENIED/ } })
  const forger = await runCli(t, view, { LENSKEY_ACCESS_TOKEN: `${accessToken.slice(0, -8)}AAAAAAAA` })
  t.equal(forger.code, 1)
  t.match(JSON.parse(forger.err), { error: { code: 'ERR_SIGNALING_HTTP' } })
  t.notOk(forger.err.includes(accessToken.slice(0, 40)), 'the token is not repeated')
  await camera.interrupt()
})

void tap.test('video from ffmpeg over RTP', { skip: skipWithout('ffmpeg'), timeout: 60_000 }, async (t) => {
  const { address, secret, startCamera } = await setUpCamera(t)
  const port = await freeUdpPort()
  const camera = await startCamera(['--rtp', String(port), '--rtp-codec', 'H264'])
  const ffmpeg = spawn('ffmpeg', [
    '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=15', '-t', '30', '-c:v', 'libx264', '-profile:v', 'baseline',
    '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '15', '-x264-params', 'repeat-headers=1', '-f', 'rtp', `rtp://127.0.0.1:${port}?pkt_size=1200`,
  ], { stdio: 'ignore' })
  const kill = (): void => { ffmpeg.kill('SIGKILL') }
  process.once('exit', kill)
  t.teardown(kill)
  const viewer = await runCli(t, ['view', ...address, '--loopback', '--seconds', '1', '--json'], { LENSKEY_SHARED_SECRET: secret })
  t.equal(viewer.code, 0, viewer.err)
  t.match(summaryOf(viewer), { codec: 'H264' })
  await camera.interrupt()
})

void tap.test('the camera of the README', { timeout: 60_000 }, async (t) => {
  const text = readFileSync('examples/camera.mjs', 'utf8')
  t.ok(text.trim().split('\n').length < 20, 'in under twenty lines')
  t.ok(readFileSync('README.md', 'utf8').includes(text.slice(text.indexOf('import')).trim()), 'as the README prints it')

  const { address, endpoint, keyFile, secret } = await setUpCamera(t)
  const camera = spawn(process.execPath, ['examples/camera.mjs'], {
    stdio: 'inherit',
    env: { ...process.env, ENDPOINT: endpoint, PRODUCT: productId, DEVICE: deviceId, KEY_FILE: keyFile, SECRET: secret },
  })
  const kill = (): void => { camera.kill('SIGKILL') }
  process.once('exit', kill)
  t.teardown(kill)
  const viewer = await runCli(t, ['view', ...address, '--seconds', '1', '--json'], { LENSKEY_SHARED_SECRET: secret })
  t.equal(viewer.code, 0, viewer.err)
})

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}
