import type { Random } from '../../lib/runtime/index.ts'

/** Repeatable bytes for tests (splitmix32). Anybody who knows the seed knows them all: never use it for a real key. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let word = state
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return (word ^ (word >>> 15)) >>> 0
  }
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() >>> 24),
  }
}
