import { isIPv4 } from 'node:net'
import { type Command, type Terminal, UsageError } from './command.ts'
import { type FoundCamera } from '../discovery/read-answer.ts'
import { createLog, verboseOption } from './log.ts'

export const discover: Command = {
  name: 'discover',
  summary: 'List the cameras that answer in this network',
  options: {
    seconds: { value: 'N', help: 'how long to listen', default: '3' },
    interface: { value: 'ADDRESS', help: 'look in the network in which this machine has this IPv4 address (default: in all)', repeatable: true },
    ...verboseOption,
  },
  notes: [
    'Cameras that run with --local answer, by mDNS (_lenskey._tcp). Nobody vouches for what they say of themselves:',
    'compare the fingerprint with the one that the camera prints.',
  ],
  examples: ['lenskey discover', 'lenskey discover --seconds 10 --json'],
  success: 'at least one camera answered',
  async run(values, terminal) {
    const seconds = values.integer('seconds', 1, 600) ?? 3
    const addresses = values.list('interface')
    if (!addresses.every(isIPv4)) throw new UsageError('--interface is an IPv4 address of this machine, such as 192.168.1.20')
    const { discover: listen } = await import('../discovery/discover.ts')
    const found = await listen({
      timeMs: seconds * 1000, addresses: addresses.length === 0 ? undefined : () => addresses, stop: terminal.stop,
      log: createLog(terminal, values.flag('verbose') ? 'debug' : 'error'), onFound: (camera) => { print(camera, terminal) },
    })
    if (found.length === 0) terminal.note(`no camera answered within ${seconds} seconds`)
    return found.length === 0 ? 1 : 0
  },
}

function print(camera: FoundCamera, terminal: Terminal): void {
  const { name, url, endpoint, productId, deviceId, fingerprint, pairing } = camera
  const at = `--endpoint ${endpoint} --product ${productId} --device ${deviceId} --fingerprint ${fingerprint}`
  terminal.print([
    `${name}  ${url}`,
    `  product ${productId}  device ${deviceId}`,
    `  key ${fingerprint}`,
    ...(pairing.includes('initial') ? ['  has no owner yet; make it yours in the page, or with', `  lenskey pair --mode local-initial ${at} --profile camera.json`] : []),
    ...(pairing.includes('open') ? ['  takes new users from this network; become one in the page, or with', `  lenskey pair --mode local-open --user NAME ${at} --profile camera.json`] : []),
  ], { event: 'camera', ...camera })
}
