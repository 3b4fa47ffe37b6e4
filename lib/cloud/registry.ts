import type { DeviceIds } from './ids.ts'

/** A public key as it was registered. */
export interface RegisteredKey {
  /** `device:` or `product:` and the fingerprint (protocol/webrtc-signaling.md §1.2). */
  kid: string
  /** SPKI as PEM text. */
  publicKey: string
  /** Seconds since 1970. */
  createdAt: number
}

/** Which tokens of an issuer let a client through to devices. */
export interface ClientJwtPolicy {
  /** `iss`, letter by letter. */
  issuer: string
  /** Of this service; never that of a device. */
  audience: string
  /** Where the issuer publishes its keys. */
  jwksUri: string
  /** The claim that lists `<productId>.<deviceId>`, with spaces between them. */
  claim: string
}

/** How clients get through to the devices of a product; access tokens by its keys always do. */
export interface Product {
  id: string
  /** Whether clients without a token are let in. */
  anonymousClients: boolean
  /** Whether those with a server connect token of the device are. */
  serverConnectTokens: boolean
  clientJwt?: ClientJwtPolicy
  createdAt: number
}

/** Changes of what a product allows; null takes away. */
export interface ProductSettings {
  anonymousClients?: boolean
  serverConnectTokens?: boolean
  clientJwt?: ClientJwtPolicy | null
}

export interface Device {
  id: string
  createdAt: number
}

/** A part of a list, in the order of IDs. */
export interface Page {
  /** The last ID of the part before; from the start when undefined. */
  after?: string
  limit: number
}

/** What the way of a connect asks. Each is one look-up by index, never answered from memory: what was removed is gone at the next connect. */
export interface RegistryLookups {
  product(productId: string): Promise<Product | undefined>
  hasDevice(device: DeviceIds): Promise<boolean>
  /** A key belongs to exactly one device. */
  deviceKey(kid: string): Promise<(DeviceIds & RegisteredKey) | undefined>
  /** One authorization key may serve several products of an owner. */
  productKey(productId: string, kid: string): Promise<RegisteredKey | undefined>
  /** @param hash - `serverConnectTokenHash` of the token */
  hasServerConnectToken(device: DeviceIds, hash: string): Promise<boolean>
}

/** What a rendezvous needs of its registry. */
export interface RendezvousRegistry extends RegistryLookups {
  /** Replaces the server connect tokens of a device. @returns those that it no longer has @throws {RendezvousError} 404 without such a device */
  putServerConnectTokens(device: DeviceIds, hashes: readonly string[]): Promise<string[]>
  /**
   * Remembers the newest proof of a device, so that a token seen by someone else cannot take the seat later, not even after
   * a restart of the service. False when a newer one was shown before, or this one more than `reuseSeconds` ago: a device
   * that signs deterministically makes the same token twice within a second.
   * @param issuedAt - `iat` of the token
   * @param latest - the newest that an `iat` can be now; a newer one that is remembered came in under a clock that was set
   *   back since, and would keep the device out until then: it is forgotten
   */
  acceptProof(device: DeviceIds, issuedAt: number, reuseSeconds: number, latest: number): Promise<boolean>
  /** A secret that all nodes on this registry share; `fresh` becomes it if there is none. */
  secret(name: string, fresh: string): Promise<string>
}

/** Products, devices and their keys. Removing one removes what is under it. IDs are in lower case. */
export interface Registry extends RendezvousRegistry {
  products(page: Page): Promise<Product[]>
  /** Makes the product, or sets what it allows; false when it was there. */
  putProduct(productId: string, settings: ProductSettings): Promise<boolean>
  removeProduct(productId: string): Promise<boolean>
  devices(productId: string, page: Page): Promise<Device[]>
  /** False when it was there. @throws {RendezvousError} 404 without such a product */
  putDevice(device: DeviceIds): Promise<boolean>
  removeDevice(device: DeviceIds): Promise<boolean>
  deviceKeys(device: DeviceIds): Promise<RegisteredKey[]>
  /** False when the device had it. @throws {RendezvousError} 404 without such a device, 409 when another device has it */
  addDeviceKey(device: DeviceIds, key: { kid: string; publicKey: string }): Promise<boolean>
  removeDeviceKey(device: DeviceIds, kid: string): Promise<boolean>
  productKeys(productId: string): Promise<RegisteredKey[]>
  /** False when the product had it. @throws {RendezvousError} 404 without such a product */
  addProductKey(productId: string, key: { kid: string; publicKey: string }): Promise<boolean>
  removeProductKey(productId: string, kid: string): Promise<boolean>
  /** @throws when the database does not answer */
  ping(): Promise<void>
  close(): Promise<void>
}
