import { encodeUtf8 } from '../../../lib/bytes/index.ts'
import { addOauthEndpoint, deviceAudience, type OauthOptions } from '../../../lib/access/index.ts'
import type { IamConnection } from '../../../lib/iam/index.ts'
import { createJwksCache } from '../../../lib/jwt/index.ts'
import { silentLog } from '../../../lib/runtime/index.ts'
import { createMemoryNetwork } from '../../../runtimes/memory/index.ts'
import { type Answer, random, type TestConnection, testDevice, type TestDevice } from '../iam/support.ts'
import { ISSUER, issuerKey, JWKS_URL } from '../jwt/test-issuer.ts'

export const IDS = { productId: 'wp-a', deviceId: 'wd-front' }
export const AUDIENCE = deviceAudience(IDS)
export const key = issuerKey('a', random)

export interface Stage extends TestDevice {
  /** What the key server publishes; a function answers instead. */
  keys: unknown[]
  /** URLs that were asked for. */
  asked: string[]
  nowSeconds: () => number
  /** Claims of a good token, with changes. */
  claims: (changes?: Record<string, unknown>) => Record<string, unknown>
  post: (connection: TestConnection, token: string | Uint8Array, contentFormat?: number) => Promise<Answer>
  expired: IamConnection[]
}

/** A device of IAM's tests with `/webrtc/oauth`, and an issuer on a network in memory. */
export async function oauthStage(options: Partial<OauthOptions> = {}): Promise<Stage> {
  const device = await testDevice()
  const { clock, iam, router } = device
  const network = createMemoryNetwork({ clock })
  const stage: Stage = {
    ...device, keys: [key.jwk], asked: [], expired: [],
    nowSeconds: () => Math.floor(clock.nowMs() / 1000),
    claims: (changes = {}) => ({ iss: ISSUER, aud: AUDIENCE, sub: 'oauth_subject', iat: stage.nowSeconds(), exp: stage.nowSeconds() + 600, ...changes }),
    async post(connection, token, contentFormat = 0) {
      let answer: Answer | undefined
      void connection.requestRaw('POST', '/webrtc/oauth', typeof token === 'string' ? encodeUtf8(token) : token, contentFormat).then((found) => (answer = found))
      await clock.advanceUntil(() => answer !== undefined, 10_000)
      return answer as Answer
    },
  }
  network.serve(ISSUER, {
    request({ url }) {
      stage.asked.push(url)
      return { status: 200, body: JSON.stringify({ keys: stage.keys }) }
    },
    socket: () => undefined,
  })
  const keys = createJwksCache(JWKS_URL, { clock, http: network.http, log: silentLog })
  addOauthEndpoint(router, { ...IDS, iam, issuer: ISSUER, keys, expired: (connection) => stage.expired.push(connection), ...options }, { clock, log: silentLog })
  return stage
}
