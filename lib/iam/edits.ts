import { IamError } from './errors.ts'
import type { OwnedFingerprint, State, User } from './state.ts'

/** States made of other states; nothing is checked here but that the user is there. */

/** The first user of that name. */
export function findUser({ users }: State, username: string): User | undefined {
  return users.find((user) => user.username === username)
}

/** @throws {IamError} `ERR_IAM_NO_SUCH_USER` */
export function requireUser(state: State, username: string): User {
  const user = findUser(state, username)
  if (user === undefined) throw new IamError('ERR_IAM_NO_SUCH_USER', 'There is no user of that name: list the users to see who there is.')
  return user
}

export function withUser(state: State, { record }: User, members: Partial<Omit<User, 'record'>>): State {
  return { ...state, users: state.users.map((user) => (user.record === record ? { ...user, ...members } : user)) }
}

export function withoutUser(state: State, { record }: User): State {
  return { ...state, users: state.users.filter((user) => user.record !== record) }
}

export function withFingerprint(state: State, user: User, fingerprint: string, name?: string): State {
  return withUser(state, user, { fingerprints: [...user.fingerprints, { fingerprint, name }] })
}

/** Replaces the value of the first fingerprint, whose name stays, or adds it (protocol/iam.md §3.6). */
export function withFirstFingerprint(state: State, user: User, fingerprint: string): State {
  if (user.fingerprints.length === 0) return withFingerprint(state, user, fingerprint)
  const [first, ...others] = user.fingerprints
  return withUser(state, user, { fingerprints: [{ ...first, fingerprint }, ...others] })
}

export function withoutFingerprint(state: State, user: User, removed: OwnedFingerprint): State {
  return withUser(state, user, { fingerprints: user.fingerprints.filter((owned) => owned !== removed) })
}
