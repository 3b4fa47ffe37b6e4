import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Issuers, Rendezvous, Sts, StsKeys } from '../../../lib/cloud/index.ts'
import { createIssuers, createSts, createStsKeys, devicesInClaim, openStsKeys, StsError, type StsOptions } from '../../../lib/cloud/index.ts'
import type { P256PrivateKey } from '../../../lib/crypto/index.ts'
import type { Host } from '../../../lib/runtime/index.ts'
import { createFileStorage } from '../storage.ts'
import { addressOf } from './connect-api.ts'

export const STS_KEYS_FILE = 'sts-keys.json'

/** The token exchange of a service (docs/tokens.md). Off unless it is there. */
export interface StsServiceOptions extends Omit<StsOptions, 'policy'> {
  /** Claim of the subject token that lists `<productId>.<deviceId>`; or a rule of the program's own. */
  devices: string | readonly string[] | StsOptions['policy']
  /** A signing key is replaced after so long; default 90 days. */
  rotateSeconds?: number
  /** Keys to sign with instead of those that the service makes and replaces: the first signs, all are published. */
  signingKeys?: readonly P256PrivateKey[]
}

const DAY_SECONDS = 86_400
/** What devices may keep of a key set after a token was made, and clocks that differ. */
const PUBLISHED_AFTER_SECONDS = DAY_SECONDS

/** @throws {LenskeyError} `ERR_STS_KEYS` */
export async function openSts({ devices, signingKeys, rotateSeconds = 90 * DAY_SECONDS, ...options }: StsServiceOptions, dataDir: string, host: Host): Promise<{ sts: Sts; keys: StsKeys; issuers: Issuers; issuer: string }> {
  const { maxLifetimeSeconds = 3600 } = options
  const keys = signingKeys !== undefined ? createStsKeys(signingKeys, host) : await openStsKeys({ storage: createFileStorage(dataDir), name: STS_KEYS_FILE, rotateSeconds, keepSeconds: maxLifetimeSeconds + PUBLISHED_AFTER_SECONDS }, host)
  const issuers = createIssuers(host)
  const policy = typeof devices === 'function' ? devices : devicesInClaim(devices)
  return { sts: createSts({ ...options, policy }, { keys, issuers, clock: host.clock, random: host.random }), keys, issuers, issuer: options.issuer }
}

/** `POST /sts/token` (RFC 8693 §2), the keys, and RFC 8414 metadata, where clients look for it by the issuer's path and beside it. */
export function addStsApi(server: FastifyInstance, rendezvous: Rendezvous, { sts, keys, issuer }: Awaited<ReturnType<typeof openSts>>): void {
  void server.register((api, _options, done) => {
    api.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) => {
      parsed(null, [...new URLSearchParams(String(body))])
    })
    api.addHook('onRequest', (request, reply, next) => {
      void reply.header('access-control-allow-origin', '*')
      rendezvous.countRequest(addressOf(request))
      next()
    })
    api.post('/sts/token', async ({ body }, reply) => {
      void reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
      try {
        if (!Array.isArray(body)) throw new StsError('invalid_request', 'the body must be application/x-www-form-urlencoded')
        return await sts.exchange(body as [string, string][])
      } catch (thrown) {
        if (!(thrown instanceof StsError)) throw thrown
        return refuse(reply, thrown)
      }
    })
    api.get('/sts/.well-known/jwks.json', async (_request, reply) => {
      void reply.headers({ 'cache-control': 'public, max-age=900' })
      return { keys: await keys.published() }
    })
    const metadata = (): Record<string, unknown> => ({
      issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/.well-known/jwks.json`,
      grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange'], response_types_supported: [], token_endpoint_auth_methods_supported: ['none'],
    })
    api.get('/.well-known/oauth-authorization-server/sts', metadata)
    api.get('/sts/.well-known/oauth-authorization-server', metadata)
    done()
  })
}

function refuse(reply: FastifyReply, { status, error, message }: StsError): FastifyReply {
  // RFC 6749 §5.2: no quotes, no backslashes, ASCII alone.
  return reply.code(status).send({ error, error_description: message.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?') })
}
