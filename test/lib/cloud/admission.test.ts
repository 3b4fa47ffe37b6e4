import { createAdmission, type Proof } from '../../../lib/cloud/admission.ts'
import { createIssuers } from '../../../lib/cloud/issuers.ts'
import { DEFAULT_RENDEZVOUS_LIMITS } from '../../../lib/cloud/limits.ts'
import { createSigner, deviceKeyId, generatePrivateKey, productKeyId, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { es256SigningKey, signJwt } from '../../../lib/jwt/index.ts'
import { createMemoryHost } from '../../../runtimes/memory/index.ts'
import { test } from '../../suite.ts'
import { createLookups, FRONT } from './support.ts'

const RESOURCE = 'urn:nabto:webrtc:wp-a:wd-front'

test('admission: the bounds of every time claim', async (t) => {
  const host = createMemoryHost({ seed: 3 })
  const registry = createLookups()
  const key = generatePrivateKey(host.random)
  const kid = deviceKeyId(key.publicKey)
  registry.keys.set(kid, { ...FRONT, kid, publicKey: publicKeyToPem(key.publicKey), createdAt: 0 })
  const signing = es256SigningKey(createSigner(key, { random: host.random, tableWindow: 2 }))
  const admission = createAdmission(host, { registry, limits: DEFAULT_RENDEZVOUS_LIMITS, issuers: createIssuers(host) })
  const now = host.clock.nowMs() / 1000
  const connect = async (claims: Record<string, unknown>): Promise<Proof> =>
    admission.device(FRONT, await signJwt({ kid }, { iat: now, exp: now + 60, scope: 'device:connect', resource: RESOURCE, ...claims }, signing))
  const proof = await connect({})
  t.equal(proof.kid, kid)
  t.equal(proof.issuedAt, now)
  t.equal((await connect({ iat: now + 0.5 })).issuedAt, now, 'a NumericDate may have a fraction, a column of the registry has none')
  for (const claims of [{ iat: now + 60 }, { nbf: now + 60 }, { iat: now - 100, exp: now - 59 }, { exp: now + 86_460 }]) await connect(claims)
  for (const claims of [{ iat: now + 61 }, { nbf: now + 61 }, { iat: now - 100, exp: now - 60 }, { exp: now + 86_461 }]) {
    await t.rejects(connect(claims), 'ERR_RENDEZVOUS_UNAUTHORIZED', JSON.stringify(claims))
  }
})

test('admission: who is told what', async (t) => {
  const host = createMemoryHost({ seed: 4 })
  const registry = createLookups()
  const key = generatePrivateKey(host.random)
  const kid = productKeyId(key.publicKey)
  registry.productKeys.set(kid, { kid, publicKey: publicKeyToPem(key.publicKey), createdAt: 0 })
  const admission = createAdmission(host, { registry, limits: DEFAULT_RENDEZVOUS_LIMITS, issuers: createIssuers(host) })
  const now = host.clock.nowMs() / 1000
  const jwt = await signJwt({ kid }, { iat: now, exp: now + 60, scope: 'client:connect turn', resource: RESOURCE.toUpperCase() },
    es256SigningKey(createSigner(key, { random: host.random, tableWindow: 2 })))

  t.equal(await admission.client(FRONT, undefined), undefined)
  const proof = await admission.client(FRONT, { jwt })
  t.ok(proof?.scopes.has('turn'))
  t.equal((await admission.anyone(FRONT, { jwt }))?.kid, kid)
  await t.rejects(admission.device(FRONT, jwt), 'ERR_RENDEZVOUS_UNAUTHORIZED')
  await t.rejects(admission.device(FRONT, undefined), 'ERR_RENDEZVOUS_UNAUTHORIZED')
  await t.rejects(admission.client({ ...FRONT, productId: 'wp-none' }, undefined), 'ERR_RENDEZVOUS_PRODUCT_NOT_FOUND')
  await t.rejects(admission.client({ ...FRONT, deviceId: 'wd-none' }, undefined), 'ERR_RENDEZVOUS_DEVICE_NOT_FOUND')
  registry.anonymousClients = false
  await t.rejects(admission.client(FRONT, undefined), 'ERR_RENDEZVOUS_UNAUTHORIZED')
  await t.rejects(admission.client({ ...FRONT, deviceId: 'wd-none' }, undefined), 'ERR_RENDEZVOUS_UNAUTHORIZED')
  t.equal((await admission.client(FRONT, { jwt }))?.kid, kid)
  await admission.recheck(FRONT, kid)
  registry.productKeys.clear()
  await t.rejects(admission.recheck(FRONT, kid), 'ERR_RENDEZVOUS_FORBIDDEN')
  await t.rejects(admission.recheck({ ...FRONT, deviceId: 'wd-none' }, undefined), 'ERR_RENDEZVOUS_FORBIDDEN')
})
