import { readStsPolicy } from '../../../lib/cloud/index.ts'
import type { StsPolicy } from '../../../lib/cloud/sts.ts'
import { test } from '../../suite.ts'

type Asked = Parameters<StsPolicy>[0]

function asked(changes: { subject?: string; issuer?: string; clientId?: string; device?: string; claims?: Record<string, unknown> } = {}): Asked {
  const { subject = 'maria', issuer = 'https://id.test', clientId, device = 'wd-front', claims = {} } = changes
  return { subject: { subject, claims, header: {} as never, audiences: [], expiresAt: 0 }, issuer, clientId, device: { productId: 'wp-a', deviceId: device } }
}

test('sts policy: what no rule allows is refused', (t) => {
  t.equal(readStsPolicy({ allow: [] })(asked()), false)
  const policy = readStsPolicy({ allow: [
    { subject: 'maria', devices: ['wp-a.wd-front', 'wp-b.*'] },
    { issuer: 'https://id.test', claim: 'realm.groups', has: 'installers', devices: ['wp-a.*'] },
    { subject: 'bob', clientId: 'app', devices: ['wp-a.wd-back'] },
  ] })
  t.equal(policy(asked()), true)
  t.equal(policy(asked({ device: 'wd-back' })), false, 'another device')
  t.equal(policy({ ...asked(), device: { productId: 'wp-b', deviceId: 'wd-any' } }), true, 'any of a product')
  t.equal(policy(asked({ subject: 'Maria' })), false, 'letter by letter')
  const installer = { subject: 'eve', claims: { realm: { groups: ['x', 'installers'] } }, device: 'wd-back' }
  t.equal(policy(asked(installer)), true)
  t.equal(policy(asked({ ...installer, issuer: 'https://evil.test' })), false, 'the same claim by another issuer')
  t.equal(policy(asked({ ...installer, claims: { realm: { groups: 'installer' } } })), false)
  t.equal(policy(asked({ subject: 'bob', device: 'wd-back' })), false, 'no client_id')
  t.equal(policy(asked({ subject: 'bob', device: 'wd-back', clientId: 'app' })), true)
  t.equal(policy(asked({ subject: 'bob', clientId: 'app' })), false, 'no member of one rule counts for another')
})

test('sts policy: a list that is wrong is none, and says where', (t) => {
  const rule = { subject: 'maria', devices: ['wp-a.wd-front'] }
  const wrong: [unknown, RegExp][] = [
    [undefined, /allow/], [[], /allow/], [{ allow: {} }, /allow/], [{ allow: [rule, 7] }, /rule 2 must be an object/],
    [{ allow: [{ ...rule, subjects: 'x' }] }, /"subjects"/], [{ allow: [{ ...rule, subject: 7 }] }, /subject must be a text/],
    [{ allow: [{ ...rule, issuer: '' }] }, /issuer must be a text/], [{ allow: [{ ...rule, claim: 'groups' }] }, /go together/],
    [{ allow: [{ ...rule, has: 'x' }] }, /go together/], [{ allow: [{ devices: rule.devices }] }, /let anybody in/],
    ...[undefined, 'wp-a.wd-front', [7], ['*'], ['wp-a'], ['*.wd-front'], ['wp-a.wd-front*'], ['WP-A.wd-front'], ['wp-a.wd front']].map((devices): [unknown, RegExp] => [{ allow: [{ ...rule, devices }] }, /devices must be/]),
    [{ allow: Array.from({ length: 10_001 }, () => rule) }, /at most 10000/],
  ]
  for (const [list, words] of wrong) {
    try {
      readStsPolicy(list)
      t.ok(false, `taken, with words ${String(words)}`)
    } catch (thrown) {
      t.equal((thrown as { code?: string }).code, 'ERR_STS_POLICY')
      t.ok(words.test(String(thrown)), String(thrown))
    }
  }
  t.equal(readStsPolicy({ allow: Array.from({ length: 10_000 }, () => rule) })(asked()), true, 'as many as there may be')
})
