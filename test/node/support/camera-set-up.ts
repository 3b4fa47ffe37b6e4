import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Test } from 'tap'
import { runCli, type Running, startCli, temporaryFolder } from './cli.ts'

/** A rendezvous and a registered camera that is not started yet, all by the command line. */
export interface CameraSetUp {
  service: Running
  endpoint: string
  dataFolder: string
  keyFile: string
  secret: string
  /** `--endpoint`, `--product`, `--device`. */
  address: string[]
  /** Without a secret when that is empty. */
  startCamera: (extra?: string[], sharedSecret?: string) => Promise<Running>
}

export const productId = 'wp-showroom'
export const deviceId = 'wd-frontdoorcamera1'

/** @param serveOptions - of the rendezvous */
export async function setUpCamera(t: Test, serveOptions: string[] = []): Promise<CameraSetUp> {
  const folder = temporaryFolder(t)
  const dataFolder = join(folder, 'data')
  const keyFile = join(folder, 'key.pem')
  const secret = randomBytes(16).toString('hex')
  const service = startCli(t, ['serve', '--listen', '127.0.0.1:0', '--data', dataFolder, '--json', ...serveOptions])
  const { url } = await service.event(({ event }) => event === 'serving')
  const endpoint = String(url)
  const address = ['--endpoint', endpoint, '--product', productId, '--device', deviceId]
  await runCli(t, ['keygen', '--out', keyFile])
  const { code, err } = await runCli(t, ['register', ...address, '--public-key', `${keyFile}.pub`, '--admin-token-file', join(dataFolder, 'admin-token')])
  t.equal(code, 0, err)
  return {
    service, endpoint, dataFolder, keyFile, secret, address,
    async startCamera(extra = [], sharedSecret = secret) {
      const camera = startCli(t, ['camera', ...address, '--key', keyFile, '--loopback', '--json', ...extra], { LENSKEY_SHARED_SECRET: sharedSecret })
      await camera.event(({ event, state }) => event === 'signaling' && state === 'CONNECTED')
      return camera
    },
  }
}
