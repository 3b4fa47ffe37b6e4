import type { CborValue } from '../cbor/index.ts'
import { CborTag } from '../cbor/index.ts'
import { CoapError } from '../coap/index.ts'
import { cborContent, presentMembers, textMember } from './cbor-body.ts'
import { bodyOf, type Endpoint, read, requireAccess } from './endpoint.ts'
import { IamError } from './errors.ts'

/** Audit events in one answer, so that it fits into any message of a data channel. */
const PAGE = 32

/**
 * Endpoints beyond the protocol:
 *
 * - GET `/audit`, action `Audit:Read`: the latest 32 events, oldest first, as an array of maps {Sequence, Time (seconds since
 *   1970), Count, Kind, Action, Outcome, Connection?, User?, Role?, Statement?, Detail?}; `?before=N` gives those before
 *   sequence number N
 * - POST `/iam/explain`, action `IAM:Explain`: a dry run. {Action, Username?, Attributes?: {text: text}} is answered with
 *   {Allowed, Outcome, Role?, Policy?, Statement?, Reason, Considered: [{Policy, Statement, Outcome, Text}]}
 */
export const ownEndpoints: readonly Endpoint[] = [
  read('GET', '/audit', (asked) => {
    requireAccess(asked, 'Audit:Read')
    const { query = [] } = asked.request
    const before = query.map((option) => /^before=(\d{1,15})$/.exec(option)?.[1]).find((found) => found !== undefined)
    const events = asked.iam.audit.events({ before: before === undefined ? Infinity : Number(before), limit: PAGE })
    return cborContent(events.map((event) => presentMembers([
      ['Sequence', event.sequence], ['Time', Math.floor(event.timeMs / 1000)], ['Count', event.count], ['Kind', event.kind],
      ['Action', event.action], ['Outcome', event.outcome], ['Connection', event.connection], ['User', event.user],
      ['Role', event.role], ['Statement', event.statement], ['Detail', event.detail],
    ])))
  }),
  read('POST', '/iam/explain', (asked) => {
    requireAccess(asked, 'IAM:Explain')
    const body = bodyOf(asked)
    const action = textMember(body, 'Action')
    if (typeof action !== 'string') throw new CoapError('4.00', 'Action missing')
    const user = textMember(body, 'Username') ?? undefined
    try {
      const { allowed, outcome, role, statement, reason, considered } = asked.iam.explain({ action, user, attributes: attributesIn(body) })
      return cborContent(presentMembers([
        ['Allowed', allowed], ['Outcome', outcome], ['Role', role], ['Policy', statement?.policy], ['Statement', statement?.index], ['Reason', reason],
        ['Considered', considered.map(({ policy, index, outcome: found, text }) => ({ Policy: policy, Statement: index, Outcome: found, Text: text }))],
      ]))
    } catch (thrown) {
      if (thrown instanceof IamError) throw new CoapError('4.04', 'No such user')
      throw thrown
    }
  }),
]

function attributesIn(body: CborValue): Record<string, string> {
  const given = isMap(body) ? body.Attributes : undefined
  if (given === undefined) return {}
  const entries = isMap(given) ? Object.entries(given) : []
  if (!isMap(given) || !entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw new CoapError('4.00', 'Attributes must be a map of text to text')
  }
  return Object.fromEntries(entries)
}

function isMap(value: CborValue): value is { readonly [key: string]: CborValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map) && !(value instanceof Uint8Array) && !(value instanceof CborTag)
}
