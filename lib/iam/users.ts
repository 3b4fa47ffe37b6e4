import type { Random } from '../runtime/index.ts'
import type { Configuration } from './configuration.ts'
import { ownerOf } from './connections.ts'
import { findUser, requireUser, withFingerprint, withFirstFingerprint, withoutFingerprint, withoutUser, withUser } from './edits.ts'
import { IamError } from './errors.ts'
import { fits, type IamLimits, isFingerprint, isLegalPassword, isLegalUsername } from './limits.ts'
import { generateServerConnectToken } from './secrets.ts'
import { newUser, type State, type User } from './state.ts'
import type { Change, StateStore } from './store.ts'

/** Ways of pairing that can be switched on and off. */
export type PairingMode = 'localOpenPairing' | 'passwordOpenPairing' | 'passwordInvitePairing' | 'localInitialPairing'

/** What a user can be given in one step. Null takes it away. */
export interface UserChanges {
  username?: string
  role?: string | null
  displayName?: string | null
  password?: string | null
  serverConnectToken?: string | null
  oauthSubject?: string | null
  fcmToken?: string | null
  fcmProjectId?: string | null
  notificationCategories?: readonly string[]
}

/** What rules look at besides the state. */
export interface IamRules {
  readonly configuration: Configuration
  readonly limits: IamLimits
  /** Notification categories that users can subscribe to. */
  readonly categories: readonly string[]
  readonly random: Random
  /** What becomes of a password that is easy to guess when somebody sets it over CoAP. Default `refuse`. */
  readonly weakPasswords?: 'refuse' | 'accept'
}

/**
 * Users as the device's own program manages them (protocol/iam.md §4): without access checks, but under the same limits.
 * Every change is durable when its promise resolves.
 *
 * All throw {@link IamError} `ERR_IAM_NO_SUCH_USER`, `ERR_IAM_INVALID_ARGUMENT` (the message names the limit), and what
 * {@link StateStore.change} throws.
 */
export class Users {
  readonly #store: StateStore
  readonly #rules: IamRules

  constructor(store: StateStore, rules: IamRules) {
    this.#store = store
    this.#rules = rules
  }

  list(): readonly User[] {
    return this.#store.state.users
  }

  find(username: string): User | undefined {
    return findUser(this.#store.state, username)
  }

  /** The first user of that OAuth subject (protocol/iam.md §8). */
  findByOauthSubject(subject: string): User | undefined {
    return this.list().find(({ oauthSubject }) => oauthSubject === subject)
  }

  /**
   * Makes a user with a server connect token of its own, and whatever else is given.
   * @throws {IamError} `ERR_IAM_USER_EXISTS`, `ERR_IAM_NO_SUCH_ROLE`, `ERR_IAM_INTERNAL` (as many users as there may be)
   */
  create(username: string, changes: Omit<UserChanges, 'username'> = {}): Promise<User> {
    return this.#store.change((state) => {
      const user = { ...createUser(state, username, this.#rules), ...this.#members(changes) }
      return { state: { ...state, users: [...state.users, user] }, result: user }
    })
  }

  /** @throws {IamError} `ERR_IAM_USER_EXISTS`, `ERR_IAM_NO_SUCH_ROLE`, `ERR_IAM_NO_SUCH_CATEGORY` */
  update(username: string, changes: UserChanges): Promise<void> {
    return this.#edit(username, (state, user) => {
      if (changes.username !== undefined) checkNewName(state, changes.username, this.#rules.limits)
      return withUser(state, user, this.#members(changes, user))
    })
  }

  delete(username: string): Promise<void> {
    return this.#edit(username, withoutUser)
  }

  /** @throws {IamError} `ERR_IAM_USER_EXISTS` when it is somebody's already */
  addFingerprint(username: string, fingerprint: string, name?: string): Promise<void> {
    return this.#edit(username, (state, user) => {
      const { displayName } = this.#rules.limits
      if (name !== undefined && !fits(name, displayName)) throw invalid(`The name of a fingerprint has at most ${displayName} bytes.`)
      return withFingerprint(state, user, freeFingerprint(state, fingerprint), name)
    })
  }

  /** Replaces the first fingerprint, or adds one. @throws {IamError} `ERR_IAM_USER_EXISTS` when it is somebody's already */
  setFingerprint(username: string, fingerprint: string): Promise<void> {
    return this.#edit(username, (state, user) => withFirstFingerprint(state, user, freeFingerprint(state, fingerprint)))
  }

  /** @throws {IamError} `ERR_IAM_INTERNAL` when the user has no such fingerprint */
  removeFingerprint(username: string, fingerprint: string): Promise<void> {
    return this.#edit(username, (state, user) => {
      const owned = user.fingerprints.find((each) => each.fingerprint === fingerprint)
      if (owned === undefined) throw new IamError('ERR_IAM_INTERNAL', 'The user has no such fingerprint.')
      return withoutFingerprint(state, user, owned)
    })
  }

  #edit(username: string, edit: (state: State, user: User) => State): Promise<void> {
    return this.#store.change((state): Change<void> => ({ state: edit(state, requireUser(state, username)), result: undefined }))
  }

  #members(changes: UserChanges, user?: User): Partial<Omit<User, 'record'>> {
    const { limits, configuration, categories } = this.#rules
    const { username, role, displayName, password, serverConnectToken, oauthSubject, fcmToken, fcmProjectId, notificationCategories } = changes
    checkText('A display name', displayName, limits.displayName)
    checkText('A server connect token', serverConnectToken, limits.serverConnectToken)
    checkText('An OAuth subject', oauthSubject, limits.oauthSubject)
    checkText('An FCM token', fcmToken, limits.fcmToken)
    checkText('An FCM project id', fcmProjectId, limits.fcmProjectId)
    if (password !== undefined && password !== null && !isLegalPassword(password, limits)) {
      throw invalid(`A password has ${limits.passwordMin} to ${limits.passwordMax} bytes.`)
    }
    if (role !== undefined && role !== null && !configuration.roles.some(({ id }) => id === role)) {
      throw new IamError('ERR_IAM_NO_SUCH_ROLE', 'There is no role of that name: list the roles to see which there are.')
    }
    if (notificationCategories?.some((category) => !categories.includes(category)) === true) {
      throw new IamError('ERR_IAM_NO_SUCH_CATEGORY', 'There is no notification category of that name.')
    }
    const hasFcm = fcmToken !== undefined || fcmProjectId !== undefined
    const fcm = hasFcm ? { ...user?.fcm, ...given({ token: fcmToken, projectId: fcmProjectId }) } : undefined
    return given({ username, role, displayName, password, serverConnectToken, oauthSubject, notificationCategories, fcm })
  }
}

