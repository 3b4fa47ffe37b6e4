import { encodeBase64url } from '../../lib/bytes/index.ts'
import type { NativeCrypto, NativeVerifier } from '../../lib/runtime/index.ts'

/** What WebCrypto takes: bytes that are shared with no other thread. */
type Own = Uint8Array<ArrayBuffer>

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/**
 * Keys in the platform's hands (WebCrypto): signatures take the same time whatever the key is, and a key that went in does not come
 * out again. Needs a secure context, which every program under Deno is.
 */
export const webCrypto: NativeCrypto = {
  p256Signer(d, point) {
    const jwk = { kty: 'EC', crv: 'P-256', x: encodeBase64url(point.subarray(1, 33)), y: encodeBase64url(point.subarray(33)), d: encodeBase64url(d) }
    const imported = inTime(crypto.subtle.importKey('jwk', jwk, ecdsa, false, ['sign']))
    return { sign: async (message) => new Uint8Array(await crypto.subtle.sign(ecdsa, await imported, message as Own)) }
  },
  p256Verifier: (point) => verifier(crypto.subtle.importKey('raw', point as Own, ecdsa, false, ['verify']), ecdsa),
  rs256Verifier(n, e) {
    const jwk = { kty: 'RSA', n: encodeBase64url(n), e: encodeBase64url(e) }
    return verifier(crypto.subtle.importKey('jwk', jwk, rsa, false, ['verify']), rsa)
  },
}

function verifier(importing: Promise<CryptoKey>, algorithm: typeof ecdsa | typeof rsa): NativeVerifier {
  const imported = inTime(importing)
  return { verify: async (message, signature) => crypto.subtle.verify(algorithm, await imported, signature as Own, message as Own) }
}

/** A key that the platform does not take is told to whoever uses it, and is no unhandled rejection until then. */
function inTime(importing: Promise<CryptoKey>): Promise<CryptoKey> {
  importing.catch(() => undefined)
  return importing
}
