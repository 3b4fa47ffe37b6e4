import type { Random } from '../runtime/index.ts'
import type { Configuration } from './configuration.ts'
import type { Condition, Policy } from './policy.ts'
import { generatePassword, generateServerConnectToken } from './secrets.ts'
import { EMPTY_STATE, newUser, type State } from './state.ts'

const allow = (id: string, actions: readonly string[]): Policy => ({ id, statements: [{ effect: 'Allow', actions, conditions: [] }] })
const iam = (...verbs: string[]): string[] => verbs.map((verb) => `IAM:${verb}`)

const ownUser: Condition = { operator: 'StringEquals', key: 'IAM:Username', values: ['${Connection:Username}'] }

/**
 * Four roles: Administrator; Standard, who views and manages only oneself; Guest, who views and has a password of its own; Unpaired, everybody else, who
 * can do no more than pair. Policies are those of protocol/iam.md Appendix C, and more of the same for administrators.
 */
export function defaultConfiguration(): Configuration {
  return {
    policies: [
      allow('Pairing', iam('GetPairing', 'PairingPasswordInvite', 'PairingLocalInitial', 'PairingLocalOpen', 'PairingPasswordOpen')),
      allow('WebrtcSignaling', ['Webrtc:Signaling', 'Webrtc:GetInfo']),
      allow('Webrtc', ['Webrtc:VideoStream', 'Webrtc:FileStream']),
      allow('ManageIam', iam(
        'ListUsers', 'GetUser', 'DeleteUser', 'SetUserRole', 'ListRoles', 'CreateUser', 'SetUserPassword', 'SetUserDisplayName',
        'SetUserOauthSubject', 'SetSettings', 'GetSettings', 'SetDeviceInfo', 'SetUserUsername', 'SetUserSct', 'SetUserFingerprint',
        'ListNotificationCategories', 'SetUserNotificationCategories', 'SetUserFcm', 'SendUserFcmTest', 'Explain',
      )),
      allow('Audit', ['Audit:Read']),
      { id: 'OwnPassword', statements: [{ effect: 'Allow', actions: iam('SetUserPassword'), conditions: [ownUser] }] },
      {
        id: 'ManageOwnUser',
        statements: [
          {
            effect: 'Allow',
            actions: iam('GetUser', 'DeleteUser', 'SetUserDisplayName', 'SetUserOauthSubject', 'SetUserPassword'),
            conditions: [ownUser],
          },
          { effect: 'Allow', actions: iam('ListUsers', 'ListRoles'), conditions: [] },
        ],
      },
    ],
    roles: [
      { id: 'Administrator', policies: ['ManageIam', 'Audit', 'Webrtc', 'Pairing', 'WebrtcSignaling'] },
      { id: 'Standard', policies: ['ManageOwnUser', 'Webrtc', 'Pairing', 'WebrtcSignaling'] },
      { id: 'Guest', policies: ['Webrtc', 'OwnPassword', 'Pairing', 'WebrtcSignaling'] },
      { id: 'Unpaired', policies: ['Pairing', 'WebrtcSignaling'] },
    ],
    unpairedRole: 'Unpaired',
  }
}

/**
 * A device as it leaves its box: one administrator `admin` who has never been here, with a password for whoever holds the
 * pairing link. Nobody else can pair until the administrator says so.
 */
export function defaultState(random: Random): State {
  const admin = newUser('admin', {
    role: 'Administrator', password: generatePassword(random), serverConnectToken: generateServerConnectToken(random),
  })
  return {
    ...EMPTY_STATE,
    openPairingPassword: generatePassword(random),
    openPairingSct: generateServerConnectToken(random),
    openPairingRole: 'Guest',
    initialPairingUsername: 'admin',
    passwordInvitePairing: true,
    users: [admin],
  }
}
