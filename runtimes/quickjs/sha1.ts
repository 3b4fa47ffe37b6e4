/**
 * SHA-1 (RFC 3174) of a short message. Its one use is the handshake of WebSocket, which has it to tell a server that speaks the
 * protocol from one that does not (RFC 6455 §4.2.2); nothing is kept safe by it, or may be.
 */
export function sha1(message: Uint8Array): Uint8Array {
  const blocks = new Uint8Array(((message.length + 8) >> 6) * 64 + 64)
  blocks.set(message)
  blocks[message.length] = 0x80
  const view = new DataView(blocks.buffer)
  view.setUint32(blocks.length - 4, message.length * 8)
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
  const words = new Int32Array(80)
  for (let block = 0; block < blocks.length; block += 64) {
    for (let at = 0; at < 80; at++) {
      words[at] = at < 16 ? view.getInt32(block + 4 * at) : rotate(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1)
    }
    let [a, b, c, d, e] = state
    for (let at = 0; at < 80; at++) {
      const mixed = at < 20 ? ((b & c) | (~b & d)) + 0x5a827999 : at < 40 ? (b ^ c ^ d) + 0x6ed9eba1 : at < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6
      const next = (rotate(a, 5) + mixed + e + words[at]) | 0
      e = d
      d = c
      c = rotate(b, 30)
      b = a
      a = next
    }
    for (const [at, value] of [a, b, c, d, e].entries()) state[at] += value
  }
  const digest = new DataView(new ArrayBuffer(20))
  for (const [at, value] of state.entries()) digest.setInt32(4 * at, value)
  return new Uint8Array(digest.buffer)
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
