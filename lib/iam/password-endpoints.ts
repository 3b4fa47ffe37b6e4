import { encodeUtf8 } from '../bytes/index.ts'
import { CborError, type CborValue, decodeCbor } from '../cbor/index.ts'
import { CoapError, type CoapRouter, contentFormats } from '../coap/index.ts'
import type { PasswordExchange } from './password.ts'

/** Bytes (protocol/iam.md §4). */
const MAX_USERNAME = 4096
const MAX_SHARE = 256
/** A map of both, with room for members that nobody asked for. */
const MAX_BODY = 8192

/**
 * Puts `/p2p/pwd-auth/1` and `/p2p/pwd-auth/2` on a router, in the order of checks of protocol/iam.md §6.2. No access check:
 * this is how a connection gets an identity to check.
 * @param exchangeOf - the exchange of the connection that asks; the same one each time
 * @throws {RangeError} the router has password authentication already
 */
export function addPasswordEndpoints<Context>(router: CoapRouter<Context>, exchangeOf: (context: Context) => PasswordExchange): void {
  router.on('POST', '/p2p/pwd-auth/1', async ({ context, contentFormat, payload }) => {
    const exchange = exchangeOf(context)
    exchange.check(1)
    if (contentFormat !== contentFormats.cbor) throw new CoapError('4.15')
    const { username, share } = readRoundOne(payload)
    return { code: '2.01', contentFormat: contentFormats.octetStream, payload: await exchange.start(username, share) }
  })
  router.on('POST', '/p2p/pwd-auth/2', ({ context, payload }) => {
    const exchange = exchangeOf(context)
    exchange.check(2)
    return { code: '2.01', contentFormat: contentFormats.octetStream, payload: exchange.finish(payload) }
  })
}

function readRoundOne(payload: Uint8Array): { username: string; share: Uint8Array } {
  let body: CborValue
  try {
    body = decodeCbor(payload, { maxBytes: MAX_BODY, maxDepth: 4, maxItems: 64, allowTrailing: true })
  } catch (thrown) {
    if (thrown instanceof CborError) throw new CoapError('4.00', undefined, { cause: thrown })
    throw thrown
  }
  const member = (name: string): unknown => (isObject(body) ? body[name] : undefined)
  const [username, share] = [member('Username'), member('T')]
  const wellFormed = typeof username === 'string' && username.length <= MAX_USERNAME && encodeUtf8(username).length <= MAX_USERNAME &&
    share instanceof Uint8Array && share.length <= MAX_SHARE
  if (!wellFormed) throw new CoapError('4.00')
  return { username, share }
}

const isObject = (value: CborValue): value is { readonly [key: string]: CborValue } =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !(value instanceof Map) && !Array.isArray(value)
