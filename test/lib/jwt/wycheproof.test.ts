import { decodeBase64url } from '../../../lib/bytes/index.ts'
import { parsePublicKey, parseRsaPublicKey } from '../../../lib/crypto/index.ts'
import { es256VerifyingKey, hs256Key, type JwtVerifyingKey, rs256VerifyingKey, verifyJws } from '../../../lib/jwt/index.ts'
import cookbookRs256 from '../../vectors/jose-cookbook/4_1.rsa_v15_signature.json' with { type: 'json' }
import cookbookEs512 from '../../vectors/jose-cookbook/4_3.ecdsa_signature.json' with { type: 'json' }
import cookbookHs256 from '../../vectors/jose-cookbook/4_4.hmac-sha2_integrity_protection.json' with { type: 'json' }
import cryptoFile from '../../vectors/wycheproof/json_web_crypto_test.json' with { type: 'json' }
import keyFile from '../../vectors/wycheproof/json_web_key_test.json' with { type: 'json' }
import signatureFile from '../../vectors/wycheproof/json_web_signature_test.json' with { type: 'json' }
import { test } from '../../suite.ts'

type Jwk = Record<string, unknown>
interface Group { comment: string; private?: Jwk; public?: Jwk; tests: { tcId: number; comment: string; jws?: unknown; result: string }[] }

/** What a caller that knows its key does. @throws {LenskeyError} `ERR_KEY_*` for a key that is none for ES256, RS256 or HS256 */
function keyOf(jwk: Jwk): JwtVerifyingKey {
  if (jwk.kty === 'oct' && jwk.alg === 'HS256' && typeof jwk.k === 'string') return hs256Key(decodeBase64url(jwk.k))
  if (jwk.kty === 'RSA') return rs256VerifyingKey(parseRsaPublicKey(jwk))
  return es256VerifyingKey(parsePublicKey(jwk))
}

/** 'valid', or the code of the error. */
async function outcome(jwk: Jwk, jws: unknown): Promise<string> {
  try {
    await verifyJws(typeof jws === 'string' ? jws : JSON.stringify(jws), keyOf(jwk))
    return 'valid'
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code)
  }
}

/**
 * Results that the file has the wrong way round: 367 and 370 say "invalid" and are, byte for byte, the valid case 357;
 * 372 and 373 say "valid" and hold a character outside the base64url alphabet (RFC 7515 §2).
 */
const misfiled = new Map([[367, 'valid'], [370, 'valid'], [372, 'invalid'], [373, 'invalid']])

test('Wycheproof: JWS, ES256, RS256 and HS256 as the file says, all others refused for their algorithm', async (t) => {
  let count = 0
  let valid = 0
  for (const group of signatureFile.testGroups as Group[]) {
    const jwk = group.public ?? group.private ?? {}
    const ours = (jwk.kty === 'EC' && jwk.crv === 'P-256') || jwk.alg === 'HS256' || (jwk.kty === 'RSA' && (jwk.alg ?? 'RS256') === 'RS256')
    for (const { tcId, comment, jws, result } of group.tests) {
      const found = await outcome(jwk, jws)
      count++
      if (!ours) t.equal(found, jwk.kty === 'RSA' ? 'ERR_KEY_USE' : 'ERR_KEY_CURVE', `${tcId} ${comment} (${String(jwk.alg)})`)
      else if ((misfiled.get(tcId) ?? result) === 'valid') t.equal(found, 'valid', `${tcId} ${comment}`)
      else t.ok(/^ERR_(JWT|KEY)_/.test(found), `${tcId} ${comment}: ${found}`)
      if (found === 'valid') valid++
    }
  }
  t.equal(count, 401)
  t.equal(valid, 20)
})

test('Wycheproof: keys, each used as the only key of its set', async (t) => {
  for (const group of keyFile.testGroups as Group[]) {
    const keys = group.private?.keys as Jwk[]
    if (keys.length !== 1) continue // A set with several keys is a matter of choosing by kid.
    for (const { tcId, comment, jws, result } of group.tests) {
      const ours = keys[0].alg === 'HS256' || keys[0].kty === 'EC' || keys[0].kty === 'RSA'
      // Short secrets are what peers use (protocol/webrtc-signaling.md §7.2).
      const tolerated = group.comment === 'HS256' && (comment === 'key_too_short' || comment === 'empty_key')
      const found = await outcome(keys[0], jws)
      t.equal(found === 'valid', ours && (result === 'valid' || tolerated), `${tcId} ${group.comment} ${comment}: ${found}`)
    }
  }
})

test('Wycheproof: keys used wrongly', async (t) => {
  let count = 0
  for (const group of cryptoFile.testGroups as Group[]) {
    const jwk = group.public ?? group.private ?? {}
    if (!['ES256', 'HS256', 'RS256'].includes(String(jwk.alg))) continue
    for (const { tcId, comment, jws, result } of group.tests) {
      count++
      t.equal((await outcome(jwk, jws)) === 'valid', result === 'valid', `${tcId} ${comment}`)
    }
  }
  t.equal(count, 46)
})

test('RFC 7520: §4.1 and §4.4 verify, §4.3 is refused for its curve', async (t) => {
  t.equal(await outcome(cookbookRs256.input.key, cookbookRs256.output.compact), 'valid')
  t.equal(await outcome(cookbookHs256.input.key, cookbookHs256.output.compact), 'valid')
  t.equal(await outcome(cookbookEs512.input.key, cookbookEs512.output.compact), 'ERR_KEY_CURVE')
})
