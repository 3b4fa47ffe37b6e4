// Streams between Chromium and a camera, through a real rendezvous: 64 MB up and 64 MB down at once, whole by their hashes.
import { createHash, randomBytes } from 'node:crypto'
import { buildSync } from 'esbuild'
import tap from 'tap'
import { createDeviceStreams } from '../../lib/device/index.ts'
import { createNodeHost, loadEngine } from '../../runtimes/node/index.ts'
import { skipWithout } from '../../tools/requirements.mjs'
import { launchChromium } from './support/chromium.ts'
import { serveFiles } from './support/edge-scene.ts'
import { startGuardedCamera } from './support/guarded-camera.ts'
import { DEVICE, PRODUCT, serve } from './support/service.ts'

tap.setTimeout(175_000)

const MEGABYTES = 64
const PIECE = 1 << 20
const PORT = 4711

const script = `
  import { createCameraClient, openDeviceStream } from './lib/client/index.ts'
  import { browserClock, createBrowserHost } from './runtimes/browser/host.ts'

  window.exchange = async ({ ids, fingerprint, username, password, megabytes, port }) => {
    const client = createCameraClient({ ...ids, createPeerConnection: (configuration) => new RTCPeerConnection(configuration) }, createBrowserHost())
    client.start()
    await client.verify({ fingerprint })
    await client.authenticate({ username, password })
    const stream = await openDeviceStream(client, port, browserClock)
    const hex = async (bytes) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const up = new Uint8Array(megabytes << 20)
    for (let at = 0; at < up.length; at += 65536) crypto.getRandomValues(up.subarray(at, at + 65536))
    const down = new Uint8Array(megabytes << 20)
    let received = 0
    const startMs = performance.now()
    const reading = (async () => {
      for await (const piece of stream) {
        // One byte too many throws.
        down.set(piece, received)
        received += piece.length
      }
    })()
    for (let at = 0; at < up.length; at += ${PIECE}) await stream.write(up.subarray(at, at + ${PIECE}))
    await stream.end()
    await reading
    const closed = await stream.closed
    const seconds = (performance.now() - startMs) / 1000
    client.close()
    return { received, seconds, closed: closed === undefined ? 'well' : closed.code, up: await hex(up), down: await hex(down) }
  }
`

void tap.test(`${MEGABYTES} MB each way at once`, { skip: skipWithout('chromium'), timeout: 170_000 }, async (t) => {
  const host = createNodeHost()
  const service = await serve(t)
  const down = Array.from({ length: MEGABYTES }, () => randomBytes(PIECE))
  const up = createHash('sha256')
  let received = 0
  let sent = Promise.resolve()
  const camera = await startGuardedCamera(t, service, await loadEngine('node-datachannel', { loopbackOnly: true }), {
    more: ({ iam }) => {
      const streams = createDeviceStreams({ iam, host })
      streams.listen({
        port: PORT,
        async onStream(stream) {
          sent = (async () => {
            for (const piece of down) await stream.write(piece)
            await stream.end()
          })()
          for await (const bytes of stream) {
            received += bytes.length
            up.update(bytes)
          }
          await sent
        },
      })
      return (session, connection) => { streams.attach(session.peerConnection, connection) }
    },
  })
  const { outputFiles } = buildSync({ stdin: { contents: script, resolveDir: process.cwd(), loader: 'ts' }, bundle: true, write: false, format: 'iife', target: 'es2022' })
  const page = await (await launchChromium(t)).newPage()
  await page.goto(await serveFiles(t, { '/': '<!doctype html><title>streams</title>' }))
  await page.addScriptTag({ content: outputFiles[0].text })
  const options = {
    ids: { productId: PRODUCT, deviceId: DEVICE, endpointUrl: service.url }, fingerprint: camera.fingerprint, username: 'maria', password: camera.password, megabytes: MEGABYTES, port: PORT,
  }
  const found = await page.evaluate<{ received: number; seconds: number; closed: string; up: string; down: string }>(`window.exchange(${JSON.stringify(options)})`)
  const atCamera = createHash('sha256')
  for (const piece of down) atCamera.update(piece)
  t.equal(found.closed, 'well')
  t.equal(found.received, MEGABYTES << 20)
  t.equal(received, MEGABYTES << 20)
  t.equal(found.down, atCamera.digest('hex'), 'what the camera has sent came whole')
  t.equal(up.digest('hex'), found.up, 'and so did what the page has sent')
  t.comment(`${found.seconds.toFixed(1)} s, ${((2 * MEGABYTES) / found.seconds).toFixed(1)} MB/s in all`)
})
