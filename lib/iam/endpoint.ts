import { type CborValue } from '../cbor/index.ts'
import { CoapError, type CoapMethod, type CoapResponse, type RoutedRequest } from '../coap/index.ts'
import { decodeBody, textOf } from './cbor-body.ts'
import type { IamConnection } from './connections.ts'
import { findUser } from './edits.ts'
import type { Iam } from './iam.ts'
import { fits } from './limits.ts'
import type { State, User } from './state.ts'
import type { Change } from './store.ts'

/** One request, and the state it meets. */
export interface Asked {
  readonly iam: Iam
  readonly request: RoutedRequest<IamConnection>
  readonly state: State
}

/** A route. Its handler refuses by throwing a {@link CoapError}. */
export type Endpoint = { readonly method: CoapMethod; readonly path: string } & (
  | { readonly read: (asked: Asked) => CoapResponse }
  | { readonly change: (asked: Asked) => Change<CoapResponse> }
)

/** An endpoint that answers at once. */
export function read(method: CoapMethod, path: string, handler: (asked: Asked) => CoapResponse): Endpoint {
  return { method, path, read: handler }
}

/** An endpoint that runs when it is its turn, checks and all: nothing can come between a check and what it allows. */
export function change(method: CoapMethod, path: string, handler: (asked: Asked) => Change<CoapResponse>): Endpoint {
  return { method, path, change: handler }
}

/** @throws {CoapError} 4.03 */
export function requireAccess({ iam, request }: Asked, action: string, attributes: Readonly<Record<string, string>> = {}): void {
  if (!iam.check(request.context, action, attributes)) throw new CoapError('4.03', 'Access Denied')
}

/** Access to the user that the path names, who need not exist. @throws {CoapError} 4.03 */
export function requireAccessToUser(asked: Asked, action: string, attributes: Readonly<Record<string, string>> = {}): void {
  requireAccess(asked, action, { 'IAM:Username': asked.request.parameter('user'), ...attributes })
}

/** The user that the path names. @throws {CoapError} 4.04 */
export function userInPath({ request, state }: Asked, diagnostic?: string): User {
  const user = findUser(state, request.parameter('user'))
  if (user === undefined) throw new CoapError('4.04', diagnostic)
  return user
}

/** How a bare value in a body is refused; protocol/iam.md §3.6 has the words. */
export interface TextRules {
  /** Neither text nor null. */
  wrongType: string
  /** Left out where null takes the value away. */
  missing?: string
  tooLong: string
  maxBytes: number
}

/** @throws {CoapError} 4.00 */
export function textBody(asked: Asked, rules: TextRules & { missing: string }): string
export function textBody(asked: Asked, rules: TextRules): string | null
export function textBody(asked: Asked, { wrongType, missing, tooLong, maxBytes }: TextRules): string | null {
  const text = textOf(bodyOf(asked))
  if (text === undefined) throw new CoapError('4.00', wrongType)
  if (text === null && missing !== undefined) throw new CoapError('4.00', missing)
  if (text !== null && !fits(text, maxBytes)) throw new CoapError('4.00', tooLong)
  return text
}

/** @throws {CoapError} 4.00 */
export function bodyOf({ request }: Asked): CborValue {
  return decodeBody(request)
}

export function changed(state: State, code: '2.01' | '2.02' | '2.04' = '2.04'): Change<CoapResponse> {
  return { state, result: { code } }
}
