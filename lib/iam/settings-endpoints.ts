import { CoapError } from '../coap/index.ts'
import { cborContent, presentMembers } from './cbor-body.ts'
import { bodyOf, change, changed, type Endpoint, read, requireAccess, textBody } from './endpoint.ts'
import type { PairingMode } from './users.ts'

/** Settings that can be changed over CoAP, by their path. */
const MODES: Readonly<Record<string, PairingMode | undefined>> = {
  'password-open-pairing': 'passwordOpenPairing',
  'password-invite-pairing': 'passwordInvitePairing',
  'local-open-pairing': 'localOpenPairing',
}

/** Roles, settings, device information (protocol/iam.md §3.7). */
export const settingsEndpoints: readonly Endpoint[] = [
  read('GET', '/iam/roles', (asked) => {
    requireAccess(asked, 'IAM:ListRoles')
    return cborContent(asked.iam.configuration.roles.map(({ id }) => id))
  }),
  read('GET', '/iam/settings', (asked) => {
    requireAccess(asked, 'IAM:GetSettings')
    const { state } = asked
    return cborContent(presentMembers([
      ['PasswordOpenPairing', state.passwordOpenPairing],
      ['PasswordInvitePairing', state.passwordInvitePairing],
      ['LocalOpenPairing', state.localOpenPairing],
      ['PasswordOpenSct', state.openPairingSct],
      ['PasswordOpenPassword', state.openPairingPassword],
    ]))
  }),
  change('PUT', '/iam/settings/{key}', (asked) => {
    requireAccess(asked, 'IAM:SetSettings')
    const on = bodyOf(asked)
    const key = asked.request.parameter('key')
    const mode = Object.prototype.hasOwnProperty.call(MODES, key) ? MODES[key] : undefined
    if (mode === undefined) throw new CoapError('4.04', 'No such key')
    if (typeof on !== 'boolean') throw new CoapError('4.00', 'Bad request')
    return changed({ ...asked.state, [mode]: on })
  }),
  change('PUT', '/iam/device-info/{key}', (asked) => {
    requireAccess(asked, 'IAM:SetDeviceInfo')
    bodyOf(asked)
    if (asked.request.parameter('key') !== 'friendly-name') throw new CoapError('4.04', 'No such key')
    const missing = 'Friendly name missing'
    const friendlyName = textBody(asked, {
      wrongType: missing, missing, tooLong: 'Friendly name length exceeded', maxBytes: asked.iam.limits.friendlyName,
    })
    return changed({ ...asked.state, friendlyName })
  }),
]
