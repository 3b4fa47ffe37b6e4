// The camera as it goes onto a board: one static file per target, against a live rendezvous behind TLS, with a real WebRTC
// engine behind the line protocol.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { execFile } from 'node:child_process'
import tap from 'tap'
import { createCameraClient, parsePairingLink } from '../../lib/client/index.ts'
import { privateKeyToPem } from '../../lib/crypto/index.ts'
import type { MediaPeerConnection, VideoReceiver } from '../../lib/webrtc/index.ts'
import { countVideo, createClipSource, createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { serveEngine } from '../../runtimes/node/webrtc/engine-server.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { targets } from '../../tools/board.mjs'
import { startProgram } from './support/board.ts'
import { DEVICE, PRODUCT, registerTestDevice, serve, temporaryFolder } from './support/service.ts'
import { makeAuthority, tlsFront } from './support/tls-front.ts'

const run = promisify(execFile)
/** Built by `node build-board.mjs`, which `npm test` does. */
const programOf = (target: string): string => `dist/quickjs/lenskey-camera-${target}`

for (const [target, { cc, emulator }] of Object.entries(targets)) {
  const tools = [cc, ...emulator]
  const missing = tools.map((tool) => skipWithout(tool)).find((reason) => reason !== false)
  const skip = missing ?? (!existsSync(programOf(target)) && 'run `node build-board.mjs` first')
  void tap.test(`${target}: from start to a picture`, { timeout: 180_000, skip }, async (t) => {
    const program = [...emulator, programOf(target)]
    const { stdout } = await run(program[0], [...program.slice(1), '--version'])
    t.match(stdout, /^lenskey-camera \d+\.\d+\.\d+/)

    const folder = temporaryFolder(t)
    const authority = makeAuthority(folder)
    const service = await serve(t, { trustedProxies: ['127.0.0.1'] })
    const front = await tlsFront(t, authority.issue('server'), Number(new URL(service.url).port))
    const { key } = await registerTestDevice(service)
    const secret = randomBytes(16).toString('hex')
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const video = createClipSource()
    const createPeerConnection = await loadEngine('werift', { loopbackOnly: true })
    const socket = join(folder, 'engine.sock')
    const engine = await serveEngine({ path: socket, createPeerConnection, video })
    t.teardown(() => {
      engine.close()
      video.close()
    })
    mkdirSync(join(folder, 'data'))
    const endpoint = `https://localhost:${front.port}`
    const args = [
      '--endpoint', endpoint, '--product', PRODUCT, '--device', DEVICE, '--key', file('key.pem', privateKeyToPem(key)),
      '--ca', authority.caFile, '--data', join(folder, 'data'), '--shared-secret-file', file('secret', secret), '--engine', socket, '--log-level', 'info',
    ]
    const invitation = await run(program[0], [...program.slice(1), ...args, '--print-invitation'])
    const { username, password, fingerprint } = parsePairingLink(invitation.stdout)

    const camera = startProgram(t, [...program, ...args])
    await camera.says('signaling CONNECTED', 60_000)
    t.same([...new Set(front.names)], ['localhost'], 'the name of the server is sent')
    await camera.says('engine.ready')

    let frames = (): number => 0
    const client = createCameraClient<MediaPeerConnection>({
      productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url, sharedSecret: secret, createPeerConnection,
      attach: (connection) => {
        connection.onVideo = (receiver: VideoReceiver) => {
          const count = countVideo(receiver)
          frames = () => count.frames
        }
      },
    }, createNodeHost())
    t.teardown(() => {
      client.close()
    })
    client.start()
    await client.ready()
    await client.verify({ fingerprint })
    await client.authenticate({ username, password })
    t.equal((await client.coap('GET', '/iam/me')).code, '2.05', 'a paired answer over CoAP')
    const deadline = Date.now() + 20_000
    while (frames() < 5 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    t.ok(frames() >= 5, 'the picture')

    // The link flaps; the camera takes its seat again.
    const before = camera.output.split('signaling CONNECTED').length
    front.cut()
    const again = Date.now() + 60_000
    while (camera.output.split('signaling CONNECTED').length === before && Date.now() < again) await new Promise((resolve) => setTimeout(resolve, 50))
    t.ok(camera.output.split('signaling CONNECTED').length > before, 'connected again')
    t.equal(await camera.stop(), 0)
    t.notMatch(camera.output + camera.errors, new RegExp(`${secret}|${password}`), 'no secret is said')
  })
}
