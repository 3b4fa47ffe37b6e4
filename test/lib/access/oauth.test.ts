import { test } from '../../suite.ts'
import type { TestConnection } from '../iam/support.ts'
import { JwksError } from '../../../lib/jwt/index.ts'
import { AUDIENCE, key, oauthStage, type Stage } from './oauth-stage.ts'

const MINUTE = 60_000
const told = ({ code, text }: { code: string; text: string }): string => (text === '' ? code : `${code} ${text}`)
const who = ({ iam }: Stage, connection: TestConnection): string => {
  const { source, user, role } = iam.identityOf(connection)
  return `${source} ${user?.username ?? role}`
}

test('oauth: the answers of protocol/edge-webrtc.md §6', async (t) => {
  const stage = await oauthStage()
  const { claims, post } = stage
  const connection = stage.connect()
  t.equal(told(await post(connection, '', 0)), '4.00 missing payload')
  for (const format of [50, 60, 42]) t.equal(told(await post(connection, await key.sign(claims()), format)), '4.00 invalid content format', `format ${format}`)
  t.equal(told(await connection.requestRaw('POST', '/webrtc/oauth', new Uint8Array(3))), '4.00 invalid content format', 'no format')
  t.equal(told(await post(connection, 'no token')), '4.01 Invalid token')
  t.equal(told(await post(connection, await key.sign(claims({ sub: 'nobody' })))), '4.04 no such user')
  t.equal(who(stage, connection), 'unpaired TestRole')
  t.equal(told(await post(connection, await key.sign(claims()))), '2.01')
  t.equal(who(stage, connection), 'session testuser')
  t.equal(stage.iam.check(connection, 'Admin:foo'), true)
  t.equal(who(stage, stage.connect()), 'unpaired TestRole', 'nobody else')
})

test('oauth: what a token must hold, at its bounds', async (t) => {
  const stage = await oauthStage({ rate: { burst: 100, refillMs: 1 } })
  const now = stage.nowSeconds()
  const outcome = async (changes: Record<string, unknown>): Promise<string> => (await stage.post(stage.connect(), await key.sign(stage.claims(changes)))).code
  for (const good of [{ aud: [AUDIENCE] }, { aud: ['https://other.test', AUDIENCE] }, { exp: now - 55 }, { nbf: now + 55 }, { iat: now + 55 }, { iat: undefined }]) {
    t.equal(await outcome(good), '2.01', JSON.stringify(good))
  }
  for (const bad of [
    { aud: AUDIENCE.toUpperCase() }, { aud: AUDIENCE.replace('wd-front', 'wd-back') }, { aud: AUDIENCE.replace('wp-a', 'wp-b') }, { aud: `${AUDIENCE}&x=1` },
    { aud: 'nabto://device?deviceId=wd-front&productId=wp-a' }, { aud: 'nabto://device' }, { aud: 'https://rendezvous.test' }, { aud: undefined },
    { exp: now - 70 }, { exp: undefined }, { nbf: now + 70 }, { iat: now + 70 }, { iss: 'https://issuer.test/' }, { iss: undefined }, { sub: undefined }, { sub: 5 },
  ]) t.equal(await outcome(bad), '4.01', JSON.stringify(bad))
})

test('oauth: the token expires, and what it gave is taken back', async (t) => {
  const stage = await oauthStage()
  const connection = stage.connect()
  await stage.post(connection, await key.sign(stage.claims({ exp: stage.nowSeconds() + 300 })))
  let changes = 0
  stage.iam.watch(connection, () => changes++)
  await stage.clock.advance(5.9 * MINUTE)
  t.equal(who(stage, connection), 'session testuser', 'within the leeway')
  await stage.clock.advance(0.2 * MINUTE)
  t.equal(who(stage, connection), 'unpaired TestRole')
  t.equal(changes, 1, 'those who watch are told')
  t.same(stage.expired.map(({ id }) => id), [connection.id])
  t.equal(stage.clock.pendingTimers(), 0)
  t.equal(told(await stage.post(connection, await key.sign(stage.claims()))), '2.01')
  t.equal(who(stage, connection), 'session testuser', 'again')
})

