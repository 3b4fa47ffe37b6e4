import { encodeUtf8 } from '../bytes/index.ts'
import { IamError } from './errors.ts'
import { fileObject, type Members, membersOf, parseFile, type UnknownMembers } from './members.ts'
import { type Condition, isOperator, type Policy, type Role, type Statement } from './policy.ts'

/** Who may do what; fixed while the device runs (protocol/iam.md §2.1). */
export interface Configuration extends UnknownMembers {
  readonly policies: readonly Policy[]
  readonly roles: readonly Role[]
  /** Role of connections that belong to no user. */
  readonly unpairedRole?: string
  /** Members of `Config` that this version does not know. */
  readonly unknownConfig?: UnknownMembers
}

const MAX_BYTES = 262_144

/**
 * @param bytes - a configuration file, version 1, up to 256 KiB
 * @throws {IamError} `ERR_IAM_CONFIGURATION`, naming the member that is wrong
 */
export function parseConfiguration(bytes: Uint8Array): Configuration {
  const file = parseFile(bytes, MAX_BYTES, (problem) => wrong('The file', problem))
  const version = file.take('Version')
  if (typeof version !== 'number' || Math.trunc(version) !== 1) throw wrong('Version', 'is not 1')
  const policies = list(file.take('Policies'), 'Policies').map((item, index) => parsePolicy(item, `Policies[${index}]`))
  const roles = list(file.take('Roles'), 'Roles').map((item, index) => parseRole(item, `Roles[${index}]`))
  const config = members(file.take('Config'), 'Config')
  const unpairedRole = config.takeText('UnpairedRole')
  const configuration = { policies, roles, unpairedRole, unknownConfig: config.leftOver(), ...file.leftOver() }
  validateConfiguration(configuration)
  return configuration
}

/**
 * An unpaired role must be one of the roles; nothing else is checked (protocol/iam.md §2.1).
 * @throws {IamError} `ERR_IAM_CONFIGURATION`
 */
export function validateConfiguration({ roles, unpairedRole }: Configuration): void {
  if (unpairedRole !== undefined && !roles.some(({ id }) => id === unpairedRole)) {
    throw wrong('Config.UnpairedRole', 'names a role that is not among Roles')
  }
}

/** The file, in the member order of protocol/iam.md §2.1, what was unknown at the end. */
export function serializeConfiguration(configuration: Configuration): Uint8Array {
  const { policies, roles, unpairedRole, unknownConfig } = configuration
  return encodeUtf8(JSON.stringify(fileObject([
    ['Version', 1],
    ['Policies', policies.map((policy) => fileObject([['Id', policy.id], ['Statements', policy.statements.map(writeStatement)]], policy))],
    ['Roles', roles.map((role) => fileObject([['Id', role.id], ['Policies', role.policies]], role))],
    ['Config', fileObject([['UnpairedRole', unpairedRole]], unknownConfig)],
  ], configuration)))
}

export function writeStatement(statement: Statement): Record<string, unknown> {
  const conditions = statement.conditions.map(({ operator, key, values }) => ({ [operator]: { [key]: values } }))
  return fileObject([
    ['Effect', statement.effect],
    ['Actions', statement.actions],
    ['Conditions', conditions.length === 0 ? undefined : conditions],
  ], statement)
}

function parsePolicy(item: unknown, where: string): Policy {
  const policy = members(item, where)
  const id = text(policy.take('Id'), `${where}.Id`)
  const statements = list(policy.take('Statements'), `${where}.Statements`)
  return { id, statements: statements.map((statement, index) => parseStatement(statement, `${where}.Statements[${index}]`)), ...policy.leftOver() }
}

function parseStatement(item: unknown, where: string): Statement {
  const statement = members(item, where)
  const effect = statement.take('Effect')
  if (effect !== 'Allow' && effect !== 'Deny') throw wrong(`${where}.Effect`, 'is neither Allow nor Deny')
  const actions = texts(statement.take('Actions'), `${where}.Actions`)
  // Conditions of a wrong type, taken for none, would make the statement unconditional.
  const written = statement.take('Conditions')
  const conditions = written === undefined ? [] : list(written, `${where}.Conditions`)
  return { effect, actions, conditions: conditions.map((condition, index) => parseCondition(condition, `${where}.Conditions[${index}]`)), ...statement.leftOver() }
}

function parseCondition(item: unknown, where: string): Condition {
  const [operator, comparison] = onlyMember(item, where)
  if (!isOperator(operator)) throw wrong(where, 'has an operator that does not exist')
  const [key, values] = onlyMember(comparison, `${where}.${operator}`)
  return { operator, key, values: texts(values, `${where}.${operator}.${key}`) }
}

function parseRole(item: unknown, where: string): Role {
  const role = members(item, where)
  const id = text(role.take('Id'), `${where}.Id`)
  const policies = list(role.take('Policies'), `${where}.Policies`).filter((policy) => typeof policy === 'string')
  return { id, policies: [...new Set(policies)], ...role.leftOver() }
}

function onlyMember(item: unknown, where: string): [name: string, value: unknown] {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw wrong(where, 'is not an object')
  const entries: [string, unknown][] = Object.entries(item)
  if (entries.length !== 1) throw wrong(where, 'must have exactly one member')
  return entries[0]
}

function members(item: unknown, where: string): Members {
  return membersOf(item, () => wrong(where, 'is not an object'))
}

function list(item: unknown, where: string): unknown[] {
  if (!Array.isArray(item)) throw wrong(where, 'is not an array')
  return item
}

/** Without what comes twice. */
function texts(item: unknown, where: string): string[] {
  const items = list(item, where)
  if (!items.every((value) => typeof value === 'string')) throw wrong(where, 'has an element that is not a string')
  return [...new Set(items)]
}

function text(item: unknown, where: string): string {
  if (typeof item !== 'string') throw wrong(where, 'is not a string')
  return item
}

function wrong(where: string, problem: string): IamError {
  return new IamError('ERR_IAM_CONFIGURATION', `IAM configuration: ${where} ${problem}.`)
}
