import { parsePairingLink } from '../../../lib/client/pairing-link.ts'
import { kindOfToken, TOKEN_NAMES } from './tokens.ts'

/** What the address of the page says. Secrets stand in the fragment, which browsers send to nobody. */
export interface ViewerLink {
  readonly productId: string
  readonly deviceId: string
  /** Shared with the camera; undefined when the link has none. */
  readonly sharedSecret?: string
  /** What the service is shown: a client access token, or a token of an issuer that it trusts. Also from the fragment. */
  readonly accessToken?: string
  /** Server connect token, for a service that lets nobody through without one; what asks for none does not get to see it. */
  readonly serverConnectToken?: string
  /** OAuth token for the camera itself. */
  readonly oauthToken?: string
  /** Of the camera's key, 64 lower-case digits: what makes this page sure of the camera. */
  readonly fingerprint?: string
  /** Of a pairing link: who its holder may become. */
  readonly invitation?: { readonly username: string; readonly password: string }
}

/**
 * Reads a pairing link (`#p=…&d=…&u=…&pwd=…&fp=…`, or the same after `?`), or `?product=…&device=…` followed by `#fp=…`, `#secret=…` or
 * a token (`#token=…`, `#sct=…`, `#jwt=…`, `#oauth=…`: which it is, its form tells); the vendor demo's names work too
 * (protocol/webrtc-signaling.md §8.4, protocol/edge-webrtc.md §8.2).
 * @returns undefined when the link names no camera
 * @throws {ClientError} `ERR_PAIRING_LINK`: a pairing link that is not whole
 * @throws {LenskeyError} `TOKEN_MALFORMED`
 */
export function readLink({ search, hash }: { search: string; hash: string }): ViewerLink | undefined {
  const query = new URLSearchParams(search)
  const fragment = new URLSearchParams(hash.replace(/^#/, ''))
  if ([query, fragment].some((members) => members.has('p') && members.has('d'))) {
    const { productId, deviceId, username, password, fingerprint, serverConnectToken } = parsePairingLink(search + hash)
    return { productId, deviceId, fingerprint, invitation: { username, password }, ...(serverConnectToken === undefined ? {} : { serverConnectToken }) }
  }
  const oneOf = (...names: string[]): string | undefined => names.map((name) => fragment.get(name)).find((value) => value !== null && value !== '') ?? undefined
  const productId = query.get('product') ?? query.get('productId')
  const deviceId = query.get('device') ?? query.get('deviceId')
  if (productId === null || deviceId === null || productId === '' || deviceId === '') return undefined
  const fingerprint = oneOf('fp')?.toLowerCase()
  const sharedSecret = oneOf('secret', 'sharedSecret')
  return {
    productId,
    deviceId,
    ...(sharedSecret === undefined ? {} : { sharedSecret }),
    ...tokensIn(fragment),
    ...(fingerprint === undefined || !/^[0-9a-f]{64}$/.test(fingerprint) ? {} : { fingerprint }),
  }
}

/** A token goes by what it is, whatever the link calls it. */
function tokensIn(fragment: URLSearchParams): SortedTokens {
  return Object.assign({}, ...TOKEN_NAMES.map((name) => fragment.get(name) ?? '').filter((token) => token !== '').map(sortToken)) as SortedTokens
}

export type SortedTokens = Pick<ViewerLink, 'accessToken' | 'serverConnectToken' | 'oauthToken'>

/** @throws {LenskeyError} `TOKEN_MALFORMED` */
export function sortToken(token: string): SortedTokens {
  switch (kindOfToken(token)) {
    case 'connect': return { serverConnectToken: token }
    case 'service': return { accessToken: token }
    case 'camera': return { oauthToken: token }
  }
}

/** A fragment as it was, but for the tokens in it: they are not for the history, nor for whoever looks at the screen. */
export function withoutTokens(hash: string): string {
  const parts = hash.replace(/^#/, '').split('&')
  const kept = parts.filter((part) => !(TOKEN_NAMES as readonly string[]).includes(part.split('=', 1)[0])).join('&')
  return kept === '' ? '' : `#${kept}`
}

/** Where a link leads without what its holder alone may know. */
export function plainAddress({ productId, deviceId }: ViewerLink, fingerprint: string | undefined): string {
  const query = new URLSearchParams({ product: productId, device: deviceId })
  return `?${query.toString()}${fingerprint === undefined ? '' : `#fp=${fingerprint}`}`
}
