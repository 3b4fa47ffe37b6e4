import { parsePairingLink } from '../../../lib/client/pairing-link.ts'

/** What the address of the page says. Secrets stand in the fragment, which browsers send to nobody. */
export interface ViewerLink {
  readonly productId: string
  readonly deviceId: string
  /** Shared with the camera; undefined when the link has none. */
  readonly sharedSecret?: string
  /** Presented to the service by clients of a product that demands it; also from the fragment. */
  readonly accessToken?: string
  /** Lets through to the camera where the product asks for it; of a pairing link, or what this browser has kept. Proof of nothing. */
  readonly serverConnectToken?: string
  /** Of the camera's key, 64 lower-case digits: what makes this page sure of the camera. */
  readonly fingerprint?: string
  /** Of a pairing link: who its holder may become. */
  readonly invitation?: { readonly username: string; readonly password: string }
}

/**
 * Reads a pairing link (`#p=…&d=…&u=…&pwd=…&fp=…`, or the same after `?`), or `?product=…&device=…` followed by `#fp=…`, `#secret=…` or
 * `#token=…`; the vendor demo's names work too (protocol/webrtc-signaling.md §8.4, protocol/edge-webrtc.md §8.2).
 * @returns undefined when the link names no camera
 * @throws {ClientError} `ERR_PAIRING_LINK`: a pairing link that is not whole
 */
export function readLink({ search, hash }: { search: string; hash: string }): ViewerLink | undefined {
  const query = new URLSearchParams(search)
  const fragment = new URLSearchParams(hash.replace(/^#/, ''))
  if ([query, fragment].some((members) => members.has('p') && members.has('d'))) {
    const { productId, deviceId, username, password, fingerprint, serverConnectToken } = parsePairingLink(search + hash)
    return { productId, deviceId, fingerprint, serverConnectToken, invitation: { username, password } }
  }
  const oneOf = (...names: string[]): string | undefined => names.map((name) => fragment.get(name)).find((value) => value !== null && value !== '') ?? undefined
  const productId = query.get('product') ?? query.get('productId')
  const deviceId = query.get('device') ?? query.get('deviceId')
  if (productId === null || deviceId === null || productId === '' || deviceId === '') return undefined
  const fingerprint = oneOf('fp')?.toLowerCase()
  return {
    productId,
    deviceId,
    sharedSecret: oneOf('secret', 'sharedSecret'),
    accessToken: oneOf('token', 'clientAccessToken'),
    ...(fingerprint === undefined || !/^[0-9a-f]{64}$/.test(fingerprint) ? {} : { fingerprint }),
  }
}

/** Where a link leads without what its holder alone may know, but for an access token, without which there is no way at all. */
export function plainAddress({ productId, deviceId, accessToken }: ViewerLink, fingerprint: string | undefined): string {
  const query = new URLSearchParams({ product: productId, device: deviceId })
  const fragment = new URLSearchParams({ ...(accessToken === undefined ? {} : { token: accessToken }), ...(fingerprint === undefined ? {} : { fp: fingerprint }) })
  return `?${query.toString()}${fragment.size > 0 ? `#${fragment.toString()}` : ''}`
}
