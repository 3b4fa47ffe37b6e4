import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'

/*
 * SHA-256 in the language, by `@noble/hashes`. In bundles whose size is promised sha256-small.ts, which has the same
 * functions, stands in the place of this file (build.mjs).
 */

export const digest = (message: Uint8Array): Uint8Array => sha256(message)

export const mac = (key: Uint8Array, message: Uint8Array): Uint8Array => hmac(sha256, key, message)
