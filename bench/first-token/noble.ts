import { randomBytes } from 'node:crypto'
import { DeviceTokenGenerator } from '../../lib/device/token-generator.ts'
import { keyPem, report } from './key.ts'

const host = { clock: { nowMs: () => Date.now() }, random: { bytes: (length: number) => randomBytes(length) } }
await new DeviceTokenGenerator('wp-product', 'wd-device', keyPem, host).generateToken()
report()
