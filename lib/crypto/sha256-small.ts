// SHA-256 and HMAC in a quarter of the bytes of @noble/hashes, for bundles whose size is promised: build.mjs puts this file in
// the place of sha256-portable.ts there.

const BLOCK = 64
/** The 64th. */
const LARGEST_PRIME = 311

/** HMAC-SHA-256 (RFC 2104) with one key, whose two blocks are hashed once: 32 bytes of each message. */
export function keyed(key: Uint8Array): (message: Uint8Array) => Uint8Array {
  const short = key.length > BLOCK ? digest(key) : key
  const begun = (byte: number): Int32Array => {
    const block = new Uint8Array(BLOCK).fill(byte)
    for (let at = 0; at < short.length; at++) block[at] ^= short[at]
    const state = INITIAL.slice()
    compress(state, block, BLOCK)
    block.fill(0)
    return state
  }
  const inner = begun(0x36)
  const outer = begun(0x5c)
  return (message) => digest(digest(message, inner), outer)
}

// FIPS 180-4 §5.3.3 and §4.2.2 define their words as roots of primes, which takes a third of the bytes that they take. A
// power would have to be wrong by 2^-42 of itself to change one of their bits; engines are right to 2^-50 and better.
const INITIAL = /* @__PURE__ */ rootsOfPrimes(8, 1 / 2)
const K = /* @__PURE__ */ rootsOfPrimes(64, 1 / 3)

/** The first 32 bits behind the point. Signed, because engines keep small signed numbers without allocating. */
function rootsOfPrimes(count: number, exponent: number): Int32Array {
  const words = new Int32Array(count)
  const composite = new Uint8Array(LARGEST_PRIME)
  for (let number = 2, found = 0; found < count; number++) {
    if (composite[number] === 1) continue
    words[found++] = ((number ** exponent) % 1) * 2 ** 32
    for (let multiple = number * number; multiple < LARGEST_PRIME; multiple += number) composite[multiple] = 1
  }
  return words
}

// Shared, as nothing here waits: emptied after each use, for it may hold what a key was made of.
const schedule = /* @__PURE__ */ new Int32Array(BLOCK)

/**
 * SHA-256 (FIPS 180-4), 32 bytes.
 * @param begun - the state after a block that comes before the message
 */
export function digest(message: Uint8Array, begun = INITIAL): Uint8Array {
  const { length } = message
  const rest = length % BLOCK
  const all = length + (begun === INITIAL ? 0 : BLOCK)
  // Padding (§5.1.1): a set bit, zeros, the length in bits as 64 of them.
  const tail = new Uint8Array(rest < BLOCK - 8 ? BLOCK : 2 * BLOCK)
  tail.set(message.subarray(length - rest))
  tail[rest] = 0x80
  const state = begun.slice()
  putWord(tail, tail.length - 8, all / 2 ** 29)
  putWord(tail, tail.length - 4, all << 3)
  compress(state, message, length - rest)
  compress(state, tail, tail.length)
  schedule.fill(0)
  tail.fill(0)
  const hash = new Uint8Array(32)
  for (let at = 0; at < 8; at++) putWord(hash, 4 * at, state[at])
  return hash
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

/** §6.2.2 for the whole blocks before `end`. Nothing is a function of its own: on a bare engine a call costs more than a rotation. */
function compress(state: Int32Array, bytes: Uint8Array, end: number): void {
  const w = schedule
  for (let from = 0; from < end; from += BLOCK) {
    for (let t = 0, at = from; t < 16; t++, at += 4) {
      w[t] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
    }
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15]
      const y = w[t - 2]
      w[t] = w[t - 16] + w[t - 7] +
        (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
        (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10))
    }
    let a = state[0]
    let b = state[1]
    let c = state[2]
    let d = state[3]
    let e = state[4]
    let f = state[5]
    let g = state[6]
    let h = state[7]
    for (let t = 0; t < 64; t++) {
      const t1 = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + (g ^ (e & (f ^ g))) + K[t] + w[t]) | 0
      const t2 = (((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b) | (c & (a | b)))
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h
  }
}
