/** Bytes of a frame per packet: with all headers, SRTP and TURN within the 1,280 bytes that every IPv6 path carries. */
export const maxPayloadBytes = 1100

/** Whether a frame can be decoded without an earlier one (RFC 6386 §9.1). */
export function isVp8KeyFrame(frame: Uint8Array): boolean {
  return frame.length > 0 && (frame[0] & 1) === 0
}

/** The payloads of one frame, each with the one-byte descriptor of RFC 7741 §4.2: S on the first, partition 0, no extensions. */
export function packetizeVp8(frame: Uint8Array): Uint8Array[] {
  // Of even size, so that the last packet is not a tiny one.
  const count = Math.max(1, Math.ceil(frame.length / maxPayloadBytes))
  const size = Math.ceil(frame.length / count)
  return Array.from({ length: count }, (_, index) => {
    const part = frame.subarray(index * size, (index + 1) * size)
    const payload = new Uint8Array(1 + part.length)
    payload[0] = index === 0 ? 0x10 : 0
    payload.set(part, 1)
    return payload
  })
}

/** Whether a payload is the first of a key frame (RFC 7741 §4.2 and §4.3). */
export function startsVp8KeyFrame(payload: Uint8Array): boolean {
  const [descriptor = 0, extensions = 0, pictureId = 0] = payload
  if ((descriptor & 0x17) !== 0x10) return false
  let header = 1
  if ((descriptor & 0x80) !== 0) {
    header = 2
    if ((extensions & 0x80) !== 0) header += (pictureId & 0x80) === 0 ? 1 : 2
    if ((extensions & 0x40) !== 0) header += 1
    if ((extensions & 0x30) !== 0) header += 1
  }
  return isVp8KeyFrame(payload.subarray(header))
}
