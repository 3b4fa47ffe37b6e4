import tap from 'tap'
import { nodeCrypto } from '../../runtimes/node/native-crypto.ts'
import { ecdsaVerdicts, hmacVerdicts } from '../lib/crypto/wycheproof-cases.ts'

void tap.test('Wycheproof: ECDSA P-256, R‖S and DER, all cases through OpenSSL', async (t) => {
  const verdicts = await ecdsaVerdicts(nodeCrypto)
  t.equal(verdicts.length, 262 + 484)
  for (const { name, wanted, found } of verdicts) t.equal(found, wanted, name)
})

void tap.test('Wycheproof: HMAC-SHA-256, all cases through OpenSSL', (t) => {
  const verdicts = hmacVerdicts(nodeCrypto)
  t.equal(verdicts.length, 174)
  for (const { name, wanted, found } of verdicts) t.equal(found, wanted, name)
  t.end()
})
