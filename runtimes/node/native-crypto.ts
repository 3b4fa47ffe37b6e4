import {
  createECDH, createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, verify,
} from 'node:crypto'
import type { NativeCrypto } from '../../lib/runtime/index.ts'

const jwkOf = (point: Uint8Array): { kty: 'EC'; crv: 'P-256'; x: string; y: string } => {
  const bytes = Buffer.from(point.buffer, point.byteOffset, point.length)
  return { kty: 'EC', crv: 'P-256', x: bytes.toString('base64url', 1, 33), y: bytes.toString('base64url', 33, 65) }
}

const p1363 = (key: KeyObject): { key: KeyObject; dsaEncoding: 'ieee-p1363' } => ({ key, dsaEncoding: 'ieee-p1363' })

/** OpenSSL, through Node. Keys are handed to it once. */
export const nodeCrypto: Required<NativeCrypto> = {
  p256PublicPoint(d) {
    const ecdh = createECDH('prime256v1')
    ecdh.setPrivateKey(d)
    return Uint8Array.from(ecdh.getPublicKey())
  },
  p256Signer(d, point) {
    const key = p1363(createPrivateKey({ key: { ...jwkOf(point), d: Buffer.from(d).toString('base64url') }, format: 'jwk' }))
    return { sign: (message) => sign('sha256', message, key) }
  },
  p256Verifier(point) {
    const key = p1363(createPublicKey({ key: jwkOf(point), format: 'jwk' }))
    return { verify: (message, signature) => verify('sha256', message, key, signature) }
  },
  rs256Verifier(n, e) {
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
    const key = createPublicKey({ key: { kty: 'RSA', n: text(n), e: text(e) }, format: 'jwk' })
    return { verify: (message, signature) => verify('sha256', message, key, signature) }
  },
  sha256: (message) => createHash('sha256').update(message).digest(),
  hmacSha256: (key, message) => createHmac('sha256', key).update(message).digest(),
}
