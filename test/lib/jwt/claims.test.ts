import { checkClaims, type ClaimRules } from '../../../lib/jwt/index.ts'
import { test } from '../../suite.ts'

const now = 1_700_000_000
const check = (claims: Record<string, unknown>, rules: Partial<ClaimRules> = {}): true => {
  checkClaims(claims, { nowSeconds: now, ...rules })
  return true
}

test('claims: exp at its edge, with and without leeway', (t) => {
  t.ok(check({ exp: now - 59 }))
  t.throws(() => check({ exp: now - 60 }), 'ERR_JWT_EXPIRED')
  t.ok(check({ exp: now + 1 }, { leewaySeconds: 0 }))
  t.throws(() => check({ exp: now }, { leewaySeconds: 0 }), 'ERR_JWT_EXPIRED')
})

test('claims: nbf and iat at their edges', (t) => {
  for (const name of ['nbf', 'iat']) {
    t.ok(check({ [name]: now + 60 }))
    t.throws(() => check({ [name]: now + 61 }), 'ERR_JWT_NOT_YET_VALID')
    t.ok(check({ [name]: now }, { leewaySeconds: 0 }))
    t.throws(() => check({ [name]: now + 1 }, { leewaySeconds: 0 }), 'ERR_JWT_NOT_YET_VALID')
  }
})

test('claims: absent ones are fine unless required', (t) => {
  t.ok(check({}))
  for (const name of ['exp', 'iat', 'nbf'] as const) t.throws(() => check({}, { required: [name] }), `"${name}" of this token is missing`)
  t.ok(check({ iat: now, exp: now + 1 }, { required: ['exp', 'iat'] }))
})

test('claims: numbers only', (t) => {
  for (const name of ['exp', 'iat', 'nbf']) {
    for (const bad of [`${now}`, null, true, [now], {}, NaN, Infinity]) t.throws(() => check({ [name]: bad }), 'ERR_JWT_CLAIM', `${name} ${JSON.stringify(bad)}`)
  }
  t.ok(check({ exp: now + 0.5, iat: now - 0.5 }))
})

test('claims: the lifetime has its bound', (t) => {
  const rules = { maxLifetimeSeconds: 86_400 }
  t.ok(check({ iat: now, exp: now + 86_400 }, rules))
  t.throws(() => check({ iat: now, exp: now + 86_401 }, rules), 'lives longer')
  t.throws(() => check({ iat: now }, rules), 'ERR_JWT_CLAIM')
  t.throws(() => check({ exp: now + 1 }, rules), 'ERR_JWT_CLAIM')
})
