import type { CoapRouter } from '../coap/index.ts'
import type { Clock, Log, Random, Storage } from '../runtime/index.ts'
import { AuditLog, type AuditOptions } from './audit.ts'
import { type Configuration, parseConfiguration, serializeConfiguration, validateConfiguration } from './configuration.ts'
import { Connections, type IamConnection, type Identity, type IdentityListener, type PasswordLogin, type Withdraw } from './connections.ts'
import { defaultConfiguration, defaultState } from './default-roles.ts'
import { requireUser } from './edits.ts'
import { attachEndpoints } from './endpoints.ts'
import { accessAttributes, type AccessQuestion, explainAccess, type Explanation, nameOfStatement } from './explain.ts'
import { DEFAULT_IAM_LIMITS, fits, type IamLimits } from './limits.ts'
import type { SendFcm } from './notification-endpoints.ts'
import type { PasswordSource } from './password.ts'
import { type Decision, evaluateRole } from './policy.ts'
import { serializeState, type State, validateState } from './state.ts'
import { openFile, readState, StateStore } from './store.ts'
import { type IamRules, type PairingMode, Users } from './users.ts'

/** What `GET /iam/pairing` tells of the device (protocol/iam.md §3.3). */
export interface DeviceInfo {
  productId?: string
  deviceId?: string
  /** Up to 32 bytes. */
  appName?: string
  /** Up to 32 bytes. */
  appVersion?: string
}

export interface IamOptions {
  storage: Storage
  /** Used as it is; without one it is read from the storage, where the first start leaves the default. */
  configuration?: Configuration
  /** Default `iam_config.json`. */
  configurationName?: string
  /** Default `iam_state.json`. */
  stateName?: string
  /** The state of a device that has none yet; default {@link defaultState}. */
  createState?: () => State
  limits?: Partial<IamLimits>
  /** What becomes of a password that is easy to guess when somebody sets it over CoAP (4.00 with the reason). Default `refuse`. */
  weakPasswords?: 'refuse' | 'accept'
  /** What users can subscribe to. */
  notificationCategories?: readonly string[]
  device?: DeviceInfo
  audit?: AuditOptions
  /** Sends a push message; without one there is no endpoint to test it with. */
  sendFcm?: SendFcm
}

/** Told after each change that is durable and in force. */
export type IamListener = (state: State) => void

/** Who may do what on this device. */
export class Iam {
  readonly configuration: Configuration
  readonly limits: IamLimits
  readonly device: DeviceInfo
  readonly sendFcm: SendFcm | undefined
  /** Users as the device's own program manages them. */
  readonly users: Users
  readonly rules: IamRules
  readonly audit: AuditLog
  readonly store: StateStore
  readonly #connections: Connections
  readonly #listeners = new Set<IamListener>()

