import { type CborValue } from '../cbor/index.ts'
import { presentMembers } from './cbor-body.ts'
import type { User } from './state.ts'

/** A user as clients see it, without the password (protocol/iam.md §3.1). */
export function userObject({ username, displayName, role, fingerprints, serverConnectToken, fcm, notificationCategories, oauthSubject }: User): CborValue {
  const last = fingerprints.length === 0 ? undefined : fingerprints[fingerprints.length - 1].fingerprint
  const hasFcm = fcm?.token !== undefined || fcm?.projectId !== undefined
  return presentMembers([
    ['Username', username],
    ['DisplayName', displayName],
    ['Role', role],
    ['Fingerprints', fingerprints.map(({ fingerprint, name }) => presentMembers([['Fingerprint', fingerprint], ['Name', name]]))],
    // For clients from before a user could have several.
    ['Fingerprint', last],
    ['Sct', serverConnectToken],
    ['Fcm', hasFcm ? presentMembers([['Token', fcm.token], ['ProjectId', fcm.projectId]]) : undefined],
    ['NotificationCategories', notificationCategories],
    ['OauthSubject', oauthSubject],
  ])
}
