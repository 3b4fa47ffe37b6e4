import type { CborValue } from '../cbor/index.ts'
import { CoapError, type CoapErrorCode, contentFormats } from '../coap/index.ts'
import { cborContent, decodeBody, presentMembers, textMember } from './cbor-body.ts'
import { ownerOf } from './connections.ts'
import { findUser, withFingerprint, withUser } from './edits.ts'
import { type Asked, bodyOf, change, changed, type Endpoint, read, requireAccess } from './endpoint.ts'
import { IamError, type IamErrorCode } from './errors.ts'
import type { State, User } from './state.ts'
import { fingerprintName } from './user-endpoints.ts'
import { checkName, createUser, type IamRules, invalid } from './users.ts'

/** Of the version of the protocol that this device speaks (protocol/iam.md §3.3). */
const PROTOCOL_VERSION = '5.15.0'

/** A user with a key, or one that an identity provider knows. */
export function isPaired({ fingerprints, oauthSubject }: User): boolean {
  return fingerprints.length > 0 || oauthSubject !== undefined
}

/**
 * Makes a user for a new client, or finds that it is paired as this user already: then the state stays the same object
 * (protocol/iam.md §3.4).
 * @throws {IamError} `ERR_IAM_INVALID_ARGUMENT`, `ERR_IAM_USER_EXISTS`, `ERR_IAM_INTERNAL`
 */
export function pairNewClient(
  state: State, username: string | undefined, fingerprint: string | undefined, name: string | undefined, rules: IamRules,
): State {
  if (username === undefined || fingerprint === undefined) throw invalid('Pairing needs a user name, and a client with a key.')
  checkName(username, rules.limits)
  const [named, owner] = [findUser(state, username), ownerOf(state, fingerprint)]
  if (named !== undefined && named === owner) return state
  if (named !== undefined || owner !== undefined) throw new IamError('ERR_IAM_USER_EXISTS', 'The name is taken, or this client is paired under another.')
  if (state.openPairingRole === undefined) throw new IamError('ERR_IAM_INTERNAL', 'There is no role for users who pair by themselves.')
  const user = { ...createUser(state, username, rules), role: state.openPairingRole, fingerprints: [{ fingerprint, name }] }
  return { ...state, users: [...state.users, user] }
}

/** Pairing (protocol/iam.md §3.3 and §3.4); the order of checks is that of the tables there. */
export const pairingEndpoints: readonly Endpoint[] = [
  read('GET', '/iam/pairing', (asked) => {
    requireAccess(asked, 'IAM:GetPairing')
    const { iam: { device }, state } = asked
    return cborContent(presentMembers([
      ['Modes', modesFor(asked)],
      ['NabtoVersion', PROTOCOL_VERSION],
      ['AppVersion', device.appVersion],
      ['AppName', device.appName],
      ['ProductId', device.productId],
      ['DeviceId', device.deviceId],
      ['FriendlyName', state.friendlyName],
    ]))
  }),
  change('POST', '/iam/pairing/password-open', (asked) => {
    const { iam, request, state } = asked
    if (!state.passwordOpenPairing) throw new CoapError('4.04', 'Not Found')
    requireAccess(asked, 'IAM:PairingPasswordOpen')
    if (state.openPairingPassword === undefined || state.openPairingRole === undefined) throw new CoapError('4.03', 'Access Denied')
    if (iam.identityOf(request.context).login === undefined) throw new CoapError('4.01', 'Access Denied')
    const fingerprint = clientFingerprint(asked)
    const body = bodyOf(asked)
    if (textMember(body, 'Password') !== undefined) throw new CoapError('4.00', '5.1 clients are not supported for password pairing')
    return pairOpen(asked, fingerprint, body, 'Username missing or invalid')
  }),
  change('POST', '/iam/pairing/password-invite', (asked) => {
    const { iam, request, state } = asked
    if (!state.passwordInvitePairing) throw new CoapError('4.04', 'Not Found')
    requireAccess(asked, 'IAM:PairingPasswordInvite')
    const { login } = iam.identityOf(request.context)
    if (login === undefined) throw new CoapError('4.01', 'Access Denied')
    if (login.user === undefined) throw new CoapError('5.00', 'Server error')
    const fingerprint = clientFingerprint(asked)
    const owner = ownerOf(state, fingerprint)
    if (owner?.record === login.user.record) return { result: { code: '2.01' } }
    if (owner !== undefined) throw new CoapError('4.09')
    const name = fingerprintName(optionalMember(asked, 'FingerprintName'), asked)
    const invited = withFingerprint(state, login.user, fingerprint, name)
    return changed(withUser(invited, login.user, { password: undefined }), '2.01')
  }),
  change('POST', '/iam/pairing/local-open', (asked) => {
    const { request, state } = asked
    if (!state.localOpenPairing) throw new CoapError('4.04', 'Not Found')
    requireAccess(asked, 'IAM:PairingLocalOpen')
    if (!request.context.isLocal) throw new CoapError('4.03', 'Access Denied')
    return pairOpen(asked, clientFingerprint(asked), bodyOf(asked), 'Invalid CBOR data for Username')
  }),
  change('POST', '/iam/pairing/local-initial', (asked) => {
    const { request, state } = asked
    if (!state.localInitialPairing) throw new CoapError('4.04', 'Not Found')
    requireAccess(asked, 'IAM:PairingLocalInitial')
    if (!request.context.isLocal) throw new CoapError('4.03', 'Access Denied')
    const initial = initialUser(state)
    if (initial === undefined) throw new CoapError('4.04', 'Not available')
    if (isPaired(initial)) throw new CoapError('4.09', 'Already paired')
    const name = request.contentFormat === contentFormats.cbor ? textMember(bodyOf(asked), 'FingerprintName') : null
    if (name === undefined) throw new CoapError('4.00', 'Missing FingerprintName')
    const fingerprint = clientFingerprint(asked)
    // A key leads to its first owner: the initial user would be paired, and yet nobody could be that user.
    if (ownerOf(state, fingerprint) !== undefined) throw new CoapError('4.09', 'Conflict')
    return changed(withFingerprint(state, initial, fingerprint, fingerprintName(name, asked)), '2.01')
  }),
]

