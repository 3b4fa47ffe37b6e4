import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'

/*
 * SHA-256 in the language, by `@noble/hashes`. In bundles whose size is promised sha256-small.ts, which has the same
 * functions, stands in the place of this file (build.mjs).
 */

export const digest = (message: Uint8Array): Uint8Array => sha256(message)

export function keyed(key: Uint8Array): (message: Uint8Array) => Uint8Array {
  const begun = hmac.create(sha256, key)
  return (message) => begun.clone().update(message).digest()
}
