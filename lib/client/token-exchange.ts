import { deviceAudience } from '../access/device-audience.ts'
import { decodeUtf8 } from '../bytes/index.ts'
import { LenskeyError } from '../errors.ts'
import { isTrustedUrl } from '../jwt/jwks-cache.ts'
import type { Http } from '../runtime/index.ts'
import { isObject } from '../signaling/json.ts'

export interface TokenExchangeOptions {
  /** `https:`, or `http:` to this machine: whoever can read the subject token on its way is its bearer. */
  tokenEndpoint: string
  productId: string
  deviceId: string
  /** A token of the person who wants to get to the device. */
  subjectToken: string
  /** Default `access_token`. */
  subjectTokenType?: 'access_token' | 'jwt'
  /** Where the service wants to know which program asks. */
  clientId?: string
}

export interface ExchangedToken {
  /** For this one device (`authenticateOauth`). */
  accessToken: string
  /** Undefined when the service does not say. */
  expiresInSeconds: number | undefined
}

const TYPES = 'urn:ietf:params:oauth:token-type:'
const MAX_ANSWER_BYTES = 65_536

/**
 * Exchanges a person's token for one that a single device takes (RFC 8693; protocol/edge-webrtc.md §6).
 * @throws {RangeError} an endpoint that is not to be trusted with a token
 * @throws {LenskeyError} `ERR_STS_REFUSED` with the `error` of RFC 6749 §5.2, `ERR_STS_ANSWER`, and what `Http` rejects with
 */
export async function exchangeToken(options: TokenExchangeOptions, { http }: { http: Http }): Promise<ExchangedToken> {
  const { tokenEndpoint, productId, deviceId, subjectToken, subjectTokenType = 'access_token', clientId } = options
  if (!isTrustedUrl(tokenEndpoint)) throw new RangeError('a token is exchanged by https, or by http with this machine alone')
  const fields = {
    ...(clientId === undefined ? {} : { client_id: clientId }),
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: TYPES + subjectTokenType,
    resource: deviceAudience({ productId: productId.toLowerCase(), deviceId: deviceId.toLowerCase() }),
  }
  const { status, body } = await http.request({
    method: 'POST', url: tokenEndpoint, headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'), maxBodyBytes: MAX_ANSWER_BYTES,
  })
  const answer = readAnswer(body)
  if (typeof answer.error === 'string') throw new LenskeyError('ERR_STS_REFUSED', `the token exchange refused: ${shown(answer.error)}, ${shown(answer.error_description)}`)
  const { access_token: accessToken, token_type: tokenType, issued_token_type: issuedType, expires_in: expiresIn } = answer
  const isToken = typeof accessToken === 'string' && accessToken !== '' && typeof tokenType === 'string' && tokenType.toLowerCase() === 'bearer'
  if (status !== 200 || !isToken || issuedType !== `${TYPES}access_token`) throw new LenskeyError('ERR_STS_ANSWER', `what answered with status ${status} is no token exchange`)
  return { accessToken, expiresInSeconds: typeof expiresIn === 'number' ? expiresIn : undefined }
}

function readAnswer(body: Uint8Array): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(decodeUtf8(body))
    if (isObject(answer)) return answer
  } catch {
    // No JSON: like any other answer that has no token in it.
  }
  return {}
}

/** RFC 6749 §5.2 allows ASCII alone, and what a terminal could take for an order is no sentence. */
function shown(text: unknown): string {
  return typeof text === 'string' ? text.slice(0, 300).replace(/[^\x20-\x7e]/g, '?') : 'no reason given'
}
