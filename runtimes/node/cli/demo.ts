import { fingerprintOf, parsePublicKey } from '../../../lib/crypto/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { type FirstPairing } from '../../camera/iam.ts'
import { startChildCamera } from './child-camera.ts'
import { type Command, type Values } from './command.ts'
import { loadDemoIdentity, type DemoIdentity } from './demo-identity.ts'
import { listenError, parseListen } from './listen.ts'
import { createLog, verboseOption } from './log.ts'
import { cameraOptions, videoOptions } from './options.ts'
import { viewerFolder } from './pages.ts'
import { pairingCard } from './pairing-card.ts'
import { untilStopped } from './until-stopped.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'Start a rendezvous, a camera and the viewer page on this machine',
  options: {
    listen: { value: 'HOST:PORT', help: 'where to listen', default: '127.0.0.1:8080' },
    data: { value: 'DIR', help: 'folder for everything the demo keeps', default: '.demo' },
    engine: cameraOptions.engine,
    ...videoOptions,
    loopback: cameraOptions.loopback,
    ...verboseOption,
  },
  notes: [
    'The first start makes a key, IDs and users for the camera; later starts find them in DIR.',
    'Whoever opens the pairing link first owns the camera; its password stands behind the #, which no server sees.',
  ],
  examples: ['lenskey demo', 'lenskey demo --listen 127.0.0.1:9000 --data ./my-demo'],
  success: 'it was asked to stop, and did',
  async run(values, terminal) {
    const listen = parseListen(values.string('listen'))
    const dataDir = values.string('data')
    const pages = viewerFolder()
    if (pages === undefined) throw new LenskeyError('ERR_PAGES', 'the viewer page is not built; run: npm run build')
    const clock = stopwatch()
    const { registerDevice, startRendezvous } = await import('../service/index.ts')
    const log = createLog(terminal, values.flag('verbose') ? 'debug' : 'error')
    const service = await startRendezvous({ listen, dataDir, pages: { dir: pages }, log })
      .catch((thrown: unknown) => { throw listenError(thrown, listen) })
    try {
      terminal.note(`rendezvous  ${service.url}  (${clock()} ms)`)
      const identity = loadDemoIdentity(dataDir, terminal)
      const { productId, deviceId, publicKeyPem } = identity
      const { kid } = await registerDevice({ endpoint: service.url, adminToken: service.adminToken, productId, deviceId, publicKeyPem })
      terminal.note(`identity    ${productId} ${deviceId}  (${identity.isNew ? `made now, kept in ${dataDir}` : `from ${dataDir}`}, ${clock()} ms)`)

      let pairing: Pairing | undefined
      const camera = startChildCamera(cameraArguments(service.url, identity, values), (event) => {
        if (event.event === 'pairing') pairing = event as unknown as Pairing
        if (terminal.json) terminal.print('', { from: 'camera', ...event })
        else if (event.event === 'viewers') terminal.note(`camera      ${String(event.viewers)} viewer${event.viewers === 1 ? '' : 's'}`)
        else if (event.event === 'paired') terminal.note(`camera      paired with ${String(event.username)}; the link is used up`)
        else if (event.event === 'signaling' && !terminal.stop.aborted) terminal.note(`camera      signaling ${String(event.state)}  (${clock()} ms)`)
      })
      try {
        const stopped = untilStopped(terminal.stop)
        await Promise.race([camera.online, stopped])
        if (!terminal.stop.aborted) {
          const url = pairing?.link ?? cameraPage(service.url, identity)
          terminal.print([...(pairing === undefined ? ['', `  ${url}`, ''] : pairingCard(pairing)), 'Open the link to see the camera. Ctrl-C stops everything.'], {
            event: 'ready', url, endpoint: service.url, productId, deviceId, kid, isNew: identity.isNew, paired: pairing === undefined,
          })
        }
        const end = await Promise.race([camera.ended, stopped])
        if (end !== undefined && !terminal.stop.aborted) throw new LenskeyError('ERR_DEMO_CAMERA', `the camera ended: ${end.failure ?? `exit code ${end.code ?? ''}`}`)
      } finally {
        await camera.stop()
      }
    } finally {
      await service.close()
    }
    terminal.print('stopped', { event: 'stopped' })
    return 0
  },
}

type Pairing = FirstPairing & { event: 'pairing' }

/** For who has paired already: by what the browser knows of the camera, or by a password. */
function cameraPage(endpoint: string, { productId, deviceId, publicKeyPem }: DemoIdentity): string {
  return `${endpoint}/?product=${productId}&device=${deviceId}#fp=${fingerprintOf(parsePublicKey(publicKeyPem))}`
}

/** Milliseconds since the last look. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const elapsed = performance.now() - last
    last += elapsed
    return Math.round(elapsed)
  }
}

function cameraArguments(endpoint: string, { productId, deviceId, keyFile, dataFolder }: DemoIdentity, values: Values): string[] {
  const given = ['engine', 'rtp', 'rtp-codec'].flatMap((name) => {
    const value = values.optional(name)
    return value === undefined ? [] : [`--${name}`, value]
  })
  if (values.flag('loopback')) given.push('--loopback')
  return ['--endpoint', endpoint, '--product', productId, '--device', deviceId, '--key', keyFile, '--data', dataFolder, ...given]
}
