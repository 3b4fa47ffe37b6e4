import { test } from '../../suite.ts'
import { A, C, testDevice, testState } from './support.ts'
import { type Configuration, explainAccess, newUser } from '../../../lib/iam/index.ts'

const configuration: Configuration = {
  policies: [
    { id: 'View', statements: [
      { effect: 'Allow', actions: ['See'], conditions: [] },
      { effect: 'Deny', actions: ['See'], conditions: [{ operator: 'StringEquals', key: 'Camera', values: ['bedroom'] }] },
      { effect: 'Allow', actions: ['Zoom'], conditions: [{ operator: 'NumericLessThan', key: 'Factor', values: ['3'] }] },
    ] },
  ],
  roles: [{ id: 'Viewer', policies: ['View'] }, { id: 'Broken', policies: ['View', 'Lost'] }],
  unpairedRole: 'Viewer',
}
const state = testState({ users: [newUser('ann', { role: 'Viewer' }), newUser('bob', { role: 'Broken' }), newUser('eve'), newUser('tom', { role: 'Gone' })] })

test('a dry run names the statement that decided', (t) => {
  const ask = (user: string | undefined, action: string, attributes = {}): unknown[] => {
    const { allowed, outcome, statement, reason } = explainAccess(configuration, state, { user, action, attributes })
    return [allowed, outcome, statement && `${statement.policy}[${statement.index}]`, reason]
  }
  t.same(ask('ann', 'See'), [true, 'Allow', 'View[0]', 'Statement 0 of policy View, which role Viewer has, allows See.'])
  t.same(ask('ann', 'See', { Camera: 'bedroom' }), [false, 'Deny', 'View[1]', 'Statement 1 of policy View, which role Viewer has, denies See.'])
  t.same(ask('ann', 'Zoom', { Factor: '5' }), [false, 'NoMatch', undefined, 'No statement of role Viewer that names Zoom has conditions that are met.'])
  t.same(ask('ann', 'Zoom', { Factor: 'x' }), [false, 'Error', 'View[2]', 'Statement 2 of policy View, which role Viewer has, compares a value that is not of the kind its operator needs.'])
  t.same(ask('ann', 'Dance'), [false, 'NoMatch', undefined, 'No statement of role Viewer names Dance.'])
  t.same(ask('bob', 'See'), [false, 'Error', undefined, 'Role Broken names the policy Lost, which the configuration does not have.'])
  t.same(ask('eve', 'See'), [false, 'Error', undefined, 'There is no role, so nothing is allowed.'])
  t.same(ask('tom', 'See'), [false, 'Error', undefined, 'The role Gone is not in the configuration.'])
  t.equal(ask(undefined, 'See')[0], true)
  t.throws(() => explainAccess(configuration, state, { user: 'zoe', action: 'See' }), 'ERR_IAM_NO_SUCH_USER')
  t.same(explainAccess(configuration, state, { user: 'ann', action: 'See' }).considered, [
    { policy: 'View', index: 0, outcome: 'Allow', text: '{"Effect":"Allow","Actions":["See"]}' },
    { policy: 'View', index: 1, outcome: 'NoMatch', text: '{"Effect":"Deny","Actions":["See"],"Conditions":[{"StringEquals":{"Camera":["bedroom"]}}]}' },
  ])
})

test('a dry run over CoAP, for those who may', async (t) => {
  const { iam, connect } = await testDevice({ state: testState({ users: testState().users.map((user) => ({ ...user, role: 'Everything' })) }) })
  const admin = connect(A)
  const { code, value } = await admin.request('POST', '/iam/explain', { Username: 'otheruser', Action: 'IAM:GetUser', Attributes: { 'IAM:Username': 'x' } })
  t.equal(code, '2.05')
  t.same(value, {
    Allowed: true, Outcome: 'Allow', Role: 'Everything', Policy: 'IamPolicy', Statement: 0,
    Reason: 'Statement 0 of policy IamPolicy, which role Everything has, allows IAM:GetUser.',
    Considered: [{ Policy: 'IamPolicy', Statement: 0, Outcome: 'Allow', Text: (value as unknown as { Considered: { Text: string }[] }).Considered[0].Text }],
  })
  t.same(((await admin.request('POST', '/iam/explain', { Action: 'Admin:foo' })).value as unknown as { Allowed: boolean; Role: string }).Role, 'TestRole')
  t.equal((await admin.request('POST', '/iam/explain', { Action: 'x', Username: 'nobody' })).text, 'No such user')
  t.equal((await admin.request('POST', '/iam/explain', { Username: 'x' })).text, 'Action missing')
  t.equal((await admin.request('POST', '/iam/explain', { Action: 'x', Attributes: { a: 1 } })).code, '4.00')
  t.equal((await admin.request('POST', '/iam/explain', { Action: 'x', Attributes: ['a'] })).code, '4.00')
  t.equal((await connect(C).request('POST', '/iam/explain', { Action: 'x' })).code, '4.03')
  t.same(iam.audit.events().map(({ action }) => action).filter((action) => action !== 'IAM:Explain'), [], 'it leaves no trace of what it asked')
})
