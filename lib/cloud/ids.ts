import { encodeBase64url } from '../bytes/index.ts'
import type { Random } from '../runtime/index.ts'
import { badRequest } from './errors.ts'

/** Names one device; both in lower case. */
export interface DeviceIds {
  productId: string
  deviceId: string
}

// 32 characters, so that five random bits choose one evenly; without l and o, which are read as 1 and 0.
const ID_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'

function randomId(random: Random, prefix: string, length: number): string {
  return prefix + Array.from(random.bytes(length), (byte) => ID_ALPHABET[byte & 31]).join('')
}

/** `wp-` and 8 characters (protocol/webrtc-signaling.md §0): 40 bits; product IDs are public. */
export function newProductId(random: Random): string {
  return randomId(random, 'wp-', 8)
}

/** `wd-` and 16 characters: 80 bits, so that nobody finds a device by guessing. */
export function newDeviceId(random: Random): string {
  return randomId(random, 'wd-', 16)
}

/** 128 bits, never used for a second client (§4, §11.4). */
export function newChannelId(random: Random): string {
  return encodeBase64url(random.bytes(16))
}

/** In lower case, as far as it is ASCII: the Kelvin sign (U+212A) would become a k. */
export function lowerCased(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/**
 * An ID as the registry keeps it. Case does not count (§0).
 * @throws {RendezvousError} 400
 */
export function readId(name: string, value: unknown): string {
  const id = typeof value === 'string' ? lowerCased(value) : ''
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return id
  throw badRequest(`${name} must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or a digit`)
}
