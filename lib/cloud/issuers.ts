import { createJwksCache, type JwksCache, type JwksCacheHost, type JwksCacheOptions } from '../jwt/index.ts'

/** Key sets of issuers, by URL. */
export interface Issuers {
  keysOf(jwksUri: string): JwksCache
  close(): void
}

/** @param limit - key sets kept at most; past it the one that was not asked for longest is forgotten */
export function createIssuers(host: JwksCacheHost, limit = 256, options: JwksCacheOptions = {}): Issuers {
  const caches = new Map<string, JwksCache>()
  return {
    keysOf(jwksUri) {
      const cache = caches.get(jwksUri) ?? createJwksCache(jwksUri, host, options)
      // A Map keeps the order of insertion: the first is the one quiet for longest.
      caches.delete(jwksUri)
      caches.set(jwksUri, cache)
      if (caches.size > limit) {
        const [[oldest, forgotten]] = caches
        forgotten.close()
        caches.delete(oldest)
      }
      return cache
    },
    close() {
      for (const cache of caches.values()) cache.close()
    },
  }
}
