import type { Configuration } from './configuration.ts'
import { writeStatement } from './configuration.ts'
import { requireUser } from './edits.ts'
import { type Attributes, type Decision, evaluateRole, type Outcome, type StatementReference } from './policy.ts'
import type { State } from './state.ts'

/** What conditions of a check can look at: what the caller gives goes before what IAM knows (protocol/iam.md §1.3). */
export function accessAttributes(given: Readonly<Record<string, string>>, isLocal: boolean, username: string | undefined): Attributes {
  const attributes = new Map(Object.entries(given))
  if (!attributes.has('Connection:IsLocal')) attributes.set('Connection:IsLocal', String(isLocal))
  if (username !== undefined && !attributes.has('Connection:Username')) attributes.set('Connection:Username', username)
  return attributes
}

export interface AccessQuestion {
  action: string
  /** Left out for a connection that belongs to nobody. */
  user?: string
  attributes?: Readonly<Record<string, string>>
  /** Default false. */
  isLocal?: boolean
}

export interface ConsideredStatement extends StatementReference {
  readonly outcome: Outcome
  /** As it stands in the configuration. */
  readonly text: string
}

export interface Explanation extends Decision {
  readonly action: string
  readonly user?: string
  readonly attributes: Readonly<Record<string, string>>
  /** Statements that name the action, in the order in which they were looked at. */
  readonly considered: readonly ConsideredStatement[]
  /** Why, in a sentence. */
  readonly reason: string
}

/**
 * A dry run: whether a user may do something, and which statement says so. Nothing is changed and nothing audited.
 * @throws {IamError} `ERR_IAM_NO_SUCH_USER`
 */
export function explainAccess(configuration: Configuration, state: State, { action, user, attributes = {}, isLocal = false }: AccessQuestion): Explanation {
  const role = user === undefined ? configuration.unpairedRole : requireUser(state, user).role
  const seen = accessAttributes(attributes, isLocal, user)
  const considered: ConsideredStatement[] = []
  const decision = evaluateRole(configuration, role, action, seen, (reference, outcome) => {
    const statement = configuration.policies.find(({ id }) => id === reference.policy)?.statements[reference.index]
    considered.push({ ...reference, outcome, text: statement === undefined ? '' : JSON.stringify(writeStatement(statement)) })
  })
  return { ...decision, action, user, attributes: Object.fromEntries(seen), considered, reason: reasonOf(decision, action, considered.length > 0) }
}

/** `policy[index]`, as an audit names it. */
export function nameOfStatement({ policy, index }: StatementReference): string {
  return `${policy}[${index}]`
}

function reasonOf({ outcome, role, statement, missingPolicy }: Decision, action: string, named: boolean): string {
  if (role === undefined) return 'There is no role, so nothing is allowed.'
  if (missingPolicy !== undefined) return `Role ${role} names the policy ${missingPolicy}, which the configuration does not have.`
  if (statement !== undefined) {
    const where = `Statement ${statement.index} of policy ${statement.policy}, which role ${role} has,`
    if (outcome === 'Error') return `${where} compares a value that is not of the kind its operator needs.`
    return `${where} ${outcome === 'Allow' ? 'allows' : 'denies'} ${action}.`
  }
  if (outcome === 'Error') return `The role ${role} is not in the configuration.`
  return named ? `No statement of role ${role} that names ${action} has conditions that are met.` : `No statement of role ${role} names ${action}.`
}
