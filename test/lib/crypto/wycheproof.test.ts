import { test } from '../../suite.ts'
import { ecdsaVerdicts, hmacVerdicts } from './wycheproof-cases.ts'

test('Wycheproof: ECDSA P-256, R‖S and DER, all cases in JavaScript', async (t) => {
  const verdicts = await ecdsaVerdicts()
  t.equal(verdicts.length, 262 + 484)
  for (const { name, wanted, found } of verdicts) t.equal(found, wanted, name)
})

test('Wycheproof: HMAC-SHA-256, all cases in JavaScript', (t) => {
  const verdicts = hmacVerdicts()
  t.equal(verdicts.length, 174)
  for (const { name, wanted, found } of verdicts) t.equal(found, wanted, name)
})
