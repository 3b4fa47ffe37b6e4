import { CborError, type CborValue, decodeCbor, encodeCbor } from '../cbor/index.ts'
import { type CoapMethod, type CoapRequestOptions, type CoapResponse, contentFormats } from '../coap/index.ts'
import { ClientError, requireSuccess } from './errors.ts'

/** A user as the device shows it (protocol/iam.md §3.1): never with the password. */
export interface RemoteUser {
  readonly username: string
  readonly displayName?: string
  readonly role?: string
  readonly fingerprints: readonly { readonly fingerprint: string; readonly name?: string }[]
  readonly serverConnectToken?: string
  readonly oauthSubject?: string
}

/** What the device says of itself to anybody who may pair (protocol/iam.md §3.3). */
export interface RemotePairing {
  /** `PasswordOpen`, `LocalOpen`, `PasswordInvite`, `LocalInitial`: those that this very connection could use. */
  readonly modes: readonly string[]
  readonly productId?: string
  readonly deviceId?: string
  readonly friendlyName?: string
  readonly appName?: string
  readonly appVersion?: string
}

export interface RemoteSettings {
  readonly passwordOpenPairing?: boolean
  readonly passwordInvitePairing?: boolean
  readonly localOpenPairing?: boolean
  readonly openPairingServerConnectToken?: string
  readonly openPairingPassword?: string
}

/** Settings that can be changed from afar. */
export type RemoteSetting = 'passwordOpenPairing' | 'passwordInvitePairing' | 'localOpenPairing'

const SETTING_PATHS: Readonly<Record<RemoteSetting, string>> = {
  passwordOpenPairing: 'password-open-pairing', passwordInvitePairing: 'password-invite-pairing', localOpenPairing: 'local-open-pairing',
}

/** A request as `CoapClient.request` takes it. */
export type SendRequest = (method: CoapMethod, path: string, options?: CoapRequestOptions) => Promise<CoapResponse>

/**
 * The endpoints of IAM (protocol/iam.md §3). Each call throws {@link RefusedError} for what the device does not allow,
 * `ERR_CLIENT_ANSWER` for an answer of another form, and what the request itself rejects with.
 */
export interface IamClient {
  pairing(): Promise<RemotePairing>
  /** `ERR_DEVICE_NOT_FOUND` for a connection that belongs to no user. */
  me(): Promise<RemoteUser>
  users(): Promise<readonly string[]>
  user(username: string): Promise<RemoteUser>
  roles(): Promise<readonly string[]>
  createUser(username: string): Promise<RemoteUser>
  deleteUser(username: string): Promise<void>
  setRole(username: string, role: string): Promise<void>
  setUsername(username: string, newName: string): Promise<void>
  setDisplayName(username: string, displayName: string | null): Promise<void>
  settings(): Promise<RemoteSettings>
  setSetting(setting: RemoteSetting, on: boolean): Promise<void>
  setFriendlyName(name: string): Promise<void>
}

/** Also what carries a password, for whoever has made sure of where it goes. */
export interface IamRequests extends IamClient {
  setPassword(username: string, password: string | null): Promise<void>
  pair(mode: 'password-open' | 'password-invite' | 'local-open' | 'local-initial', names: { Username?: string; FingerprintName?: string }): Promise<void>
}

