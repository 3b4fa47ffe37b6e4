import { EMPTY_STATE, defaultState, type Iam, isPaired, newUser, openIam, type User } from '../../lib/iam/index.ts'
import { formatPairingLink } from '../../lib/client/pairing-link.ts'
import type { Host, Storage } from '../../lib/runtime/index.ts'

/** The user that a camera's shared secret stands for (protocol/webrtc-signaling.md §7.3). */
export const SHARED_SECRET_USER = 'default'

export interface CameraIamOptions {
  productId: string
  deviceId: string
  /** As the program names itself to clients. */
  app: { appName: string; appVersion: string }
  storage: Storage
  /** Whether what is in the storage outlasts the program; else there is no user but that of the shared secret, and nobody can pair. */
  isKept: boolean
  hasSharedSecret: boolean
}

/** Who may do what on a camera. */
export function openCameraIam({ productId, deviceId, app, isKept, storage, hasSharedSecret }: CameraIamOptions, host: Host): Promise<Iam> {
  return openIam({
    storage,
    device: { productId, deviceId, ...app },
    createState() {
      const state = isKept ? defaultState(host.random) : EMPTY_STATE
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
