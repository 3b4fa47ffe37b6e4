import { type Condition, evaluateCondition, evaluateRole, evaluateStatement, type Operator, type Statement } from '../../../lib/iam/policy.ts'
import { test } from '../../suite.ts'
import { allow } from './support.ts'

// protocol/iam.md §1.3 to §1.5; §10, "Condition", "Condition variable", "Statement", "Policy".

const attributes = (members: Record<string, string>): Map<string, string> => new Map(Object.entries(members))
const condition = (operator: Operator, key: string, ...values: string[]): Condition => ({ operator, key, values })
const deny = (action: string, ...conditions: Condition[]): Statement => ({ effect: 'Deny', actions: [action], conditions })

test('a condition matches when its attribute has one of the values', (t) => {
  const foo = condition('StringEquals', 'foo', 'bar')
  t.equal(evaluateCondition(foo, attributes({})), 'NoMatch')
  t.equal(evaluateCondition(foo, attributes({ foo: 'baz' })), 'NoMatch')
  t.equal(evaluateCondition(foo, attributes({ foo: 'bar' })), 'Match')
  t.equal(evaluateCondition(condition('StringEquals', 'foo', 'x', 'bar'), attributes({ foo: 'bar' })), 'Match')
  t.equal(evaluateCondition(condition('StringEquals', 'foo'), attributes({ foo: 'bar' })), 'NoMatch', 'no values')
  t.equal(evaluateCondition(condition('StringNotEquals', 'foo', 'bar'), attributes({})), 'NoMatch', 'absent, even for Not')
  t.equal(evaluateCondition(condition('StringNotEquals', 'foo', 'bar', 'baz'), attributes({ foo: 'bar' })), 'Match', 'differs from one of them')
})

test('variables are whole values, and name an attribute exactly', (t) => {
  const own = condition('StringEquals', 'IAM:UserId', '${Connection:UserId}')
  t.equal(evaluateCondition(own, attributes({})), 'NoMatch')
  t.equal(evaluateCondition(own, attributes({ 'IAM:UserId': 'a' })), 'NoMatch')
  t.equal(evaluateCondition(own, attributes({ 'IAM:UserId': 'a', 'Connection:UserId': 'b' })), 'NoMatch')
  t.equal(evaluateCondition(own, attributes({ 'IAM:UserId': 'a', 'Connection:UserId': 'a' })), 'Match')
  const matches = (value: string, members: Record<string, string>): string => evaluateCondition(condition('StringEquals', 'x', value), attributes(members))
  t.equal(matches('${Connection:User}', { x: 'eve', 'Connection:Username': 'eve' }), 'NoMatch', 'no prefixes')
  t.equal(matches('${}', { x: 'x' }), 'NoMatch', 'no first attribute')
  t.equal(matches('a${y}', { x: 'ab', y: 'b' }), 'NoMatch', 'no embedding')
  t.equal(matches('${', { x: '${' }), 'Match')
  t.equal(matches('${y}', { x: '${z}', y: '${z}', z: 'q' }), 'Match', 'no recursion')
})

test('a value of the wrong kind is an error, unless an earlier one has matched', (t) => {
  const run = (operator: Operator, attribute: string, ...values: string[]): string => evaluateCondition(condition(operator, 'x', ...values), attributes({ x: attribute }))
  t.equal(run('NumericEquals', '1', 'one'), 'Error')
  t.equal(run('NumericEquals', 'one', '1'), 'Error')
  t.equal(run('NumericEquals', '1', '1.0', 'one'), 'Match')
  t.equal(run('NumericEquals', '1', 'one', '1'), 'Error')
  t.equal(run('Bool', 'true', 'false', 'true'), 'Match')
  t.equal(run('Bool', 'True', 'true'), 'Error')
  t.equal(run('NumericLessThan', '1', '2'), 'Match')
  t.equal(run('NumericLessThan', '2', '2'), 'NoMatch')
  t.equal(run('NumericLessThanEquals', '2', '2'), 'Match')
  t.equal(run('NumericGreaterThan', '3', '2'), 'Match')
  t.equal(run('NumericGreaterThanEquals', '2', '2'), 'Match')
  t.equal(run('NumericNotEquals', 'nan', 'nan'), 'Match')
  t.equal(run('NumericEquals', 'nan', 'nan'), 'NoMatch')
})

test('a statement needs its action and every condition', (t) => {
  for (const effect of ['Allow', 'Deny'] as const) {
    const statement: Statement = { effect, actions: ['do'], conditions: [condition('StringEquals', 'a', '1'), condition('StringEquals', 'b', '2')] }
    t.equal(evaluateStatement(statement, 'do', attributes({})), 'NoMatch')
    t.equal(evaluateStatement(statement, 'do', attributes({ a: '1' })), 'NoMatch')
    t.equal(evaluateStatement(statement, 'do', attributes({ a: '1', b: '2' })), effect)
    t.equal(evaluateStatement(statement, 'other', attributes({ a: '1', b: '2' })), 'NoMatch')
  }
})

test('a role allows what some statement allows and none denies', (t) => {
  const ssh = deny('TcpTunnel:Connect', condition('StringEquals', 'TcpTunnel:ServiceType', 'ssh'))
  const configuration = {
    policies: [
      allow('Allowing', 'TcpTunnel:Connect'),
      { id: 'NoSsh', statements: [ssh] },
      { id: 'Twice', statements: [...allow('', 'x').statements, deny('x'), ...allow('', 'x').statements] },
      allow('Twice', 'y'),
    ],
    roles: [
      { id: 'Deny', policies: ['NoSsh'] }, { id: 'Both', policies: ['Allowing', 'NoSsh'] }, { id: 'Twice', policies: ['Twice'] },
      { id: 'Missing', policies: ['Allowing', 'Lost'] },
    ],
  }
  const outcome = (role: string | undefined, action: string, members = {}): string => evaluateRole(configuration, role, action, attributes(members)).outcome
  const isSsh = { 'TcpTunnel:ServiceType': 'ssh' }
  t.equal(outcome('Deny', 'TcpTunnel:Connect'), 'NoMatch')
  t.equal(outcome('Deny', 'TcpTunnel:Connect', isSsh), 'Deny')
  t.equal(outcome('Both', 'TcpTunnel:Connect'), 'Allow')
  t.equal(outcome('Both', 'TcpTunnel:Connect', isSsh), 'Deny')
  t.equal(outcome('Twice', 'x'), 'Deny', 'an Allow after a Deny does not count')
  t.equal(outcome('Twice', 'y'), 'NoMatch', 'the first policy of an id is the one')
  t.equal(outcome('Missing', 'TcpTunnel:Connect'), 'Error')
  t.equal(outcome('Nobody', 'x'), 'Error')
  t.equal(outcome(undefined, 'x'), 'Error')
  t.same(evaluateRole(configuration, 'Twice', 'x', attributes({})).statement, { policy: 'Twice', index: 1 })
  t.equal(evaluateRole(configuration, 'Missing', 'TcpTunnel:Connect', attributes({})).missingPolicy, 'Lost')
})
