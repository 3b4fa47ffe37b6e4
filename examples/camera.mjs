// A camera: ENDPOINT=http://127.0.0.1:8080 PRODUCT=wp-… DEVICE=wd-… KEY_FILE=camera-key.pem SECRET=… node examples/camera.mjs
import { readFileSync } from 'node:fs'
import { attachVideo, createCamera, createClipSource, DeviceTokenGenerator, loadEngine } from 'lenskey'

const { ENDPOINT, PRODUCT, DEVICE, KEY_FILE, SECRET } = process.env
const tokens = new DeviceTokenGenerator(PRODUCT, DEVICE, readFileSync(KEY_FILE, 'utf8'))
const video = createClipSource() // or createRtpSource({ codec: 'H264', port: 5004 })

const camera = createCamera({
  endpointUrl: ENDPOINT, productId: PRODUCT, deviceId: DEVICE,
  tokenGenerator: () => tokens.generateToken(),
  access: { sharedSecret: SECRET },
  createPeerConnection: await loadEngine('auto'),
  attach: (session) => { session.onclose = attachVideo(session.peerConnection, video) },
})
camera.start()
