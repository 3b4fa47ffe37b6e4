import { serverConnectTokenHash } from '../access/sct-hash.ts'
import type { NativeCrypto } from '../runtime/index.ts'
import type { DeviceIds } from './ids.ts'
import type { RegisteredKey, RendezvousRegistry } from './registry.ts'

/**
 * The registry of a rendezvous for one device alone, in memory: its product, itself and its key. Clients need no token,
 * as there is no product owner whose signature could be checked here: who may do what, the device decides.
 * @param serverConnectTokens - that the device knows now
 */
export function createOwnRegistry(
  device: DeviceIds, key: RegisteredKey, { serverConnectTokens, nativeCrypto }: { serverConnectTokens: () => readonly string[]; nativeCrypto?: NativeCrypto },
): RendezvousRegistry {
  const isOurs = ({ productId, deviceId }: DeviceIds): boolean => productId === device.productId && deviceId === device.deviceId
  const { createdAt } = key
  return {
    product: (id) => Promise.resolve(id === device.productId ? { id, anonymousClients: true, serverConnectTokens: true, createdAt } : undefined),
    hasDevice: (asked) => Promise.resolve(isOurs(asked)),
    deviceKey: (kid) => Promise.resolve(kid === key.kid ? { ...device, ...key } : undefined),
    productKey: () => Promise.resolve(undefined),
    hasServerConnectToken: (asked, hash) =>
      Promise.resolve(isOurs(asked) && serverConnectTokens().some((token) => serverConnectTokenHash(device, token, nativeCrypto) === hash)),
    // The device tells what it has by itself.
    putServerConnectTokens: () => Promise.resolve([]),
    // Its device sits inside; nobody takes that seat with a token, nor does one that was seen elsewhere open it.
    acceptProof: () => Promise.resolve(false),
    secret: (_name, fresh) => Promise.resolve(fresh),
  }
}
