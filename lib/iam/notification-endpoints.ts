import { CoapError, type CoapResponse } from '../coap/index.ts'
import { cborContent, textMember } from './cbor-body.ts'
import { withUser } from './edits.ts'
import { type Asked, bodyOf, change, changed, type Endpoint, read, requireAccess, requireAccessToUser, userInPath } from './endpoint.ts'
import { fits } from './limits.ts'

/** Hands a push message over to be sent. @param body - an FCM v1 document in JSON */
export type SendFcm = (projectId: string, body: string) => Promise<{ statusCode: number; body: string }>

/** Notifications (protocol/iam.md §3.8). */
export const notificationEndpoints: readonly Endpoint[] = [
  read('GET', '/iam/notification-categories', (asked) => {
    requireAccess(asked, 'IAM:ListNotificationCategories')
    return cborContent(asked.iam.rules.categories)
  }),
  change('PUT', '/iam/users/{user}/notification-categories', (asked) => {
    const body = bodyOf(asked)
    if (!Array.isArray(body) || !body.every((category) => typeof category === 'string')) throw new CoapError('4.00', 'Bad request')
    requireAccessToUser(asked, 'IAM:SetUserNotificationCategories')
    const user = userInPath(asked)
    const categories = [...new Set(body)]
    if (!categories.every((category) => asked.iam.rules.categories.includes(category))) {
      throw new CoapError('4.00', 'One or more categories are invalid')
    }
    return changed(withUser(asked.state, user, { notificationCategories: categories }))
  }),
  change('PUT', '/iam/users/{user}/fcm', (asked) => {
    const { fcmToken, fcmProjectId } = asked.iam.limits
    const body = bodyOf(asked)
    requireAccessToUser(asked, 'IAM:SetUserFcm')
    const user = userInPath(asked)
    const [token, projectId] = [textMember(body, 'Token'), textMember(body, 'ProjectId')]
    // One byte less than the program itself may set.
    if (typeof token !== 'string' || typeof projectId !== 'string' || !fits(token, fcmToken - 1) || !fits(projectId, fcmProjectId - 1)) {
      throw new CoapError('4.00', 'Bad request')
    }
    return changed(withUser(asked.state, user, { fcm: { ...user.fcm, token, projectId } }))
  }),
]

/** POST `/iam/users/{user}/fcm-test`: one at a time. */
export function fcmTest(send: SendFcm): (asked: Asked) => Promise<CoapResponse> {
  let busy = false
  return async (asked) => {
    requireAccessToUser(asked, 'IAM:SendUserFcmTest')
    const { fcm } = userInPath(asked, 'No such user')
    if (fcm?.token === undefined || fcm.projectId === undefined) throw new CoapError('4.04', 'User FCM config not found')
    if (busy) throw new CoapError('5.03', 'Failed to send to basestation')
    busy = true
    try {
      const notification = { title: 'Test', body: 'This is a test of notifications.' }
      const { statusCode, body } = await send(fcm.projectId, JSON.stringify({ message: { notification, token: fcm.token } }))
      return cborContent({ StatusCode: statusCode, Body: body }, '2.01')
    } catch (cause) {
      throw new CoapError('5.03', 'Failed to send to basestation', { cause })
    } finally {
      busy = false
    }
  }
}