  /** Use {@link openIam}. */
  constructor(configuration: Configuration, state: State, limits: IamLimits, audit: AuditLog, options: IamOptions, random: Random) {
    const { storage, stateName = STATE_NAME, device = {}, sendFcm, weakPasswords, notificationCategories: categories = [] } = options
    for (const text of [device.appName, device.appVersion]) if (text !== undefined && !fits(text, 32)) throw new RangeError('an app name or version has at most 32 bytes')
    this.configuration = configuration
    this.limits = limits
    this.device = device
    this.sendFcm = sendFcm
    this.audit = audit
    this.rules = { configuration, limits, categories, random, weakPasswords }
    this.store = new StateStore(state, stateName, storage, limits, (before, author) => {
      this.#connections.settle(before, author)
      for (const listener of [...this.#listeners]) listener(this.state)
    })
    this.#connections = new Connections(() => this.store.state, configuration.unpairedRole)
    this.users = new Users(this.store, this.rules)
  }

  get state(): State {
    return this.store.state
  }

  /** Tokens that let a client through to this device, each once (protocol/iam.md §7): the open one and those of users there are. */
  get serverConnectTokens(): string[] {
    const tokens = [this.state.openPairingSct, ...this.state.users.map(({ serverConnectToken }) => serverConnectToken)]
    return [...new Set(tokens.filter((token) => token !== undefined))]
  }

  /** Puts `/iam` and `/audit` on a router whose requests come from connections that have begun. */
  attach<Context extends IamConnection>(router: CoapRouter<Context>): void {
    attachEndpoints(this, router)
  }

  /** A connection exists from here on; before, and after its end, it may do nothing. */
  begin(connection: IamConnection): void {
    this.#connections.begin(connection)
  }

  /** Forgets every login of the connection, and its listeners. */
  end(connection: IamConnection): void {
    this.#connections.end(connection)
  }

  /** Calls back once when the connection ends; at once if it is not there. */
  onEnd(connection: IamConnection, callback: () => void): void {
    this.#connections.onEnd(connection, callback)
  }

  /** Who this is now: never kept, always worked out (protocol/iam.md §1.3). */
  identityOf(connection: IamConnection): Identity {
    return this.#connections.identityOf(connection)
  }

  /**
   * Calls back, at once and synchronously, whenever the user, the role or the login of a connection has become another.
   * What the connection is in the middle of is to be checked again then. @returns ends the watch
   */
  watch(connection: IamConnection, listener: IdentityListener): () => void {
    return this.#connections.watch(connection, listener)
  }

  /** Calls back after each change of the state. @returns ends it */
  onChange(listener: IamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether a connection may do something. Audited. */
  check(connection: IamConnection, action: string, attributes: Readonly<Record<string, string>> = {}): boolean {
    const identity = this.identityOf(connection)
    const { allowed, statement, outcome } = this.#decide(connection, identity, action, attributes)
    const about = Object.keys(attributes).map((key) => `${key}=${attributes[key]}`).join(' ')
    this.audit.record({
      kind: 'access', action, outcome: allowed ? 'allowed' : 'refused', connection: connection.id, user: identity.user?.username, role: identity.role,
      statement: statement && nameOfStatement(statement),
      detail: about !== '' ? about : outcome === 'Error' && statement === undefined ? 'no such connection, role or policy' : undefined,
    })
    return allowed
  }

  /** The same without a trace in the audit, for what depends on a right but is no use of it. */
  decide(connection: IamConnection, action: string, attributes: Readonly<Record<string, string>> = {}): Decision {
    return this.#decide(connection, this.identityOf(connection), action, attributes)
  }

  #decide(connection: IamConnection, { user, role }: Identity, action: string, attributes: Readonly<Record<string, string>>): Decision {
    const known = this.#connections.has(connection) && (connection.clientFingerprint !== undefined || connection.isVirtual)
    if (!known) return { allowed: false, outcome: 'Error' }
    return evaluateRole(this.configuration, role, action, accessAttributes(attributes, connection.isLocal, user?.username))
  }

  /** A dry run. @throws {IamError} `ERR_IAM_NO_SUCH_USER` */
  explain(question: AccessQuestion): Explanation {
    return explainAccess(this.configuration, this.state, question)
  }

  /** What password logins are checked against (protocol/iam.md §6.3). */
  readonly passwords: PasswordSource<PasswordLogin> = {
    find: (username) => {
      const { passwordOpenPairing, openPairingPassword } = this.state
      const user = this.users.find(username)
      const password = username === '' ? (passwordOpenPairing ? openPairingPassword : undefined) : user?.password
      return password === undefined ? undefined : { password, login: { username, record: user?.record } }
    },
  }

  /** The connection has proved to know a password: it is that user until it ends, or the password or the user changes. */
  logIn(connection: IamConnection, login: PasswordLogin): void {
    this.#connections.logIn(connection, login)
  }

  /** Writes an attempt at proving who one is into the audit. @param detail - such as why it came to nothing */
  auditLogin(connection: IamConnection, proof: string, username: string, succeeded: boolean, detail?: string): void {
    this.audit.record({
      kind: 'authentication', action: proof, outcome: succeeded ? 'allowed' : 'refused', connection: connection.id, user: username, detail,
    })
  }

  /**
   * The program has found out by itself whose connection this is: a token, a shared secret. What the connection proves itself
   * goes before it, and of two such users the first (protocol/iam.md §8).
   * @returns takes it back, for what holds for a time
   * @throws {IamError} `ERR_IAM_NO_SUCH_USER`
   */
  authorize(connection: IamConnection, username: string): Withdraw {
    const withdraw = this.#connections.authorize(connection, requireUser(this.state, username).record)
    this.auditLogin(connection, 'session', username, true)
    return withdraw
  }

  /** A connection that belongs to no user gets this role instead of that of the unpaired. @returns takes it back */
  grantRole(connection: IamConnection, role: string): Withdraw {
    const withdraw = this.#connections.grant(connection, role)
    this.audit.record({ kind: 'authentication', action: 'session', outcome: 'allowed', connection: connection.id, role })
    return withdraw
  }

  /** @throws {IamError} as {@link StateStore.change} */
  setPairingMode(mode: PairingMode, on: boolean): Promise<void> {
    return this.store.change((state) => ({ state: { ...state, [mode]: on }, result: undefined }))
  }

  /** Writes what is left of the audit. */
  async close(): Promise<void> {
    await this.store.settled()
    await this.audit.flush()
  }
}

const CONFIGURATION_NAME = 'iam_config.json'
const STATE_NAME = 'iam_state.json'

/**
 * Reads configuration, state and audit from the storage, or makes the first ones.
 * @throws {IamError} `ERR_IAM_CONFIGURATION`, `ERR_IAM_STATE`: a file that cannot be read; it stays, and a copy is put aside
 */
export async function openIam(options: IamOptions, { clock, random, log }: { clock: Clock; random: Random; log: Log }): Promise<Iam> {
  const { storage, configurationName = CONFIGURATION_NAME, stateName = STATE_NAME, notificationCategories = [] } = options
  const limits = { ...DEFAULT_IAM_LIMITS, ...options.limits }
  if (limits.serverConnectToken < 12) throw new RangeError('server connect tokens have 12 characters at least')
  const configuration = options.configuration ?? await openFile({
    storage, log, name: configurationName, parse: parseConfiguration, create: defaultConfiguration, serialize: serializeConfiguration,
  })
  validateConfiguration(configuration)
  const state = await openFile({
    storage, log, name: stateName, serialize: serializeState,
    parse: (bytes) => readState(bytes, limits, notificationCategories),
    create() {
      const created = options.createState?.() ?? defaultState(random)
      validateState(created, limits, notificationCategories)
      return created
    },
  })
  const audit = new AuditLog(options.audit ?? {}, { clock, storage, log })
  await audit.load()
  return new Iam(configuration, state, limits, audit, options, random)
}
