import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { defaultConfiguration, parseConfiguration, serializeConfiguration } from '../../../lib/iam/index.ts'
import { test } from '../../suite.ts'
import { CONFIGURATION, file } from './support.ts'

// protocol/iam.md §2.1; §10, "Condition JSON", "Statement JSON", "Policy JSON", "Config JSON".

const statement = (members: object): object => ({ Effect: 'Allow', Actions: ['a'], ...members })
const withStatement = (members: object): Uint8Array =>
  file({ Version: 1, Policies: [{ Id: 'p', Statements: [statement(members)] }], Roles: [{ Id: 'r', Policies: ['p'] }], Config: { UnpairedRole: 'r' } })
const withCondition = (condition: unknown): Uint8Array => withStatement({ Conditions: [condition] })

test('conditions keep all their values', (t) => {
  const strings = parseConfiguration(withCondition({ StringEquals: { var1: ['val1', 'val2', 'val3', 'val1'] } }))
  t.same(strings.policies[0].statements[0].conditions, [{ operator: 'StringEquals', key: 'var1', values: ['val1', 'val2', 'val3'] }])
  const bools = parseConfiguration(withCondition({ Bool: { var1: ['true', 'false'] } }))
  t.same(bools.policies[0].statements[0].conditions[0].values, ['true', 'false'])
})

test('what could be read as less than it says is refused', (t) => {
  const wrong: [string, Uint8Array][] = [
    ['unknown operator', withCondition({ Foo: { a: ['b'] } })],
    ['numeric element', withCondition({ NumericEquals: { a: [42] } })],
    ['value a string', withCondition({ StringEquals: 'a' })],
    ['values a string', withCondition({ StringEquals: { a: 'b' } })],
    ['two operators', withCondition({ StringEquals: { a: ['b'] }, Bool: { c: ['true'] } })],
    ['two keys', withCondition({ StringEquals: { a: ['b'], c: ['d'] } })],
    ['no operator', withCondition({})],
    ['conditions an object', withStatement({ Conditions: { StringEquals: { a: ['b'] } } })],
    ['conditions null', withStatement({ Conditions: null })],
    ['effect', withStatement({ Effect: 'Invalid' })],
    ['effect in lower case', withStatement({ Effect: 'allow' })],
    ['actions', withStatement({ Actions: ['a', 1] })],
    ['version', file({ Version: 2, Policies: [], Roles: [], Config: {} })],
    ['no version', file({ Policies: [], Roles: [], Config: {} })],
    ['no config', file({ Version: 1, Policies: [], Roles: [] })],
    ['no roles', file({ Version: 1, Policies: [], Config: {} })],
    ['unpaired role', file({ Version: 1, Policies: [], Roles: [], Config: { UnpairedRole: 'r' } })],
    ['torn', withStatement({}).slice(0, 60)],
    ['array', file([])],
    ['not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['too large', new Uint8Array(262_145).fill(0x20)],
    ['too deep', encodeUtf8('['.repeat(100_000))],
  ]
  for (const [name, bytes] of wrong) t.throws(() => parseConfiguration(bytes), 'ERR_IAM_CONFIGURATION', name)
})

test('names of members are found in any case, and wrong types of optional ones ignored', (t) => {
  const found = parseConfiguration(file({ VERSION: 1.9, policies: [{ ID: 'p', statements: [] }], roles: [{ iD: 'r', policies: ['p', 7, 'p'] }], config: { unpairedRole: 3 } }))
  t.same(found.policies, [{ id: 'p', statements: [] }])
  t.same(found.roles, [{ id: 'r', policies: ['p'] }])
  t.equal(found.unpairedRole, undefined)
})

test('a configuration is written in the member order of the protocol, and reads back', (t) => {
  const bytes = serializeConfiguration(CONFIGURATION)
  const written = JSON.parse(decodeUtf8(bytes)) as Record<string, unknown>
  t.equal(Object.keys(written).join(), 'Version,Policies,Roles,Config')
  t.equal(written.Version, 1)
  t.same(written.Config, { UnpairedRole: 'TestRole' })
  t.same((written.Policies as unknown[])[0], { Id: 'TestPolicy', Statements: [{ Effect: 'Allow', Actions: ['IAM:PairingPasswordOpen', 'IAM:PairingPasswordInvite', 'Test:bar'] }] })
  t.equal(decodeUtf8(serializeConfiguration(parseConfiguration(bytes))), decodeUtf8(bytes))
  const twoStatements = serializeConfiguration(defaultConfiguration())
  const own = parseConfiguration(twoStatements).policies.find(({ id }) => id === 'ManageOwnUser')
  t.equal(own?.statements.length, 2)
  t.same(own?.statements[0].conditions, [{ operator: 'StringEquals', key: 'IAM:Username', values: ['${Connection:Username}'] }])
})

test('members that are not known are kept where they were', (t) => {
  const text = '{"Version":1,"Policies":[{"Id":"p","Statements":[{"Effect":"Deny","Actions":[],"Sid":"s"}],"Note":1}],' +
    '"Roles":[{"Id":"r","Policies":[],"Colour":"red"}],"Config":{"UnpairedRole":"r","AuthorizedRole":"r"},"__proto__":{"x":[1]}}'
  t.equal(decodeUtf8(serializeConfiguration(parseConfiguration(encodeUtf8(text)))), text)
})
