import type { Storage } from '../../lib/runtime/index.ts'

/** Blobs that survive nothing. */
export function createMemoryStorage(): Storage {
  const blobs = new Map<string, Uint8Array>()
  return {
    read: (name) => Promise.resolve(blobs.get(name)?.slice()),
    write(name, bytes) {
      blobs.set(name, bytes.slice())
      return Promise.resolve()
    },
    remove(name) {
      blobs.delete(name)
      return Promise.resolve()
    },
  }
}
