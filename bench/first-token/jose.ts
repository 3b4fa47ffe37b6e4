import { calculateJwkThumbprint, exportJWK, importPKCS8, SignJWT } from 'jose'
import { keyPem, report } from './key.ts'

const key = await importPKCS8(keyPem, 'ES256', { extractable: true })
const { kty, crv, x, y } = await exportJWK(key)
const kid = await calculateJwkThumbprint({ kty, crv, x, y })
await new SignJWT({ scope: 'device:connect turn', resource: 'urn:nabto:webrtc:wp-product:wd-device' })
  .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid }).setIssuedAt().setNotBefore('0 s').setExpirationTime('24 h').sign(key)
report()
