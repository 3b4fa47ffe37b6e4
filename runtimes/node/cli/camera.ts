import { type CameraAccess, createCamera, DeviceTokenGenerator } from '../../../lib/device/index.ts'
import { parsePrivateKey } from '../../../lib/crypto/index.ts'
import { type MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { createNodeHost } from '../host.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { readSecret, readSecretText, sharedSecretSource } from './files.ts'
import { asLenskeyError } from './hints.ts'
import { createLog, verboseOption } from './log.ts'
import { cameraOptions, endpointUrl, openEngine, openVideo, videoOptions } from './options.ts'
import { untilStopped } from './until-stopped.ts'

export const camera: Command = {
  name: 'camera',
  summary: 'Be a camera: take the seat and show video to viewers',
  options: {
    endpoint: cameraOptions.endpoint,
    product: cameraOptions.product,
    device: cameraOptions.device,
    key: cameraOptions.key,
    'shared-secret-file': cameraOptions.sharedSecret,
    'require-authorized': { help: 'serve only viewers that the service has authorized, and go without a shared secret' },
    'max-viewers': { value: 'N', help: 'viewers at a time', default: '8' },
    engine: cameraOptions.engine,
    ...videoOptions,
    loopback: cameraOptions.loopback,
    ...verboseOption,
  },
  notes: [
    'A camera has a shared secret or demands authorized viewers, never neither.',
    'Without --rtp it shows a short clip of its own, over and over.',
    'A source for --rtp: ffmpeg -re -i movie.mp4 -an -c:v libx264 -profile:v baseline -tune zerolatency -pix_fmt yuv420p -g 15 \\',
    '  -x264-params repeat-headers=1 -f rtp "rtp://127.0.0.1:5004?pkt_size=1200", with --rtp 5004 --rtp-codec H264.',
  ],
  examples: [
    'lenskey camera --endpoint http://127.0.0.1:8080 --product wp-showroom --device wd-frontdoorcamera1 \\',
    '  --key camera-key.pem --shared-secret-file secret',
  ],
  success: 'it was asked to stop, and did',
  async run(values, terminal) {
    const access = readAccess(values, terminal)
    const log = createLog(terminal, values.flag('verbose') ? 'debug' : 'error')
    const host = createNodeHost({ log })
    const createPeerConnection = await openEngine(values, log)
    const key = readSecretText(values.string('key'), terminal)
    // A key that cannot work is a failure now, not a warning at every attempt.
    parsePrivateKey(key, host)
    const [productId, deviceId] = [values.string('product'), values.string('device')]
    const tokens = new DeviceTokenGenerator(productId, deviceId, key, host)
    const video = await openVideo(values)
    const { attachVideo } = await import('../media/index.ts')
    let viewers = 0
    const countViewers = (difference: number): void => {
      viewers += difference
      terminal.print(`viewers ${viewers}`, { event: 'viewers', viewers })
    }
    const unit = createCamera<MediaPeerConnection>({
      endpointUrl: endpointUrl(values.string('endpoint')),
      productId,
      deviceId,
      tokenGenerator: () => tokens.generateToken(),
      access,
      maxSessions: values.integer('max-viewers', 1, 64),
      createPeerConnection,
      attach: (session) => {
        const detach = attachVideo(session.peerConnection, video)
        countViewers(1)
        session.onclose = () => {
          detach()
          countViewers(-1)
        }
      },
    }, host)
    unit.device.on('connectionstatechange', () => {
      const state = unit.device.connectionState
      terminal.print(`signaling ${state}`, { event: 'signaling', state })
    })
    unit.device.on('error', (thrown) => {
      const { code, message } = asLenskeyError(thrown)
      terminal.print(`${code}: ${message}; trying again`, { event: 'error', code, message })
    })
    unit.start()
    await untilStopped(terminal.stop)
    unit.close()
    video.close()
    return 0
  },
}

function readAccess(values: Values, terminal: Terminal): CameraAccess {
  const sharedSecret = readSecret(sharedSecretSource, values, terminal)
  const requireAuthorized = values.flag('require-authorized')
  if (sharedSecret !== undefined && requireAuthorized) throw new UsageError('choose one: a shared secret or --require-authorized')
  if (sharedSecret !== undefined) return { sharedSecret }
  if (requireAuthorized) return { requireAuthorized }
  throw new UsageError('--shared-secret-file FILE, LENSKEY_SHARED_SECRET or --require-authorized is needed: a camera that lets anybody in is none')
}