test('oauth: renewed in place, nothing that rests on it ends', async (t) => {
  const stage = await oauthStage()
  const connection = stage.connect()
  let changes = 0
  stage.iam.watch(connection, () => changes++)
  for (let minute = 0; minute < 30; minute += 3) {
    t.equal(told(await stage.post(connection, await key.sign(stage.claims({ exp: stage.nowSeconds() + 200 })))), '2.01')
    await stage.clock.advance(3 * MINUTE)
  }
  t.equal(who(stage, connection), 'session testuser')
  t.equal(changes, 1, 'told once, at the first')
  await stage.clock.advance(2 * MINUTE)
  t.equal(who(stage, connection), 'unpaired TestRole')
  t.equal(stage.expired.length, 1)
})

test('oauth: a token for another user, a worse token, an older one', async (t) => {
  const stage = await oauthStage()
  const connection = stage.connect()
  await stage.post(connection, await key.sign(stage.claims()))
  t.equal((await stage.post(connection, await key.sign(stage.claims({ sub: 'nobody' })))).code, '4.04')
  t.equal((await stage.post(connection, 'a.b.c')).code, '4.01')
  t.equal(who(stage, connection), 'session testuser', 'a token that is refused takes nothing away')
  await stage.post(connection, await key.sign(stage.claims({ sub: 'other_subject' })))
  t.equal(who(stage, connection), 'session otheruser')
  await stage.clock.advance(20 * MINUTE)
  t.equal(who(stage, connection), 'unpaired TestRole', 'nothing is left of the first')
})

test('oauth: the user goes, the connection ends, the clock is set', async (t) => {
  const stage = await oauthStage()
  const gone = stage.connect()
  await stage.post(gone, await key.sign(stage.claims()))
  await stage.iam.users.delete('testuser')
  t.equal(who(stage, gone), 'unpaired TestRole')
  const ended = stage.connect()
  await stage.post(ended, await key.sign(stage.claims({ sub: 'other_subject' })))
  stage.iam.end(ended)
  stage.iam.end(gone)
  await stage.clock.advance(10_000)
  t.equal(stage.clock.pendingTimers(), 0, 'nothing is left behind, once the audit is written')
  const held = stage.connect()
  await stage.post(held, await key.sign(stage.claims({ sub: 'other_subject', exp: stage.nowSeconds() + 86_400 })))
  await stage.clock.advance(10 * MINUTE)
  t.equal(who(stage, held), 'session otheruser')
  stage.clock.setWallClock(stage.clock.nowMs() + 3 * 86_400_000)
  await stage.clock.advance(MINUTE)
  t.equal(who(stage, held), 'unpaired TestRole', 'within a minute')
})

test('oauth: a connection that ends while its token is looked at', async (t) => {
  const stage = await oauthStage()
  const connection = stage.connect()
  const answer = stage.post(connection, await key.sign(stage.claims()))
  stage.iam.end(connection)
  t.equal((await answer).code, '4.04')
  t.equal(stage.clock.pendingTimers(), 0)
})

