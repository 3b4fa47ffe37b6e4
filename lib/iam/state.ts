import { encodeUtf8 } from '../bytes/index.ts'
import { IamError } from './errors.ts'
import { fits, type IamLimits, isLegalPassword, isLegalUsername } from './limits.ts'
import { fileObject, Members, parseFile, type UnknownMembers } from './members.ts'

/** A key that a user owns. */
export interface OwnedFingerprint extends UnknownMembers {
  /** 64 lower-case digits. */
  readonly fingerprint: string
  readonly name?: string
}

export interface Fcm extends UnknownMembers {
  readonly token?: string
  readonly projectId?: string
}

/** One user. Values are never changed in place: a change makes another object with the same `record`. */
export interface User extends UnknownMembers {
  /** Which user this is, whatever its name: a user removed and made again under the same name is another one. */
  readonly record: symbol
  readonly username: string
  readonly fingerprints: readonly OwnedFingerprint[]
  readonly displayName?: string
  readonly serverConnectToken?: string
  readonly password?: string
  readonly role?: string
  readonly fcm?: Fcm
  readonly notificationCategories: readonly string[]
  readonly oauthSubject?: string
}

/** Everything of IAM that changes while the device runs (protocol/iam.md §2.2). */
export interface State extends UnknownMembers {
  readonly openPairingPassword?: string
  readonly openPairingSct?: string
  readonly localOpenPairing: boolean
  readonly passwordOpenPairing: boolean
  readonly passwordInvitePairing: boolean
  readonly localInitialPairing: boolean
  readonly openPairingRole?: string
  readonly initialPairingUsername?: string
  readonly friendlyName?: string
  readonly users: readonly User[]
}

/** Nobody, and every way of pairing off. */
export const EMPTY_STATE: State = {
  localOpenPairing: false, passwordOpenPairing: false, passwordInvitePairing: false, localInitialPairing: false, users: [],
}

export function newUser(username: string, members: Partial<Omit<User, 'record' | 'username'>> = {}): User {
  return { record: Symbol(username), username, fingerprints: [], notificationCategories: [], ...members }
}

/**
 * Reads a state file of version 1 or 2. A member of a wrong type counts as absent, a user with an illegal name is left
 * out (protocol/iam.md §2.2). Limits are `validateState`'s.
 * @throws {IamError} `ERR_IAM_STATE`
 */
export function parseState(bytes: Uint8Array, { stateBytes }: Pick<IamLimits, 'stateBytes'>): State {
  const file = parseFile(bytes, stateBytes, (problem) => wrong('the file', problem))
  const version = file.take('Version')
  if (typeof version !== 'number') throw wrong('Version', 'is missing or not a number')
  if (Math.trunc(version) > 2) throw wrong('Version', 'is newer than 2: this file was written by newer firmware')
  const flag = (name: string): boolean => file.take(name) === true
  return {
    openPairingPassword: file.takeText('OpenPairingPassword'),
    openPairingSct: file.takeText('OpenPairingSct'),
    localOpenPairing: flag('LocalOpenPairing'),
    passwordOpenPairing: flag('PasswordOpenPairing'),
    passwordInvitePairing: flag('PasswordInvitePairing'),
    localInitialPairing: flag('LocalInitialPairing'),
    openPairingRole: file.takeText('OpenPairingRole'),
    initialPairingUsername: file.takeText('InitialPairingUsername'),
    friendlyName: file.takeText('FriendlyName'),
    users: file.takeList('Users').map((item) => parseUser(item, Math.trunc(version))).filter((user) => user !== undefined),
    ...file.leftOver(),
  }
}

function parseUser(item: unknown, version: number): User | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const user = new Members(item)
  const username = user.takeText('Username')
  if (username === undefined || !isLegalUsername(username)) return undefined
  const [list, first] = [user.takeList('Fingerprints'), user.takeText('Fingerprint')]
  const fcm = user.take('Fcm')
  return newUser(username, {
    fingerprints: version === 2 ? list.map(parseFingerprint).filter((owned) => owned !== undefined) : version === 1 && first !== undefined ? [{ fingerprint: first }] : [],
    displayName: user.takeText('DisplayName'),
    serverConnectToken: user.takeText('ServerConnectToken'),
    password: user.takeText('Password'),
    role: user.takeText('Role'),
    fcm: typeof fcm === 'object' && fcm !== null ? parseFcm(new Members(fcm)) : undefined,
    notificationCategories: [...new Set(user.takeList('NotificationCategories').filter((category) => typeof category === 'string'))],
    oauthSubject: user.takeText('OauthSubject'),
    ...user.leftOver(),
  })
}

