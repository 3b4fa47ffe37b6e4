import { CoapError } from '../coap/index.ts'
import { cborContent, textMember, textOf } from './cbor-body.ts'
import { ownerOf } from './connections.ts'
import { findUser, withFingerprint, withFirstFingerprint, withoutFingerprint, withoutUser, withUser } from './edits.ts'
import { type Asked, bodyOf, change, changed, type Endpoint, read, requireAccess, requireAccessToUser, textBody, userInPath } from './endpoint.ts'
import { fits, isFingerprint, isLegalPassword, isLegalUsername } from './limits.ts'
import { userObject } from './user-object.ts'
import { createUser } from './users.ts'
import { passwordWeakness } from './password-strength.ts'

/** Users and what they have (protocol/iam.md §3.5 and §3.6); the order of checks is that of the tables there. */
export const userEndpoints: readonly Endpoint[] = [
  read('GET', '/iam/me', ({ iam, request }) => {
    const { user } = iam.identityOf(request.context)
    if (user === undefined) throw new CoapError('4.04', 'Not paired')
    return cborContent(userObject(user))
  }),
  read('GET', '/iam/users', (asked) => {
    requireAccess(asked, 'IAM:ListUsers')
    return cborContent(asked.state.users.map(({ username }) => username))
  }),
  change('POST', '/iam/users', (asked) => {
    const { iam: { limits, rules }, state } = asked
    requireAccess(asked, 'IAM:CreateUser')
    if (state.users.length >= limits.users) throw new CoapError('5.00', 'Insufficient resources')
    const username = newName(textMember(bodyOf(asked), 'Username') ?? undefined, 'Username missing', limits.username)
    if (findUser(state, username) !== undefined) throw new CoapError('4.09', 'Conflict')
    const user = createUser(state, username, rules)
    return { state: { ...state, users: [...state.users, user] }, result: cborContent(userObject(user), '2.01') }
  }),
  read('GET', '/iam/users/{user}', (asked) => {
    requireAccessToUser(asked, 'IAM:GetUser')
    return cborContent(userObject(userInPath(asked)))
  }),
  change('DELETE', '/iam/users/{user}', (asked) => {
    requireAccessToUser(asked, 'IAM:DeleteUser')
    return changed(withoutUser(asked.state, userInPath(asked, 'No Such User')), '2.02')
  }),
  change('PUT', '/iam/users/{user}/role', (asked) => {
    const role = textOf(bodyOf(asked))
    if (typeof role !== 'string') throw new CoapError('4.00', 'Role missing')
    requireAccessToUser(asked, 'IAM:SetUserRole', { 'IAM:RoleId': role })
    const user = userInPath(asked)
    if (!asked.iam.configuration.roles.some(({ id }) => id === role)) throw new CoapError('4.04')
    return changed(withUser(asked.state, user, { role }))
  }),
  change('PUT', '/iam/users/{user}/username', (asked) => {
    const text = textOf(bodyOf(asked))
    if (text === undefined) throw new CoapError('4.00', 'Bad request')
    const username = newName(text ?? undefined, 'Username missing', asked.iam.limits.username)
    requireAccessToUser(asked, 'IAM:SetUserUsername')
    if (findUser(asked.state, username) !== undefined) throw new CoapError('4.09', 'Conflict')
    return changed(withUser(asked.state, userInPath(asked), { username }))
  }),
  change('PUT', '/iam/users/{user}/display-name', (asked) => {
    const displayName = textBody(asked, {
      wrongType: 'Invalid Display Name', tooLong: 'Invalid Display Name length', maxBytes: asked.iam.limits.displayName,
    })
    requireAccessToUser(asked, 'IAM:SetUserDisplayName')
    return changed(withUser(asked.state, userInPath(asked), { displayName: displayName ?? undefined }))
  }),
  change('PUT', '/iam/users/{user}/password', (asked) => {
    const password = textOf(bodyOf(asked))
    if (password === undefined) throw new CoapError('4.00', 'Password missing')
    if (password !== null) requireGoodPassword(password, asked)
    requireAccessToUser(asked, 'IAM:SetUserPassword')
    return changed(withUser(asked.state, userInPath(asked), { password: password ?? undefined }))
  }),
  change('PUT', '/iam/users/{user}/sct', (asked) => {
    const refusal = 'Invalid SCT'
    const token = textBody(asked, { wrongType: refusal, missing: refusal, tooLong: refusal, maxBytes: asked.iam.limits.serverConnectToken })
    requireAccessToUser(asked, 'IAM:SetUserSct')
    return changed(withUser(asked.state, userInPath(asked), { serverConnectToken: token }))
  }),
  change('PUT', '/iam/users/{user}/oauth-subject', (asked) => {
    const subject = textBody(asked, {
      wrongType: 'Invalid Oauth Subject', tooLong: 'Invalid Oauth Subject length', maxBytes: asked.iam.limits.oauthSubject,
    })
    requireAccessToUser(asked, 'IAM:SetUserOauthSubject')
    return changed(withUser(asked.state, userInPath(asked), { oauthSubject: subject ?? undefined }))
  }),
  change('PUT', '/iam/users/{user}/fingerprint', (asked) => {
    const { state } = asked
    const text = textOf(bodyOf(asked))
    if (text === undefined) throw new CoapError('4.00', 'Fingerprint missing')
    if (text !== null && !isFingerprint(text)) throw new CoapError('4.00', 'Invalid fingerprint length')
    const fingerprint = text?.toLowerCase()
    requireAccessToUser(asked, 'IAM:SetUserFingerprint')
    if (ownerOf(state, fingerprint) !== undefined) throw new CoapError('4.09', 'Conflict')
    const user = userInPath(asked)
    if (fingerprint !== undefined) return changed(withFirstFingerprint(state, user, fingerprint))
    if (user.fingerprints.length === 0) throw new CoapError('5.00', 'Insufficient resources')
    return changed(withoutFingerprint(state, user, user.fingerprints[0]))
  }),
  change('PUT', '/iam/users/{user}/fingerprints/{fingerprint}', (asked) => {
    const body = bodyOf(asked)
    requireAccessToUser(asked, 'IAM:SetUserFingerprint')
    const fingerprint = fingerprintInPath(asked)
    if (fingerprint === undefined) throw new CoapError('4.00', 'Invalid fingerprint')
    const name = fingerprintName(textMember(body, 'FingerprintName'), asked)
    if (ownerOf(asked.state, fingerprint) !== undefined) throw new CoapError('4.09', 'Conflict')
    return changed(withFingerprint(asked.state, userInPath(asked), fingerprint, name))
  }),
  change('DELETE', '/iam/users/{user}/fingerprints/{fingerprint}', (asked) => {
    requireAccessToUser(asked, 'IAM:SetUserFingerprint')
    const user = userInPath(asked)
    const [exact, lower] = [asked.request.parameter('fingerprint'), fingerprintInPath(asked)]
    const owned = user.fingerprints.find(({ fingerprint }) => fingerprint === exact || fingerprint === lower)
    if (owned === undefined) throw new CoapError('4.04')
    return changed(withoutFingerprint(asked.state, user, owned), '2.02')
  }),
]

