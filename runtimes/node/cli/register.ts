import { parsePublicKey, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { type Command } from './command.ts'
import { adminTokenSource, needSecret, readText } from './files.ts'
import { cameraOptions, endpointUrl } from './options.ts'

export const register: Command = {
  name: 'register',
  summary: 'Make a camera and its public key known to a rendezvous',
  options: {
    endpoint: cameraOptions.endpoint,
    product: cameraOptions.product,
    device: cameraOptions.device,
    'public-key': { value: 'FILE', help: 'public half of the camera\'s key, such as camera-key.pem.pub', required: true },
    'admin-token-file': { value: 'FILE', help: 'token of the admin API, such as DIR/admin-token; or LENSKEY_ADMIN_TOKEN' },
  },
  notes: [
    'Makes the product when there is none. May be repeated: a further key is added to those the camera has.',
    'Product IDs are wp- and 8 characters, device IDs wd- and 16.',
  ],
  examples: [
    'lenskey register --endpoint http://127.0.0.1:8080 --product wp-showroom --device wd-frontdoorcamera1 \\',
    '  --public-key camera-key.pem.pub --admin-token-file data/admin-token',
  ],
  async run(values, terminal) {
    const adminToken = needSecret(adminTokenSource, values, terminal)
    const publicKeyPem = publicKeyToPem(parsePublicKey(readText(values.string('public-key'))))
    const { registerDevice } = await import('../service/admin-client.ts')
    const registered = await registerDevice({
      endpoint: endpointUrl(values.string('endpoint')),
      adminToken,
      productId: values.string('product'),
      deviceId: values.string('device'),
      publicKeyPem,
    })
    const { productId, deviceId, kid, created } = registered
    terminal.print(
      [`${created ? 'registered' : 'already registered'}: ${productId} ${deviceId}`, `kid  ${kid}`],
      { productId, deviceId, kid, created },
    )
    return 0
  },
}
