import type { CoapRequestOptions, CoapResponse, CoapMethod } from '../coap/index.ts'
import { createIamRequests, type RemoteUser } from './iam-client.ts'

/** A user under the names of the published client (protocol/edge-webrtc.md §9). */
export interface EdgeIamUser {
  Username: string
  Role?: string
  DisplayName?: string
  Fingerprint?: string
  Sct?: string
  /** Of a user who was made now. */
  Password?: string
}

type Send = (method: CoapMethod, path: string, options?: CoapRequestOptions) => Promise<CoapResponse>

/** @param password - for the user who is made */
export async function createEdgeUser(send: Send, username: string, role: string, password: string): Promise<EdgeIamUser> {
  const iam = createIamRequests(send)
  await iam.createUser(username)
  await iam.setPassword(username, password)
  await iam.setRole(username, role)
  return { ...edgeUserOf(await iam.user(username)), Password: password }
}

export async function edgeMe(send: Send): Promise<EdgeIamUser> {
  return edgeUserOf(await createIamRequests(send).me())
}

export async function edgeRoles(send: Send): Promise<string[]> {
  return [...await createIamRequests(send).roles()]
}

function edgeUserOf({ username, role, displayName, fingerprints: [first], serverConnectToken }: RemoteUser): EdgeIamUser {
  const user: EdgeIamUser = { Username: username }
  if (role !== undefined) user.Role = role
  if (displayName !== undefined) user.DisplayName = displayName
  if (first as unknown !== undefined) user.Fingerprint = first.fingerprint
  if (serverConnectToken !== undefined) user.Sct = serverConnectToken
  return user
}