function parseFingerprint(item: unknown): OwnedFingerprint | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const owned = new Members(item)
  const fingerprint = owned.takeText('Fingerprint')
  return fingerprint === undefined ? undefined : { fingerprint, name: owned.takeText('Name'), ...owned.leftOver() }
}

function parseFcm(fcm: Members): Fcm {
  return { token: fcm.takeText('Token'), projectId: fcm.takeText('ProjectId'), ...fcm.leftOver() }
}

/** The file, always version 2, in the member order of protocol/iam.md §2.2, what was unknown at the end. */
export function serializeState(state: State): Uint8Array {
  return encodeUtf8(JSON.stringify(fileObject([
    ['Version', 2],
    ['OpenPairingPassword', state.openPairingPassword],
    ['OpenPairingSct', state.openPairingSct],
    ['LocalOpenPairing', state.localOpenPairing],
    ['PasswordOpenPairing', state.passwordOpenPairing],
    ['PasswordInvitePairing', state.passwordInvitePairing],
    ['LocalInitialPairing', state.localInitialPairing],
    ['OpenPairingRole', state.openPairingRole],
    ['InitialPairingUsername', state.initialPairingUsername],
    ['FriendlyName', state.friendlyName],
    ['Users', state.users.map(writeUser)],
  ], state)))
}

function writeUser(user: User): Record<string, unknown> {
  const { fcm, notificationCategories: categories } = user
  const hasFcm = fcm !== undefined && (fcm.token !== undefined || fcm.projectId !== undefined || fcm.unknown !== undefined)
  return fileObject([
    ['Username', user.username],
    ['Fingerprints', user.fingerprints.map((owned) => fileObject([['Fingerprint', owned.fingerprint], ['Name', owned.name]], owned))],
    ['DisplayName', user.displayName],
    ['ServerConnectToken', user.serverConnectToken],
    ['Password', user.password],
    ['Role', user.role],
    ['Fcm', hasFcm ? fileObject([['Token', fcm.token], ['ProjectId', fcm.projectId]], fcm) : undefined],
    ['NotificationCategories', categories.length === 0 ? undefined : categories],
    ['OauthSubject', user.oauthSubject],
  ], user)
}

/**
 * Whether a state may be used (protocol/iam.md §2.2).
 * @throws {IamError} `ERR_IAM_STATE`, naming the member
 */
export function validateState(state: State, limits: IamLimits, categories: readonly string[]): void {
  const { openPairingPassword: openPassword } = state
  if (state.users.length > limits.users) throw wrong('Users', `has more than ${limits.users} elements`)
  if (openPassword !== undefined && !isLegalPassword(openPassword, limits)) throw tooLong('OpenPairingPassword')
  check('OpenPairingSct', state.openPairingSct, limits.serverConnectToken)
  check('InitialPairingUsername', state.initialPairingUsername, limits.username)
  check('FriendlyName', state.friendlyName, limits.friendlyName)
  for (const [index, user] of state.users.entries()) {
    const where = `Users[${index}]`
    check(`${where}.Username`, user.username, limits.username)
    check(`${where}.DisplayName`, user.displayName, limits.displayName)
    if (user.password !== undefined && !isLegalPassword(user.password, limits)) throw tooLong(`${where}.Password`)
    check(`${where}.ServerConnectToken`, user.serverConnectToken, limits.serverConnectToken)
    check(`${where}.Fcm.Token`, user.fcm?.token, limits.fcmToken)
    check(`${where}.Fcm.ProjectId`, user.fcm?.projectId, limits.fcmProjectId)
    check(`${where}.OauthSubject`, user.oauthSubject, limits.oauthSubject)
    if (!user.fingerprints.every(({ fingerprint }) => encodeUtf8(fingerprint).length === 64)) throw wrong(`${where}.Fingerprints`, 'has one that is not 64 digits')
    if (!user.notificationCategories.every((category) => categories.includes(category))) {
      throw wrong(`${where}.NotificationCategories`, 'has one that this device does not know')
    }
  }
}

function check(where: string, text: string | undefined, maxBytes: number): void {
  if (text !== undefined && !fits(text, maxBytes)) throw tooLong(where)
}

function tooLong(where: string): IamError {
  return wrong(where, 'is longer or shorter than this device allows')
}

function wrong(where: string, problem: string): IamError {
  return new IamError('ERR_IAM_STATE', `IAM state: ${where} ${problem}.`)
}
