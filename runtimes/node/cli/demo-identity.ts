import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { newDeviceId, newProductId } from '../../../lib/cloud/index.ts'
import { generatePrivateKey, parsePrivateKey, privateKeyToPem, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { createNodeHost } from '../host.ts'
import { type Terminal } from './command.ts'
import { readSecretText, readText, writeNew } from './files.ts'

/** What the demo's camera is, from one start to the next. */
export interface DemoIdentity {
  productId: string
  deviceId: string
  keyFile: string
  publicKeyPem: string
  /** Where the camera keeps its users. */
  dataFolder: string
  /** Whether it was made just now. */
  isNew: boolean
}

/** Reads the identity of the demo's camera from a folder; makes what is missing, for its owner alone. */
export function loadDemoIdentity(folder: string, terminal: Pick<Terminal, 'note'>): DemoIdentity {
  const { random, nativeCrypto } = createNodeHost()
  const keyFile = join(folder, 'camera-key.pem')
  const idsFile = join(folder, 'camera.json')
  const isNew = !existsSync(keyFile)
  if (isNew) writeNew(keyFile, privateKeyToPem(generatePrivateKey(random, nativeCrypto)), 0o600)
  if (!existsSync(idsFile)) writeNew(idsFile, `${JSON.stringify({ productId: newProductId(random), deviceId: newDeviceId(random) })}\n`, 0o600)
  return {
    ...readIds(idsFile),
    keyFile,
    publicKeyPem: publicKeyToPem(parsePrivateKey(readSecretText(keyFile, terminal)).publicKey),
    dataFolder: join(folder, 'camera'),
    isNew,
  }
}

function readIds(file: string): { productId: string; deviceId: string } {
  try {
    const { productId, deviceId } = JSON.parse(readText(file)) as Record<string, unknown>
    if (typeof productId === 'string' && typeof deviceId === 'string') return { productId, deviceId }
  } catch (thrown) {
    if (thrown instanceof LenskeyError) throw thrown
  }
  throw new LenskeyError('ERR_DEMO_IDENTITY', `${file} is damaged; remove it, and the next start makes new IDs`)
}
