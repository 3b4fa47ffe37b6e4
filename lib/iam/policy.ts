import { parseBool, parseNumber } from './condition-values.ts'
import type { Configuration } from './configuration.ts'
import type { UnknownMembers } from './members.ts'

/** What a statement does when it applies. */
export type Effect = 'Allow' | 'Deny'
/** What came of a statement, a condition, a role: `Error` is a value that is no number or no bool, or a policy that is missing. */
export type Outcome = Effect | 'NoMatch' | 'Error'

export type Operator =
  | 'StringEquals' | 'StringNotEquals' | 'NumericEquals' | 'NumericNotEquals' | 'NumericLessThan' | 'NumericLessThanEquals' | 'NumericGreaterThan' | 'NumericGreaterThanEquals' | 'Bool'

type Comparison = (attribute: string, value: string) => boolean | undefined

const bothNumbers = (compare: (a: number, b: number) => boolean): Comparison => (attribute, value) => {
  const [a, b] = [parseNumber(attribute), parseNumber(value)]
  return a === undefined || b === undefined ? undefined : compare(a, b)
}

/** Each compares the attribute with one value of the condition; undefined is an error (protocol/iam.md §1.5). */
const OPERATORS: Record<Operator, Comparison> = {
  StringEquals: (attribute, value) => attribute === value,
  StringNotEquals: (attribute, value) => attribute !== value,
  NumericEquals: /* @__PURE__ */ bothNumbers((a, b) => a === b),
  NumericNotEquals: /* @__PURE__ */ bothNumbers((a, b) => a !== b),
  NumericLessThan: /* @__PURE__ */ bothNumbers((a, b) => a < b),
  NumericLessThanEquals: /* @__PURE__ */ bothNumbers((a, b) => a <= b),
  NumericGreaterThan: /* @__PURE__ */ bothNumbers((a, b) => a > b),
  NumericGreaterThanEquals: /* @__PURE__ */ bothNumbers((a, b) => a >= b),
  Bool: (attribute, value) => {
    const [a, b] = [parseBool(attribute), parseBool(value)]
    return a === undefined || b === undefined ? undefined : a === b
  },
}

/** Names are exact, case included. */
export function isOperator(name: string): name is Operator {
  return Object.keys(OPERATORS).includes(name)
}

export interface Condition {
  readonly operator: Operator
  /** The attribute that is compared. */
  readonly key: string
  /** The condition matches when one of them does; `${key}` stands for another attribute. */
  readonly values: readonly string[]
}

export interface Statement extends UnknownMembers {
  readonly effect: Effect
  readonly actions: readonly string[]
  /** All must match. */
  readonly conditions: readonly Condition[]
}

export interface Policy extends UnknownMembers {
  readonly id: string
  readonly statements: readonly Statement[]
}

export interface Role extends UnknownMembers {
  readonly id: string
  /** Ids of policies. */
  readonly policies: readonly string[]
}

/** What conditions can look at. */
export type Attributes = ReadonlyMap<string, string>

/** Where a statement stands: the policy, and its number there from 0. */
export interface StatementReference {
  readonly policy: string
  readonly index: number
}

/** What a role says of an action, and what made it say so. */
export interface Decision {
  readonly allowed: boolean
  readonly outcome: Outcome
  readonly role?: string
  /** The statement that decided; absent when none applied, or when the role or a policy is missing. */
  readonly statement?: StatementReference
  /** The policy that a role names and the configuration lacks. */
  readonly missingPolicy?: string
}

/** Told of every statement that names the action, in the order in which they are looked at. */
export type Trace = (statement: StatementReference, outcome: Outcome) => void

/**
 * Evaluates a role (protocol/iam.md §1.4): statements of its policies in order; a `Deny` or `Error` is final, an `Allow`
 * is not.
 */
export function evaluateRole(configuration: Configuration, roleId: string | undefined, action: string, attributes: Attributes, trace?: Trace): Decision {
  const role = configuration.roles.find(({ id }) => id === roleId)
  if (role === undefined) return { allowed: false, outcome: 'Error', role: roleId }
  let allowedBy: StatementReference | undefined
  for (const policyId of role.policies) {
    const policy = configuration.policies.find(({ id }) => id === policyId)
    if (policy === undefined) return { allowed: false, outcome: 'Error', role: role.id, missingPolicy: policyId }
    for (const [index, statement] of policy.statements.entries()) {
      if (!statement.actions.includes(action)) continue
      const outcome = evaluateStatement(statement, action, attributes)
      const reference = { policy: policy.id, index }
      trace?.(reference, outcome)
      if (outcome === 'Deny' || outcome === 'Error') return { allowed: false, outcome, role: role.id, statement: reference }
      if (outcome === 'Allow') allowedBy ??= reference
    }
  }
  return allowedBy === undefined
    ? { allowed: false, outcome: 'NoMatch', role: role.id }
    : { allowed: true, outcome: 'Allow', role: role.id, statement: allowedBy }
}

export function evaluateStatement(statement: Statement, action: string, attributes: Attributes): Outcome {
  if (!statement.actions.includes(action)) return 'NoMatch'
  for (const condition of statement.conditions) {
    const outcome = evaluateCondition(condition, attributes)
    if (outcome !== 'Match') return outcome
  }
  return statement.effect
}

/** An attribute that is absent matches nothing, not even the Not operators. */
export function evaluateCondition({ operator, key, values }: Condition, attributes: Attributes): 'Match' | 'NoMatch' | 'Error' {
  const attribute = attributes.get(key)
  if (attribute === undefined) return 'NoMatch'
  const compare: Comparison = OPERATORS[operator]
  for (const written of values) {
    const value = resolveVariable(written, attributes)
    if (value === undefined) continue
    const matches = compare(attribute, value)
    if (matches === undefined) return 'Error'
    if (matches) return 'Match'
  }
  return 'NoMatch'
}

function resolveVariable(value: string, attributes: Attributes): string | undefined {
  return value.startsWith('${') && value.endsWith('}') ? attributes.get(value.slice(2, -1)) : value
}
