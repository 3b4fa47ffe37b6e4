import { DeviceTokenGenerator } from '../../../lib/device/index.ts'
import { createNodeHost } from '../host.ts'
import { type Command } from './command.ts'
import { readSecretText } from './files.ts'
import { cameraOptions } from './options.ts'

export const token: Command = {
  name: 'token',
  summary: 'Print a device token, alone on one line',
  options: {
    product: cameraOptions.product,
    device: cameraOptions.device,
    key: cameraOptions.key,
  },
  notes: ['Whoever has the token can take the seat of the device for 24 hours: pipe it, do not paste it.'],
  examples: [
    'lenskey token --product wp-showroom --device wd-frontdoorcamera1 --key camera-key.pem',
    'curl -H "Authorization: Bearer $(lenskey token --product … --device … --key …)" …',
  ],
  async run(values, terminal) {
    const key = readSecretText(values.string('key'), terminal)
    const generator = new DeviceTokenGenerator(values.string('product'), values.string('device'), key, createNodeHost())
    const jwt = await generator.generateToken()
    terminal.print(jwt, { token: jwt })
    return 0
  },
}
