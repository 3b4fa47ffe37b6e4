import { EMPTY_STATE, defaultState, type Iam, isPaired, newUser, openIam, type User } from '../../../lib/iam/index.ts'
import { formatPairingLink } from '../../../lib/client/pairing-link.ts'
import type { Host, Storage } from '../../../lib/runtime/index.ts'
import { version } from '../../../package.json'
import { createMemoryStorage } from '../../memory/storage.ts'
import { createFileStorage } from '../storage.ts'

/** The user that a camera's shared secret stands for (protocol/webrtc-signaling.md §7.3). */
export const SHARED_SECRET_USER = 'default'

export interface CameraIamOptions {
  productId: string
  deviceId: string
  /** Where users are kept; without it nothing is kept, there is no user but that of the shared secret, and nobody can pair. */
  folder: string | undefined
  storage: Storage
  hasSharedSecret: boolean
}

/** What a camera keeps over restarts, for its owner's eyes; without a folder nothing. */
export function openCameraStorage(folder: string | undefined): Storage {
  return folder === undefined ? createMemoryStorage() : createFileStorage(folder)
}

/** Who may do what on a camera of the command line. */
export function openCameraIam({ productId, deviceId, folder, storage, hasSharedSecret }: CameraIamOptions, host: Host): Promise<Iam> {
  return openIam({
    storage,
    device: { productId, deviceId, appName: 'lenskey', appVersion: version },
    createState() {
      const state = folder === undefined ? EMPTY_STATE : defaultState(host.random)
      return hasSharedSecret ? { ...state, users: [...state.users, newUser(SHARED_SECRET_USER, { role: 'Guest' })] } : state
    },
  }, host)
}

/** What a person needs to become the owner of a camera that has none. */
export interface FirstPairing {
  username: string
  /** Opens `frontEnd` with everything in it. */
  link: string
  /** The password alone, in groups, for who cannot open the link. */
  code: string
}

/** The user that is there for a camera's first owner, while nobody has become it. */
export function ownerless({ state }: Iam): User | undefined {
  const initial = state.users.find(({ username }) => username === state.initialPairingUsername)
  return initial === undefined || isPaired(initial) ? undefined : initial
}

/** Undefined once the first user has paired, or where there is nobody to pair as. */
export function firstPairing(iam: Iam, at: { frontEnd: string; productId: string; deviceId: string; fingerprint: string }): FirstPairing | undefined {
  const initial = ownerless(iam)
  if (initial?.password === undefined) return undefined
  const { username, password, serverConnectToken } = initial
  return { username, link: formatPairingLink({ ...at, username, password, serverConnectToken }), code: password.replace(/.{4}(?=.)/g, '$& ') }
}
