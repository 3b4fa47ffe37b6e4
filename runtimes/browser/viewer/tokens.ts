import { deviceOfAudience, looksLikeDeviceAudience } from '../../../lib/access/device-audience.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { MAX_JWT_BYTES, parseClaims, parseCompactJws } from '../../../lib/jwt/compact.ts'

/**
 * What a token is for, as its form tells (docs/tokens.md):
 * - `connect`: a server connect token of the camera; the service lets its bearer through, and that is all
 * - `service`: a client access token, or one of an issuer that the service trusts
 * - `camera`: an OAuth token for the camera itself; for nobody else's eyes
 */
export type TokenKind = 'connect' | 'service' | 'camera'

/** Members of a fragment that hold a token. */
export const TOKEN_NAMES = ['token', 'clientAccessToken', 'sct', 'jwt', 'oauth'] as const

/** @throws {LenskeyError} `TOKEN_MALFORMED` */
export function kindOfToken(token: string): TokenKind {
  if (!/^[A-Za-z0-9._-]+$/.test(token) || token.length > MAX_JWT_BYTES) throw malformed()
  if (!token.includes('.')) return 'connect'
  return audiencesOf(token).some(looksLikeDeviceAudience) ? 'camera' : 'service'
}

/** People copy tokens with the line ends of a mail around and in them. @throws {LenskeyError} `TOKEN_MALFORMED` */
export function cleanToken(text: string): string {
  const token = text.replace(/\s+/g, '').replace(/^Bearer(?=.{8})/i, '')
  kindOfToken(token)
  return token
}

/** A token for one camera is not shown to another. @throws {LenskeyError} `TOKEN_ELSEWHERE` */
export function requireTokenFor({ productId, deviceId }: { productId: string; deviceId: string }, token: string): void {
  const isMeant = audiencesOf(token).map(deviceOfAudience).some((device) => device?.productId === productId && device.deviceId === deviceId)
  if (!isMeant) throw new LenskeyError('TOKEN_ELSEWHERE', 'the token is for another camera')
}

function audiencesOf(token: string): string[] {
  try {
    const { aud } = parseClaims(parseCompactJws(token).payload, {})
    return [aud].flat().filter((audience) => typeof audience === 'string')
  } catch (cause) {
    throw malformed(cause)
  }
}

function malformed(cause?: unknown): LenskeyError {
  return new LenskeyError('TOKEN_MALFORMED', 'the text is no token', { cause })
}

/** Keeps a way through the service while a tab lives, since it does not stay in the address. Where the browser keeps nothing, nothing is kept. */
export class TabMemory {
  readonly #key: string

  constructor({ productId, deviceId }: { productId: string; deviceId: string }) {
    this.#key = `lenskey ${productId}/${deviceId}`
  }

  recall(): string | undefined {
    try {
      return sessionStorage.getItem(this.#key) ?? undefined
    } catch {
      return undefined
    }
  }

  /** @param token - undefined forgets the one that was kept */
  keep(token: string | undefined): void {
    try {
      if (token === undefined) sessionStorage.removeItem(this.#key)
      else sessionStorage.setItem(this.#key, token)
    } catch {
      // Then the person is asked again when the page is loaded again.
    }
  }
}
