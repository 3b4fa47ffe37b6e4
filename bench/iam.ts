// One access decision of the default configuration, the last statement of an administrator's policies among them, beside the
// same question by hand: loops over the same statements, without operators, variables of other kinds, or an audit.
import { type Configuration, defaultConfiguration, type IamConnection, openIam } from '../lib/iam/index.ts'
import { createMemoryStorage } from '../runtimes/memory/storage.ts'
import { createNodeHost } from '../runtimes/node/host.ts'
import { ratesOf, round } from './measure.ts'
import type { BenchRow } from './row.ts'

export async function run(): Promise<BenchRow[]> {
  const configuration = defaultConfiguration()
  const iam = await openIam({ storage: createMemoryStorage(), configuration }, createNodeHost())
  await iam.users.create('eve', { role: 'Standard' })
  const connection: IamConnection = { id: '1', clientFingerprint: undefined, isLocal: false, isVirtual: true }
  iam.begin(connection)
  iam.authorize(connection, 'eve')
  const about = { 'IAM:Username': 'eve' }
  const questions: [name: string, action: string, attributes: Record<string, string>][] = [
    ['the picture', 'Webrtc:VideoStream', {}], ['the own password, with a condition', 'IAM:SetUserPassword', about], ['something refused', 'IAM:CreateUser', {}],
  ]
  const rows: BenchRow[] = []
  for (const [name, action, attributes] of questions) {
    const found = iam.decide(connection, action, attributes).allowed
    if (byHand(configuration, 'Standard', action, 'eve', attributes) !== found) throw new Error('the two decide differently')
    const rates = await ratesOf({
      ours: () => iam.decide(connection, action, attributes), peer: () => byHand(configuration, 'Standard', action, 'eve', attributes),
    })
    const ratio = rates.ratio('peer', 'ours')
    rows.push({
      row: `access decision: ${name}`, value: round(rates.of('ours')), unit: 'per second', better: 'higher',
      peers: [{ name: 'the same loops by hand, who asks known', value: round(rates.of('peer')) }], ratio: round(ratio), goal: '≥ 50,000 per second', met: rates.of('ours') >= 50_000,
    })
  }
  await iam.close()
  return rows
}

function byHand({ roles, policies }: Configuration, roleId: string, action: string, username: string, attributes: Record<string, string>): boolean {
  let allowed = false
  for (const policyId of roles.find(({ id }) => id === roleId)?.policies ?? []) {
    for (const { effect, actions, conditions } of policies.find(({ id }) => id === policyId)?.statements ?? []) {
      if (!actions.includes(action)) continue
      if (!conditions.every(({ key, values }) => values.some((value) => attributes[key] === (value === '${Connection:Username}' ? username : value)))) continue
      if (effect === 'Deny') return false
      allowed = true
    }
  }
  return allowed
}