/** What this very connection could do; being logged in with a password is not asked for (protocol/iam.md §3.3). */
function modesFor({ iam, request: { context }, state }: Asked): string[] {
  const may = (action: string): boolean => iam.decide(context, `IAM:Pairing${action}`).allowed
  const { openPairingPassword, openPairingRole } = state
  const initial = initialUser(state)
  const modes = [
    ['PasswordOpen', state.passwordOpenPairing && openPairingPassword !== undefined && openPairingRole !== undefined],
    ['LocalOpen', state.localOpenPairing && context.isLocal && openPairingRole !== undefined],
    ['PasswordInvite', state.passwordInvitePairing],
    ['LocalInitial', state.localInitialPairing && context.isLocal && initial !== undefined && !isPaired(initial)],
  ] as const
  return modes.filter(([mode, on]) => on && may(mode)).map(([mode]) => mode)
}

function initialUser(state: State): User | undefined {
  return state.initialPairingUsername === undefined ? undefined : findUser(state, state.initialPairingUsername)
}

/** @throws {CoapError} 5.00 */
function clientFingerprint({ request }: Asked): string {
  const fingerprint = request.context.clientFingerprint
  if (fingerprint === undefined) throw new CoapError('5.00', 'Server error')
  return fingerprint
}

/** Undefined when there is no body, or one that cannot be read. */
function optionalMember({ request }: Asked, name: string): string | null | undefined {
  let body: CborValue
  try {
    body = decodeBody(request)
  } catch {
    return undefined
  }
  return textMember(body, name)
}

const REFUSALS: Partial<Record<IamErrorCode, [CoapErrorCode, string]>> = {
  ERR_IAM_INVALID_ARGUMENT: ['4.00', 'Invalid username'],
  ERR_IAM_USER_EXISTS: ['4.09', 'Conflict'],
  ERR_IAM_INTERNAL: ['5.00', 'Server error'],
}

function pairOpen(asked: Asked, fingerprint: string, body: CborValue, wrongType: string): ReturnType<typeof changed> {
  const username = textMember(body, 'Username')
  if (username === undefined) throw new CoapError('4.00', wrongType)
  if (username === null) throw new CoapError('4.00', 'Username missing')
  const name = fingerprintName(textMember(body, 'FingerprintName'), asked)
  try {
    const paired = pairNewClient(asked.state, username, fingerprint, name, asked.iam.rules)
    return paired === asked.state ? { result: { code: '2.01' } } : changed(paired, '2.01')
  } catch (thrown) {
    const refusal = thrown instanceof IamError ? REFUSALS[thrown.code] : undefined
    throw refusal === undefined ? thrown : new CoapError(refusal[0], refusal[1])
  }
}
