// A guarded camera under Deno, from the sources: `camera.ts ENDPOINT PRODUCT DEVICE KEY_FILE PASSWORD`. It has a user `maria`.
import { createSigner, parsePrivateKey } from '../../lib/crypto/index.ts'
import { createCamera, createCameraGuard, DeviceTokenGenerator } from '../../lib/device/index.ts'
import { openIam } from '../../lib/iam/index.ts'
import { createDenoHost } from '../../runtimes/deno/index.ts'
import { createMemoryStorage } from '../../runtimes/memory/index.ts'
import { attachVideo, createClipSource } from '../../runtimes/node/media/index.ts'
import { loadEngine } from '../../runtimes/node/webrtc/index.ts'

declare const Deno: { args: string[]; readTextFile(path: string): Promise<string> }

const [endpointUrl, productId, deviceId, keyFile, password] = Deno.args
const host = createDenoHost({ log: (level, event, data) => { console.error(level, event, JSON.stringify(data)) } })
const signer = createSigner(parsePrivateKey(await Deno.readTextFile(keyFile), host), host)
const iam = await openIam({ storage: createMemoryStorage() }, host)
await iam.users.create('maria', { role: 'Guest', password })
const guard = createCameraGuard({ iam, signer, host })
const tokens = new DeviceTokenGenerator(productId, deviceId, signer, host)
const video = createClipSource()

const camera = createCamera({
  endpointUrl, productId, deviceId, tokenGenerator: () => tokens.generateToken(), access: { guarded: true },
  createPeerConnection: await loadEngine('werift', { loopbackOnly: true }),
  attach: (session) => { guard.attach(session, { video: () => attachVideo(session.peerConnection, video) }) },
}, host)
camera.device.on('connectionstatechange', () => { console.log(camera.device.connectionState) })
camera.start()
