import { type CameraAccess, type CameraOptions, createCamera, DeviceTokenGenerator } from '../../../lib/device/index.ts'
import { createSigner, fingerprintOf, parsePrivateKey } from '../../../lib/crypto/index.ts'
import type { Iam } from '../../../lib/iam/index.ts'
import type { SignalingDevice } from '../../../lib/signaling/index.ts'
import { type MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { version } from '../../../package.json'
import { firstPairing, openCameraIam, SHARED_SECRET_USER } from '../../camera/iam.ts'
import { oauthOptions, readOauth } from '../../camera/oauth.ts'
import { readMaxViewers, viewersOptions } from '../../camera/viewers.ts'
import { createRemoteCamera } from '../../camera/remote.ts'
import { createMemoryStorage } from '../../memory/storage.ts'
import { createNodeHost } from '../host.ts'
import { createFileStorage } from '../storage.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { readSecret, readSecretText, sharedSecretSource } from './files.ts'
import { asLenskeyError } from './hints.ts'
import { announceLocalDoor, localDoorOptions, needDoor, openLocalDoor } from './local-door.ts'
import { createLog, verboseOption } from './log.ts'
import { cameraOptions, endpointUrl, openEngine, openVideo, videoOptions } from './options.ts'
import { pairingCard } from './pairing-card.ts'
import { untilStopped } from './until-stopped.ts'

export const camera: Command = {
  name: 'camera',
  summary: 'Be a camera: take the seat and show video to those who may see it',
  options: {
    endpoint: { ...cameraOptions.endpoint, required: false },
    ...localDoorOptions,
    product: cameraOptions.product,
    device: cameraOptions.device,
    key: cameraOptions.key,
    data: { value: 'DIR', help: 'folder for users, roles and the audit; the first start makes them and prints a pairing link' },
    'front-end': { value: 'URL', help: 'page that the pairing link leads to (default the service\'s own)' },
    'shared-secret-file': { ...cameraOptions.sharedSecret, help: `secret that stands for the user ${SHARED_SECRET_USER}; or LENSKEY_SHARED_SECRET` },
    'require-authorized': { help: 'serve only viewers that the service has authorized' },
    'authorized-role': { value: 'ROLE', help: 'role of viewers that the service has authorized (default Guest with --require-authorized, else none)' },
    ...oauthOptions,
    'stream-file': { value: 'FILE', help: 'file that a client gets from stream port 80, with the right Webrtc:FileStream' },
    'max-viewers': { value: 'N', help: 'viewers at a time', default: '8' },
    ...viewersOptions,
    engine: cameraOptions.engine,
    ...videoOptions,
    loopback: cameraOptions.loopback,
    ...verboseOption,
  },
  notes: [
    'A camera has users of its own (--data), a shared secret, or demands authorized viewers: one of them at least.',
    'Roles: Administrator, Standard (view, manage oneself), Guest (view), Unpaired (everybody else: may pair).',
    `The secret is linked to the user ${SHARED_SECRET_USER}, a Guest at first; remove that user, and the secret opens nothing.`,
    'Without --rtp it shows a short clip of its own, over and over.',
    'A source for --rtp: ffmpeg -re -i movie.mp4 -an -c:v libx264 -profile:v baseline -tune zerolatency -pix_fmt yuv420p -g 15 \\',
    '  -x264-params repeat-headers=1 -f rtp "rtp://127.0.0.1:5004?pkt_size=1200", with --rtp 5004 --rtp-codec H264.',
  ],
  examples: [
    'lenskey camera --endpoint http://127.0.0.1:8080 --product wp-showroom --device wd-frontdoorcamera1 \\',
    '  --key camera-key.pem --data ./camera',
    'lenskey camera --endpoint http://127.0.0.1:8080 --product wp-showroom --device wd-frontdoorcamera1 \\',
    '  --key camera-key.pem --shared-secret-file secret',
    'lenskey camera --local 0.0.0.0:8080 --product wp-showroom --device wd-frontdoorcamera1 --key camera-key.pem --data ./camera',
  ],
  success: 'it was asked to stop, and did',
  async run(values, terminal) {
    needDoor(values)
    const access = readAccess(values, terminal)
    const oauth = readOauth({
      issuer: values.optional('oauth-issuer'), jwks: values.optional('oauth-jwks'), roles: values.list('oauth-role'), claim: values.string('oauth-claim'),
    })
    const log = createLog(terminal, values.flag('verbose') ? 'debug' : 'error')
    const host = createNodeHost({ log })
    const createPeerConnection = await openEngine(values, log)
    const keyText = readSecretText(values.string('key'), terminal)
    // A key that cannot work is a failure now, not a warning at every attempt.
    const signer = createSigner(parsePrivateKey(keyText, host), host)
    const [endpoint, productId, deviceId] = [values.optional('endpoint'), values.string('product'), values.string('device')]
    const fingerprint = fingerprintOf(signer.publicKey, host.nativeCrypto)
    const tokens = new DeviceTokenGenerator(productId, deviceId, signer, host)
    const folder = values.optional('data')
    const storage = folder === undefined ? createMemoryStorage() : createFileStorage(folder)
    const iam = await openCameraIam({
      productId, deviceId, app: { appName: 'lenskey', appVersion: version }, storage, isKept: folder !== undefined, hasSharedSecret: access.sharedSecret !== undefined,
    }, host)
    if (access.sharedSecret !== undefined && iam.users.find(SHARED_SECRET_USER) === undefined) {
      terminal.note(`warning: there is no user ${SHARED_SECRET_USER}, so the shared secret opens nothing`)
    }
    const video = await openVideo(values)
    const { createNodeCameraSessions } = await import('./camera-sessions.ts')
    let viewers = 0
    const countViewers = (difference: number): void => {
      viewers += difference
      terminal.print(`viewers ${viewers}`, { event: 'viewers', viewers })
    }
    const sessions = createNodeCameraSessions({
      iam, signer, host, video, countViewers, oauth, storage, productId, deviceId, file: values.optional('stream-file'), maxViewers: readMaxViewers(values.list('max-viewers-of')),
      authorizedRole: values.optional('authorized-role') ?? (access.requireAuthorized === true ? 'Guest' : undefined),
    })
    const { attach, dialects } = sessions
    const options = {
      productId, deviceId, access, createPeerConnection, attach, dialects, maxSessions: values.integer('max-viewers', 1, 64), sessions: new Set(),
    } satisfies Partial<CameraOptions<MediaPeerConnection>>
    const door = await openLocalDoor(values, { productId, deviceId, publicKey: signer.publicKey, fingerprint, iam }, host)
    const local = door && createCamera<MediaPeerConnection>({
      ...options, ...door.inner,
      attach: (session) => { sessions.attach(session, { isLocal: () => door.isNear(session.channelId) }) },
    }, { ...host, ...door.inner })
    const remote = endpoint === undefined ? undefined : createRemoteCamera<MediaPeerConnection>({
      ...options, iam, endpointUrl: endpointUrl(endpoint), tokenGenerator: () => tokens.generateToken(),
    }, host)
    if (remote !== undefined) reportSignaling(remote.device, terminal)
    const page = endpoint === undefined ? door?.url ?? '' : endpointUrl(endpoint)
    announcePairing(iam, { frontEnd: values.optional('front-end') ?? `${page}/#`, productId, deviceId, fingerprint }, terminal)
    local?.start()
    if (door !== undefined) announceLocalDoor(door, terminal)
    remote?.start()
    await untilStopped(terminal.stop)
    local?.close()
    remote?.close()
    await door?.close()
    sessions.close()
    video.close()
    await iam.close()
    return 0
  },
}

/** Says how it stands with the service. */
function reportSignaling(device: SignalingDevice, terminal: Terminal): void {
  device.on('connectionstatechange', () => {
    const state = device.connectionState
    terminal.print(`signaling ${state}`, { event: 'signaling', state })
  })
  device.on('error', (thrown) => {
    const { code, message } = asLenskeyError(thrown)
    terminal.print(`${code}: ${message}; trying again`, { event: 'error', code, message })
  })
}

/** Prints the link for as long as the camera has no owner, and says when it has one. */
function announcePairing(iam: Iam, at: Parameters<typeof firstPairing>[1], terminal: Terminal): void {
  const first = firstPairing(iam, at)
  if (first === undefined) return
  terminal.print(pairingCard(first), { event: 'pairing', ...first })
  const stop = iam.onChange(() => {
    if (firstPairing(iam, at) !== undefined) return
    stop()
    terminal.print(`paired with ${first.username}; the link is used up`, { event: 'paired', username: first.username })
  })
}

function readAccess(values: Values, terminal: Terminal): Extract<CameraAccess, { guarded: true }> {
  const sharedSecret = readSecret(sharedSecretSource, values, terminal)
  const requireAuthorized = values.flag('require-authorized')
  if (sharedSecret === undefined && !requireAuthorized && values.optional('data') === undefined) {
    throw new UsageError('--data DIR, --shared-secret-file FILE, LENSKEY_SHARED_SECRET or --require-authorized is needed: a camera that lets anybody in is none')
  }
  return { guarded: true, sharedSecret, requireAuthorized }
}