/** Without what was not given; null becomes undefined. */
function given<Members extends object>(members: Members): { [Name in keyof Members]?: Exclude<Members[Name], null> } {
  const found = Object.entries(members).filter(([, value]) => value !== undefined).map(([name, value]: [string, unknown]) => [name, value ?? undefined])
  return Object.fromEntries(found) as { [Name in keyof Members]?: Exclude<Members[Name], null> }
}

/**
 * A user that can be added to the state: no role, no password, a fresh server connect token.
 * @throws {IamError} `ERR_IAM_INVALID_ARGUMENT`, `ERR_IAM_INTERNAL`, `ERR_IAM_USER_EXISTS`, in this order
 */
export function createUser(state: State, username: string, { limits, random }: IamRules): User {
  checkName(username, limits)
  if (state.users.length >= limits.users) throw new IamError('ERR_IAM_INTERNAL', `There may be ${limits.users} users: remove one first.`)
  checkNewName(state, username, limits)
  return newUser(username, { serverConnectToken: generateServerConnectToken(random) })
}

/** @throws {IamError} `ERR_IAM_INVALID_ARGUMENT` */
export function checkName(username: string, limits: IamLimits): void {
  if (!isLegalUsername(username) || !fits(username, limits.username)) {
    throw invalid(`A user name has 1 to ${limits.username} characters, of a-z, 0-9, '_', '-' and '.' only.`)
  }
}

function checkNewName(state: State, username: string, limits: IamLimits): void {
  checkName(username, limits)
  if (findUser(state, username) !== undefined) throw new IamError('ERR_IAM_USER_EXISTS', 'There is a user of that name already.')
}

function checkText(what: string, text: string | null | undefined, maxBytes: number): void {
  if (text !== undefined && text !== null && !fits(text, maxBytes)) throw invalid(`${what} has at most ${maxBytes} bytes.`)
}

function freeFingerprint(state: State, text: string): string {
  if (!isFingerprint(text)) throw invalid('A fingerprint has 64 hexadecimal digits.')
  const fingerprint = text.toLowerCase()
  if (ownerOf(state, fingerprint) !== undefined) throw new IamError('ERR_IAM_USER_EXISTS', 'A user has this fingerprint already.')
  return fingerprint
}

export function invalid(message: string): IamError {
  return new IamError('ERR_IAM_INVALID_ARGUMENT', message)
}