/** @throws {CoapError} 4.00 */
function newName(name: string | undefined, missing: string, maxBytes: number): string {
  if (name === undefined) throw new CoapError('4.00', missing)
  if (!isLegalUsername(name)) throw new CoapError('4.00', 'Invalid username')
  if (!fits(name, maxBytes)) throw new CoapError('4.00', 'Username too long')
  return name
}

function fingerprintInPath({ request }: Asked): string | undefined {
  const text = request.parameter('fingerprint')
  return isFingerprint(text) ? text.toLowerCase() : undefined
}

/** A name that cannot be read is none. @throws {CoapError} 4.00 when it is too long */
export function fingerprintName(text: string | null | undefined, { iam: { limits } }: Asked): string | undefined {
  if (text === null || text === undefined) return undefined
  if (!fits(text, limits.displayName)) throw new CoapError('4.00', 'Fingerprint name too long')
  return text
}

/** @throws {CoapError} 4.00, with a sentence for the person who chose the password */
function requireGoodPassword(password: string, asked: Asked): void {
  const { limits, rules } = asked.iam
  if (!isLegalPassword(password, limits)) throw new CoapError('4.00', 'Invalid Password length')
  const weakness = rules.weakPasswords === 'accept' ? undefined : passwordWeakness(password, asked.request.parameter('user'))
  if (weakness !== undefined) throw new CoapError('4.00', weakness)
}
