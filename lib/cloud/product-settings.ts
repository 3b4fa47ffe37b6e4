import { looksLikeDeviceAudience } from '../access/device-audience.ts'
import { isTrustedUrl } from '../jwt/jwks-cache.ts'
import { isObject } from '../signaling/json.ts'
import { badRequest } from './errors.ts'
import type { ClientJwtPolicy, ProductSettings } from './registry.ts'

/** Reads what a product allows, as the admin API is told it; members left out stay as they are. @throws {RendezvousError} 400 */
export function readProductSettings(body: Readonly<Record<string, unknown>>): ProductSettings {
  const { anonymousClients, serverConnectTokens, clientJwt } = body
  const settings: ProductSettings = {}
  if (anonymousClients !== undefined) settings.anonymousClients = truth('anonymousClients', anonymousClients)
  if (serverConnectTokens !== undefined) settings.serverConnectTokens = truth('serverConnectTokens', serverConnectTokens)
  if (clientJwt !== undefined) settings.clientJwt = clientJwt === null ? null : readClientJwt(clientJwt)
  return settings
}

function readClientJwt(value: unknown): ClientJwtPolicy {
  if (!isObject(value)) throw badRequest('clientJwt must be null or an object with issuer, audience, jwksUri and claim')
  const text = (name: string, maxLength: number): string => {
    const found = value[name]
    if (typeof found === 'string' && found !== '' && found.length <= maxLength) return found
    throw badRequest(`clientJwt.${name} must be a text of 1 to ${maxLength} characters`)
  }
  const policy = { issuer: text('issuer', 512), audience: text('audience', 512), jwksUri: text('jwksUri', 2048), claim: text('claim', 128) }
  if (looksLikeDeviceAudience(policy.audience)) throw badRequest('clientJwt.audience must be this service\'s: one that begins with nabto: is a device\'s, whose tokens open nothing here')
  if (!isTrustedUrl(policy.jwksUri)) throw badRequest('clientJwt.jwksUri must be an https: URL, or http: on this machine')
  return policy
}

function truth(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw badRequest(`${name} must be true or false`)
  return value
}