test('oauth: centralized, the token says the role', async (t) => {
  const stage = await oauthStage({ roles: { claim: 'roles', map: { 'cam-everything': 'Everything', 'cam-admin': 'Admin' } }, rate: { burst: 100, refillMs: 1 } })
  for (const [roles, wanted] of [
    [['cam-admin'], 'granted Admin'], [['x', 'cam-admin', 'cam-everything'], 'granted Everything'], ['openid cam-admin', 'granted Admin'],
    [[], 'refused'], [['Admin'], 'refused'], ['cam-admin-x', 'refused'], [undefined, 'refused'], [{ 'cam-admin': 1 }, 'refused'], [[['cam-admin']], 'refused'], ['__proto__', 'refused'],
  ] as const) {
    const connection = stage.connect()
    const { code, text } = await stage.post(connection, await key.sign(stage.claims({ sub: 'anybody', roles })))
    t.equal(code === '2.01' ? who(stage, connection) : 'refused', wanted, JSON.stringify(roles))
    if (wanted === 'refused') t.equal(`${code} ${text}`, '4.04 no such user')
  }
  const connection = stage.connect()
  await stage.post(connection, await key.sign(stage.claims({ sub: 'oauth_subject', roles: ['cam-admin'] })))
  t.equal(stage.iam.identityOf(connection).user, undefined, 'users are not looked at')
  await stage.clock.advance(20 * MINUTE)
  t.equal(who(stage, connection), 'unpaired TestRole')
})

test('oauth: a claim within a claim; roles that there are not', async (t) => {
  const stage = await oauthStage({ roles: { claim: ['realm_access', 'roles'], map: { boss: 'Admin' } } })
  const connection = stage.connect()
  await stage.post(connection, await key.sign(stage.claims({ realm_access: { roles: ['boss'] } })))
  t.equal(who(stage, connection), 'granted Admin')
  await t.rejects(oauthStage({ roles: { claim: 'roles', map: { boss: 'Nobody' } } }), 'RangeError')
})

test('oauth: so many tokens of one connection, and no more', async (t) => {
  const stage = await oauthStage({ rate: { burst: 3, refillMs: 1000 } })
  const [busy, other] = [stage.connect(), stage.connect()]
  for (let at = 0; at < 3; at++) t.equal((await stage.post(busy, 'a.b.c')).code, '4.01')
  t.equal((await stage.post(busy, await key.sign(stage.claims()))).code, '4.29')
  t.equal((await stage.post(other, await key.sign(stage.claims()))).code, '2.01')
  await stage.clock.advance(1000)
  t.equal((await stage.post(busy, await key.sign(stage.claims()))).code, '2.01')
})

test('oauth: the size of a token, and one past it', async (t) => {
  const stage = await oauthStage()
  const padded = async (length: number): Promise<string> => {
    for (let pad = 5000; ; pad++) {
      const token = await key.sign(stage.claims({ pad: 'x'.repeat(pad) }))
      if (token.length >= length) return token
      pad += Math.max(0, Math.floor(((length - token.length) * 3) / 4) - 2)
    }
  }
  const token = await padded(8191)
  t.ok(token.length <= 8192)
  t.equal((await stage.post(stage.connect(), token)).code, '2.01')
  t.equal((await stage.post(stage.connect(), await padded(8193))).code, '4.01')
})

test('oauth: every attempt is in the audit, no token is', async (t) => {
  const stage = await oauthStage()
  const connection = stage.connect()
  await stage.post(connection, 'a.b.c')
  await stage.post(connection, await key.sign(stage.claims({ sub: 'nobody' })))
  await stage.post(connection, await key.sign(stage.claims()))
  const events = stage.iam.audit.events().map(({ action, outcome, user, detail }) => [action, outcome, user, detail])
  t.same(events, [
    ['oauth', 'refused', '', 'ERR_JWT_MALFORMED'], ['oauth', 'refused', 'nobody', 'no user of that subject'],
    ['oauth', 'allowed', 'oauth_subject', undefined], ['session', 'allowed', 'testuser', undefined],
  ])
})

test('oauth: the key server down', async (t) => {
  const stage = await oauthStage({ keys: { keyFor: () => Promise.reject(new JwksError('ERR_JWKS_UNAVAILABLE', 'down')) } })
  t.equal(told(await stage.post(stage.connect(), await key.sign(stage.claims()))), '4.01 Invalid token')
  const broken = await oauthStage({ keys: { keyFor: () => Promise.reject(new TypeError('a fault')) } })
  t.equal((await broken.post(broken.connect(), await key.sign(broken.claims()))).code, '5.00')
})
