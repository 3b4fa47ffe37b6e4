import { jwtCredential, SCT_PREFIX } from '../../../lib/cloud/credentials.ts'
import type { ProductSettings, RegisteredKey, Registry, Relay } from '../../../lib/cloud/index.ts'
import { type P256PublicKey, productKeyId, publicKeyToPem } from '../../../lib/crypto/index.ts'

/** How a product is to be when the service starts. */
export interface ProductSetUp {
  id: string
  /** Members left out stay as they are. */
  settings: ProductSettings
  /** Of its owner, added to those that there are. */
  keys?: readonly P256PublicKey[]
}

interface Parts {
  registry: Registry
  relay: Relay
}

/** Makes the product, or sets what it allows; what is no longer allowed ends the seats that rest on it. False when it was there. */
export async function putProduct({ registry, relay }: Parts, productId: string, settings: ProductSettings): Promise<boolean> {
  const before = await registry.product(productId)
  const created = await registry.putProduct(productId, settings)
  if (settings.anonymousClients === false) relay.revoke({ productId, anonymous: true })
  if (settings.serverConnectTokens === false) relay.revoke({ productId, kid: SCT_PREFIX })
  const kid = before?.clientJwt && jwtCredential(before.clientJwt)
  const changesJwt = settings.clientJwt !== undefined && (settings.clientJwt === null || jwtCredential(settings.clientJwt) !== kid)
  if (kid !== undefined && changesJwt) relay.revoke({ productId, kid })
  return created
}

/** A key as the registry keeps it. */
export const registered = (key: P256PublicKey, kidOf: (key: P256PublicKey) => string): Pick<RegisteredKey, 'kid' | 'publicKey'> => ({ kid: kidOf(key), publicKey: publicKeyToPem(key) })

export async function setUpProducts(parts: Parts, products: readonly ProductSetUp[]): Promise<void> {
  for (const { id, settings, keys = [] } of products) {
    await putProduct(parts, id, settings)
    for (const key of keys) await parts.registry.addProductKey(id, registered(key, productKeyId))
  }
}
