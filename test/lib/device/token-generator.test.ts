import { createCallbackSigner, createSigner, parsePrivateKey } from '../../../lib/crypto/index.ts'
import { DeviceTokenGenerator } from '../../../lib/device/index.ts'
import { es256VerifyingKey, verifyJwt } from '../../../lib/jwt/index.ts'
import type { NativeCrypto } from '../../../lib/runtime/index.ts'
import vectors from '../../vectors/keys/own-p256.json' with { type: 'json' }
import { seededRandom } from '../crypto/seeded-random.ts'
import { test } from '../../suite.ts'

const random = seededRandom(40)
const key = parsePrivateKey(vectors.jwk)
const verifying = es256VerifyingKey(key.publicKey)

test('device token: header and claims of protocol/webrtc-signaling.md §1.1', async (t) => {
  const generator = new DeviceTokenGenerator('wp-Product', 'wd-Device', vectors.accepted.sec1, { clock: { nowMs: () => 1_700_000_000_999 }, random })
  t.same(await verifyJwt(await generator.generateToken(), verifying), {
    header: { alg: 'ES256', typ: 'JWT', kid: vectors.kid },
    claims: { iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_086_400, scope: 'device:connect turn', resource: 'urn:nabto:webrtc:wp-Product:wd-Device' },
  })
})

test('device token: as short as a service wants it', async (t) => {
  const generator = new DeviceTokenGenerator('p', 'd', vectors.accepted.sec1, { clock: { nowMs: () => 1_700_000_000_000 }, random }, 60)
  t.equal((await verifyJwt(await generator.generateToken(), verifying)).claims.exp, 1_700_000_060)
})

test('device token: fresh each time, by the clock of that moment', async (t) => {
  let nowMs = 1_700_000_000_000
  const generator = new DeviceTokenGenerator('p', 'd', vectors.accepted.pkcs8, { clock: { nowMs: () => nowMs }, random })
  const first = await generator.generateToken()
  nowMs += 5000
  const second = await verifyJwt(await generator.generateToken(), verifying)
  t.equal(second.claims.iat, 1_700_000_005)
  t.ok(await verifyJwt(first, verifying))
})

test('device token: the key is read and its kid computed once', async (t) => {
  const calls: string[] = []
  const signer = createSigner(key, { random })
  const nativeCrypto: NativeCrypto = {
    p256PublicPoint: () => { calls.push('derive'); return key.publicKey.point },
    p256Signer: () => { calls.push('import'); return signer },
    sha256: () => { calls.push('hash'); return new Uint8Array(32) },
  }
  const generator = new DeviceTokenGenerator('p', 'd', vectors.accepted.sec1, { clock: { nowMs: () => 0 }, random, nativeCrypto })
  t.same(calls, [], 'nothing before the first token')
  for (let round = 0; round < 3; round++) await generator.generateToken()
  t.same(calls.sort(), ['derive', 'hash', 'import'])
})

test('device token: by a secure element', async (t) => {
  const inner = createSigner(key, { random })
  const element = createCallbackSigner(key.publicKey, (message) => Promise.resolve(inner.sign(message)))
  const generator = new DeviceTokenGenerator('p', 'd', element, { clock: { nowMs: () => 0 }, random })
  t.equal((await verifyJwt(await generator.generateToken(), verifying)).header.kid, vectors.kid)
})

test('device token: an unusable key rejects every token, as peers expect, and not the constructor', async (t) => {
  const generator = new DeviceTokenGenerator('p', 'd', vectors.refused.encryptedSec1, { clock: { nowMs: () => 0 }, random })
  await t.rejects(generator.generateToken(), 'ERR_KEY_ENCRYPTED')
  await t.rejects(generator.generateToken(), 'ERR_KEY_ENCRYPTED')
})