export function createIamRequests(send: SendRequest): IamRequests {
  const get = async (path: string): Promise<CborValue> => bodyOf(requireSuccess(await send('GET', path)))
  const write = async (method: 'POST' | 'PUT', path: string, body: CborValue): Promise<CoapResponse> =>
    requireSuccess(await send(method, path, { contentFormat: contentFormats.cbor, payload: encodeCbor(body) }))
  const put = async (path: string, body: CborValue): Promise<void> => {
    await write('PUT', path, body)
  }

  return {
    pairing: async () => pairingOf(await get('/iam/pairing')),
    me: async () => userOf(await get('/iam/me')),
    users: async () => textsOf(await get('/iam/users')),
    user: async (username) => userOf(await get(pathOf(username))),
    roles: async () => textsOf(await get('/iam/roles')),
    createUser: async (username) => userOf(bodyOf(await write('POST', '/iam/users', { Username: username }))),
    async deleteUser(username): Promise<void> {
      requireSuccess(await send('DELETE', pathOf(username)))
    },
    setRole: (username, role) => put(`${pathOf(username)}/role`, role),
    setUsername: (username, newName) => put(`${pathOf(username)}/username`, newName),
    setDisplayName: (username, displayName) => put(`${pathOf(username)}/display-name`, displayName),
    settings: async () => settingsOf(await get('/iam/settings')),
    setSetting: (setting, on) => put(`/iam/settings/${SETTING_PATHS[setting]}`, on),
    setFriendlyName: (name) => put('/iam/device-info/friendly-name', name),
    setPassword: (username, password) => put(`${pathOf(username)}/password`, password),
    async pair(mode, names): Promise<void> {
      await write('POST', `/iam/pairing/${mode}`, names)
    },
  }
}

/** @throws {RangeError} for what is no user name, and could be more than one segment of a path */
function pathOf(username: string): string {
  if (!/^[^/]+$/.test(username)) throw new RangeError('a user name is not empty and has no slash')
  return `/iam/users/${username}`
}

function bodyOf({ payload = new Uint8Array(0) }: CoapResponse): CborValue {
  try {
    return decodeCbor(payload)
  } catch (cause) {
    if (!(cause instanceof CborError)) throw cause
    throw new ClientError('ERR_CLIENT_ANSWER', 'the device answered with what is no CBOR', { cause })
  }
}

type Members = Readonly<Record<string, CborValue>>

function isMap(value: CborValue): value is Members {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function mapOf(value: CborValue): Members {
  if (!isMap(value)) throw otherForm('a map')
  return value
}

function textsOf(value: CborValue): string[] {
  if (!Array.isArray(value)) throw otherForm('an array of texts')
  return value.filter((item: CborValue): item is string => typeof item === 'string')
}

/** The members that are there and have the right type, by the names that they have here. */
function pick<Type extends 'string' | 'boolean'>(
  map: Members, type: Type, names: Readonly<Record<string, string>>,
): Record<string, Type extends 'string' ? string : boolean> {
  return Object.fromEntries(Object.entries(names).flatMap(([name, theirs]) => (typeof map[theirs] === type ? [[name, map[theirs]]] : []))) as never
}

function userOf(value: CborValue): RemoteUser {
  const map = mapOf(value)
  if (typeof map.Username !== 'string') throw otherForm('a user')
  const fingerprints = Array.isArray(map.Fingerprints) ? map.Fingerprints.filter(isMap) : []
  return {
    username: map.Username,
    ...pick(map, 'string', { displayName: 'DisplayName', role: 'Role', serverConnectToken: 'Sct', oauthSubject: 'OauthSubject' }),
    fingerprints: fingerprints.flatMap((owned) =>
      typeof owned.Fingerprint === 'string' ? [{ fingerprint: owned.Fingerprint, ...pick(owned, 'string', { name: 'Name' }) }] : []),
  }
}

function pairingOf(value: CborValue): RemotePairing {
  const map = mapOf(value)
  return {
    modes: textsOf(map.Modes),
    ...pick(map, 'string', {
      productId: 'ProductId', deviceId: 'DeviceId', friendlyName: 'FriendlyName', appName: 'AppName', appVersion: 'AppVersion',
    }),
  }
}

function settingsOf(value: CborValue): RemoteSettings {
  const map = mapOf(value)
  return {
    ...pick(map, 'boolean', {
      passwordOpenPairing: 'PasswordOpenPairing', passwordInvitePairing: 'PasswordInvitePairing', localOpenPairing: 'LocalOpenPairing',
    }),
    ...pick(map, 'string', { openPairingServerConnectToken: 'PasswordOpenSct', openPairingPassword: 'PasswordOpenPassword' }),
  }
}

function otherForm(wanted: string): ClientError {
  return new ClientError('ERR_CLIENT_ANSWER', `the device answered with something else than ${wanted}`)
}
