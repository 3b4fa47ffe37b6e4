import type { State, User } from './state.ts'

/** What a session shows of itself to IAM. Its identity is the object. */
export interface IamConnection {
  /** Short, for people: which connection an audit event is about. */
  readonly id: string
  /** SHA-256 of the key that the other end has proved to hold, 64 lower-case digits; undefined when there is none. */
  readonly clientFingerprint: string | undefined
  /** Of the device's end of the same connection; without it, or without that of the client, nobody can log in with a password. */
  readonly deviceFingerprint?: string
  /** Whether the client came without help from outside (protocol/iam.md §5.1); looked at afresh each time. */
  readonly isLocal: boolean
  /** Whether it lives in another connection, such as a WebRTC session (protocol/iam.md Appendix A). */
  readonly isVirtual: boolean
}

/** What a password login was about: the open-pairing password belongs to nobody. */
export interface PasswordLogin {
  /** Empty for the open-pairing password. */
  readonly username: string
  /** The user at that time. */
  readonly record?: symbol
}

/** How a connection came by its identity. */
export type IdentitySource = 'fingerprint' | 'password' | 'session' | 'granted' | 'unpaired'

export interface Identity {
  readonly source: IdentitySource
  /** Absent unless the connection belongs to a user. */
  readonly user?: User
  /** The role that access checks use; absent where the user, or the configuration, has none. */
  readonly role?: string
  /** The last password login that still holds, whether it is what gives the connection its user or not. */
  readonly login?: {
    /** As the user is called now; empty for the open-pairing password. */
    readonly username: string
    readonly user?: User
  }
}

/** Called when the identity of a connection, or its role, may be another than before. */
export type IdentityListener = () => void

/** Takes back what the call before it gave; harmless afterwards. */
export type Withdraw = () => void

/** What IAM remembers of one connection. */
interface Standing {
  password?: PasswordLogin
  /** Users it was authorized as, in this order; and roles it was granted. */
  readonly sessionUsers: { readonly record: symbol }[]
  readonly grants: { readonly role: string }[]
  readonly listeners: Set<IdentityListener>
  readonly endings: (() => void)[]
}

/** Identities of live connections. They are worked out at each question, so that none is ever stale (protocol/iam.md §1.3, §8). */
export class Connections {
  readonly #standings = new Map<IamConnection, Standing>()
  readonly #state: () => State
  readonly #unpairedRole: string | undefined

  constructor(state: () => State, unpairedRole: string | undefined) {
    this.#state = state
    this.#unpairedRole = unpairedRole
  }

  begin(connection: IamConnection): void {
    if (!this.#standings.has(connection)) this.#standings.set(connection, { sessionUsers: [], grants: [], listeners: new Set(), endings: [] })
  }

  end(connection: IamConnection): void {
    const standing = this.#standings.get(connection)
    this.#standings.delete(connection)
    for (const ending of standing?.endings ?? []) ending()
  }

  onEnd(connection: IamConnection, callback: () => void): void {
    const standing = this.#standings.get(connection)
    if (standing === undefined) callback()
    else standing.endings.push(callback)
  }

  has(connection: IamConnection): boolean {
    return this.#standings.has(connection)
  }

  /** First hit of: owner of the key, password login, authorized session, role granted; else unpaired (protocol/iam.md §1.3). */
  identityOf(connection: IamConnection, state = this.#state()): Identity {
    const standing = this.#standings.get(connection)
    if (standing === undefined) return { source: 'unpaired' }
    const byRecord = (record: symbol | undefined): User | undefined => record && state.users.find((user) => user.record === record)
    const owner = ownerOf(state, connection.clientFingerprint)
    const loggedIn = byRecord(standing.password?.record)
    const login = standing.password && { username: loggedIn?.username ?? standing.password.username, user: loggedIn }
    const session = standing.sessionUsers.map(({ record }) => byRecord(record)).find((found) => found !== undefined)
    const user = owner ?? loggedIn ?? session
    if (user !== undefined) {
      return { source: user === owner ? 'fingerprint' : user === loggedIn ? 'password' : 'session', user, role: user.role, login }
    }
    const granted = standing.grants.length === 0 ? undefined : standing.grants[standing.grants.length - 1].role
    return { source: granted === undefined ? 'unpaired' : 'granted', role: granted ?? this.#unpairedRole, login }
  }

  logIn(connection: IamConnection, login: PasswordLogin): void {
    this.#change(connection, (standing) => (standing.password = login))
  }

  /** The first user wins for as long as there is such a user (protocol/iam.md §8). */
  authorize(connection: IamConnection, record: symbol): Withdraw {
    return this.#give(connection, ({ sessionUsers }) => sessionUsers, { record })
  }

  /** The last role wins. */
  grant(connection: IamConnection, role: string): Withdraw {
    return this.#give(connection, ({ grants }) => grants, { role })
  }

  #give<Given>(connection: IamConnection, listOf: (standing: Standing) => Given[], given: Given): Withdraw {
    this.#change(connection, (standing) => listOf(standing).push(given))
    return () => {
      this.#change(connection, (standing) => {
        const at = listOf(standing).indexOf(given)
        if (at >= 0) listOf(standing).splice(at, 1)
      })
    }
  }

  watch(connection: IamConnection, listener: IdentityListener): () => void {
    const standing = this.#standings.get(connection)
    standing?.listeners.add(listener)
    return () => standing?.listeners.delete(listener)
  }

  /**
   * Lets go of what rested on the state before: logins with a password that has changed, users who are gone.
   * @param author - the connection that made the change, which may go on after it has changed its own password
   */
  settle(before: State, author: IamConnection | undefined): void {
    const after = this.#state()
    const were = [...this.#standings].map(([connection, standing]) => ({ connection, standing, was: this.#summary(connection, before) }))
    for (const { connection, standing } of were) {
      const { password, sessionUsers } = standing
      if (password !== undefined && !stillHolds(password, before, after, connection === author)) standing.password = undefined
      const left = sessionUsers.filter((session) => after.users.some(({ record }) => record === session.record))
      sessionUsers.splice(0, sessionUsers.length, ...left)
    }
    for (const { connection, standing, was } of were) this.#notify(connection, standing, was)
  }

  #change(connection: IamConnection, step: (standing: Standing) => void): void {
    const standing = this.#standings.get(connection)
    if (standing === undefined) return
    const was = this.#summary(connection)
    step(standing)
    this.#notify(connection, standing, was)
  }

  #notify(connection: IamConnection, { listeners }: Standing, was: string): void {
    if (this.#standings.has(connection) && this.#summary(connection) !== was) for (const listener of [...listeners]) listener()
  }

  /** What listeners want to hear of when it becomes another. */
  #summary(connection: IamConnection, state?: State): string {
    const { user, role, login } = this.identityOf(connection, state)
    return JSON.stringify([user?.username, role, login?.username])
  }
}

export function ownerOf(state: State, fingerprint: string | undefined): User | undefined {
  if (fingerprint === undefined) return undefined
  return state.users.find(({ fingerprints }) => fingerprints.some((owned) => owned.fingerprint === fingerprint))
}

function stillHolds({ record }: PasswordLogin, before: State, after: State, isAuthor: boolean): boolean {
  if (record === undefined) return after.passwordOpenPairing && before.openPairingPassword === after.openPairingPassword
  const find = ({ users }: State): User | undefined => users.find((user) => user.record === record)
  const user = find(after)
  return user !== undefined && (isAuthor || user.password === find(before)?.password)
}
