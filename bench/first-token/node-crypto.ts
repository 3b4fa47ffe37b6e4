import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { keyPem, report } from './key.ts'

const key = createPrivateKey(keyPem)
const kid = `device:${createHash('sha256').update(createPublicKey(key).export({ type: 'spki', format: 'der' })).digest('hex')}`
const iat = Math.floor(Date.now() / 1000)
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = { iat, nbf: iat, exp: iat + 86_400, scope: 'device:connect turn', resource: 'urn:nabto:webrtc:wp-product:wd-device' }
sign('sha256', Buffer.from(`${encode({ alg: 'ES256', typ: 'JWT', kid })}.${encode(claims)}`), { key, dsaEncoding: 'ieee-p1363' })
report()
