import { type Iam } from '../../../lib/iam/index.ts'
import { type P256PublicKey } from '../../../lib/crypto/index.ts'
import { type Host, type Log } from '../../../lib/runtime/index.ts'
import { type Announcement } from '../discovery/announce.ts'
import { type RunningLocalDoor } from '../service/local-door.ts'
import { ownerless } from '../../camera/iam.ts'
import { type Option, type Terminal, UsageError, type Values } from './command.ts'
import { listenError, parseListen } from './listen.ts'
import { viewerFolder } from './pages.ts'

export const localDoorOptions = {
  local: { value: 'HOST:PORT', help: 'a door of its own for this network, with the viewer page; without --endpoint the only one' },
  'local-pairing': { value: 'MODE', help: 'who in this network may pair until the camera has an owner: initial (be the owner), open (others too, as Guest), off', default: 'initial' },
  'no-announce': { help: 'leave out the announcement by mDNS, which `lenskey discover` hears' },
} satisfies Record<string, Option>

export interface CameraOfDoor {
  productId: string
  deviceId: string
  publicKey: P256PublicKey
  fingerprint: string
  iam: Iam
}

/** A camera's own door, as the command line opens it. */
export interface LocalDoor extends Pick<RunningLocalDoor, 'inner' | 'isNear'> {
  /** Of the page, without a path. */
  url: string
  /** The name under which the page is found too; undefined when it is not announced. */
  announcedUrl: string | undefined
  close(): Promise<void>
}

/** Undefined without `--local`. @throws {UsageError}, {LenskeyError} when the address cannot be taken */
export async function openLocalDoor(values: Values, camera: CameraOfDoor, { clock, log }: Pick<Host, 'clock' | 'log'>): Promise<LocalDoor | undefined> {
  const text = values.optional('local')
  if (text === undefined) return undefined
  const mode = values.choice('local-pairing', ['initial', 'open', 'off'])
  const listen = parseListen(text, 'local')
  const pages = viewerFolder()
  const { startLocalDoor } = await import('../service/local-door.ts')
  const { hostNameOf } = await import('../discovery/records.ts')
  const name = hostNameOf(camera.fingerprint)
  await setLocalPairing(camera.iam, mode)
  const door = await startLocalDoor({
    ...camera, listen, names: [name], serverConnectTokens: () => camera.iam.serverConnectTokens, log, pages: pages === undefined ? undefined : { dir: pages },
  }).catch((thrown: unknown) => { throw listenError(thrown, listen) })
  const { port, address } = door.address
  const announcement = values.flag('no-announce') ? undefined : await announceDoor(camera, { port, address }, clock, log)
  return {
    inner: door.inner,
    isNear: door.isNear,
    url: await reachableUrl(door),
    announcedUrl: announcement === undefined ? undefined : `http://${name}:${port}`,
    async close() {
      await announcement?.close()
      await door.close()
    },
  }
}

/**
 * What holds until the camera has an owner; from then on that is the owner's to say, and a start changes nothing. Whoever comes
 * first is the owner then, in the camera's own network: it shows nothing before, and who comes second learns of it.
 */
async function setLocalPairing(iam: Iam, mode: 'initial' | 'open' | 'off' | undefined): Promise<void> {
  if (ownerless(iam) === undefined) return
  const wanted = { localInitialPairing: mode !== 'off', localOpenPairing: mode === 'open' } as const
  for (const flag of ['localInitialPairing', 'localOpenPairing'] as const) {
    if (iam.state[flag] !== wanted[flag]) await iam.setPairingMode(flag, wanted[flag])
  }
}

async function announceDoor(camera: CameraOfDoor, at: { port: number; address: string }, clock: Host['clock'], log: Log): Promise<Announcement> {
  const { announce } = await import('../discovery/announce.ts')
  const { productId, deviceId, fingerprint, iam } = camera
  const path = `/?${new URLSearchParams({ product: productId, device: deviceId }).toString()}#fp=${fingerprint}`
  const changing = (): { friendlyName: string; pairing: string[] } => ({
    friendlyName: iam.state.friendlyName ?? '',
    pairing: [
      ...(iam.state.localInitialPairing && ownerless(iam) !== undefined ? ['initial'] : []),
      ...(iam.state.localOpenPairing && iam.state.openPairingRole !== undefined ? ['open'] : []),
    ],
  })
  const announcement = announce({ camera: { port: at.port, productId, deviceId, fingerprint, path, ...changing() }, listening: at.address }, { clock, log })
  const stop = iam.onChange(() => { announcement.update(changing()) })
  return {
    ...announcement,
    close() {
      stop()
      return announcement.close()
    },
  }
}

/** A door to every address is reached at one of them. */
async function reachableUrl({ url, address: { address, port } }: RunningLocalDoor): Promise<string> {
  if (address !== '0.0.0.0' && address !== '::') return url
  const { ownAddresses } = await import('../discovery/link.ts')
  return `http://${ownAddresses()[0] ?? '127.0.0.1'}:${port}`
}

/** A camera has a door at the service, one of its own, or both. @throws {UsageError} */
export function needDoor(values: Values): void {
  const hasLocal = values.optional('local') !== undefined
  if (values.optional('endpoint') === undefined && !hasLocal) throw new UsageError('--endpoint URL is needed, or --local HOST:PORT')
  if (hasLocal && values.flag('require-authorized')) throw new UsageError('--require-authorized closes a door of the camera\'s own: there is no service at it that could authorize anybody')
}

export function announceLocalDoor({ url, announcedUrl }: LocalDoor, terminal: Terminal): void {
  terminal.print(`local door ${url}${announcedUrl === undefined ? '' : `, ${announcedUrl}`}`, { event: 'local', url, announcedUrl })
}
