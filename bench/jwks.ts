// Tokens of an issuer whose keys come over HTTP, beside the bare signature and beside jose with a set of its own from the same
// server. Ours are checked at once, jose's in another thread, so that its figure follows what else the machine does.
import { KeyObject, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, type CryptoKey, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose'
import { createJwksCache, verifyIssuedToken } from '../lib/jwt/index.ts'
import { createNodeHost } from '../runtimes/node/host.ts'
import { ratesOf } from './measure.ts'
import { atLeast, type BenchRow, withJose } from './row.ts'

const ISSUER = 'https://id.test'
const AUDIENCE = 'nabto://device?productId=wp-product&deviceId=wd-device'
const RAW = 'node:crypto, raw signature'
/** The rest are two JSON texts, a look-up and the claims. */
const SHARE = 0.8
const ALGORITHMS = ['RS256', 'ES256'] as const

export async function run(): Promise<BenchRow[]> {
  const keys: JWK[] = []
  const issued: { token: string; publicKey: CryptoKey }[] = []
  for (const alg of ALGORITHMS) {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    keys.push({ ...await exportJWK(publicKey), kid: alg, alg })
    const token = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'someone' }).setProtectedHeader({ alg, kid: alg }).setIssuedAt().setExpirationTime('1 h').sign(privateKey)
    issued.push({ token, publicKey })
  }
  const server = createServer((_request, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  const cache = createJwksCache(url, createNodeHost())
  const set = createRemoteJWKSet(new URL(url))
  try {
    const looked = await ratesOf({ ours: () => cache.keyFor('ES256'), jose: () => set({ alg: 'ES256', kid: 'ES256' }) })
    const rows = [atLeast(1, 'jose', 'key of a token found in a cached set', looked)]
    for (const [at, alg] of ALGORITHMS.entries()) {
      const { token, publicKey } = issued[at]
      const dot = token.lastIndexOf('.')
      const [message, signature] = [Buffer.from(token.slice(0, dot)), Buffer.from(token.slice(dot + 1), 'base64url')]
      const raw = { key: KeyObject.from(publicKey), dsaEncoding: 'ieee-p1363' } as const
      const ours = (): unknown => verifyIssuedToken(token, { keys: cache, issuer: ISSUER, audience: AUDIENCE }, Date.now() / 1000)
      const fast = await ratesOf({ ours, [RAW]: () => verify('sha256', message, raw, signature) })
      const joined = await ratesOf({ ours, jose: () => jwtVerify(token, set, { algorithms: [alg], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ['exp', 'sub'] }) })
      rows.push(withJose(atLeast(SHARE, RAW, `${alg} token of an issuer verified, key and claims included`, fast), joined))
    }
    return rows
  } finally {
    cache.close()
    server.closeAllConnections()
    server.close()
  }
}
