/** What a link to the viewer says. The secret stands in the fragment, which browsers send to nobody. */
export interface ViewerLink {
  productId: string
  deviceId: string
  /** Shared with the camera; undefined when the link has none. */
  sharedSecret: string | undefined
  /** Presented to the service by clients of a product that demands it; also from the fragment. */
  accessToken: string | undefined
}

/**
 * Reads `?product=…&device=…#secret=…`; the vendor demo's names work too (protocol/webrtc-signaling.md §8.4).
 * @returns undefined when the link names no camera
 */
export function readLink({ search, hash }: { search: string; hash: string }): ViewerLink | undefined {
  const query = new URLSearchParams(search)
  const fragment = new URLSearchParams(hash.replace(/^#/, ''))
  const oneOf = (...names: string[]): string | undefined => names.map((name) => fragment.get(name)).find((value) => value !== null && value !== '') ?? undefined
  const productId = query.get('product') ?? query.get('productId')
  const deviceId = query.get('device') ?? query.get('deviceId')
  if (productId === null || deviceId === null || productId === '' || deviceId === '') return undefined
  return {
    productId,
    deviceId,
    sharedSecret: oneOf('secret', 'sharedSecret'),
    accessToken: oneOf('token', 'clientAccessToken'),
  }
}
