/** Whether `packet` is RTCP rather than RTP when both share a port (RFC 5761 §4). */
export function isRtcp(packet: Uint8Array): boolean {
  const [, type = 0] = packet
  return type >= 192 && type <= 223
}

/** Whether a compound RTCP packet asks for a key frame: PLI (RFC 4585 §6.3.1) or FIR (RFC 5104 §4.3.1). */
export function asksForKeyFrame(compound: Uint8Array): boolean {
  for (let offset = 0; offset + 4 <= compound.length; ) {
    const [first = 0, type = 0, high = 0, low = 0] = compound.subarray(offset)
    const format = first & 0x1f
    if (type === 206 && (format === 1 || format === 4)) return true
    offset += 4 * (1 + ((high << 8) | low))
  }
  return false
}
