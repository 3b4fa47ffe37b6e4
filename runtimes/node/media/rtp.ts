/** What we read of an RTP packet (RFC 3550 §5.1). */
export interface RtpHeader {
  payloadType: number
  marker: boolean
  sequenceNumber: number
  /** In units of 1/90000 s for video. */
  timestamp: number
  ssrc: number
  /** Where the payload starts and ends in the packet: behind CSRCs and extension, before padding. */
  payloadStart: number
  payloadEnd: number
}

/** Undefined for bytes that are no RTP packet: on a UDP port anything may arrive. */
export function parseRtp(packet: Uint8Array): RtpHeader | undefined {
  if (packet.length < 12) return undefined
  const [flags = 0, second = 0] = packet
  if (flags >> 6 !== 2) return undefined
  let payloadStart = 12 + 4 * (flags & 0x0f)
  if ((flags & 0x10) !== 0) {
    if (packet.length < payloadStart + 4) return undefined
    payloadStart += 4 + 4 * uint16(packet, payloadStart + 2)
  }
  const padding = (flags & 0x20) === 0 ? 0 : packet[packet.length - 1]
  const payloadEnd = packet.length - padding
  if (payloadStart > payloadEnd) return undefined
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequenceNumber: uint16(packet, 2),
    timestamp: uint32(packet, 4),
    ssrc: uint32(packet, 8),
    payloadStart,
    payloadEnd,
  }
}

/** A packet with a plain header: no CSRCs, no extension. */
export function makeRtp(header: Pick<RtpHeader, 'payloadType' | 'marker' | 'sequenceNumber' | 'timestamp' | 'ssrc'>, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(12 + payload.length)
  packet[0] = 0x80
  packet[1] = (header.marker ? 0x80 : 0) | header.payloadType
  writeUint16(packet, 2, header.sequenceNumber)
  writeUint32(packet, 4, header.timestamp)
  writeUint32(packet, 8, header.ssrc)
  packet.set(payload, 12)
  return packet
}

/** A copy with the payload type and SSRC that one connection agreed on. */
export function withRtpIdentity(packet: Uint8Array, payloadType: number, ssrc: number): Buffer {
  const copy = Buffer.from(packet)
  copy[1] = (copy[1] & 0x80) | payloadType
  writeUint32(copy, 8, ssrc)
  return copy
}

/** A copy at another place in the stream. */
export function withRtpPlace(packet: Uint8Array, sequenceNumber: number, timestamp: number): Uint8Array {
  const copy = packet.slice()
  writeUint16(copy, 2, sequenceNumber)
  writeUint32(copy, 4, timestamp)
  return copy
}

function uint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1]
}

function uint32(bytes: Uint8Array, offset: number): number {
  return (uint16(bytes, offset) * 0x10000 + uint16(bytes, offset + 2)) >>> 0
}

function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8
  bytes[offset + 1] = value
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  writeUint16(bytes, offset, value >>> 16)
  writeUint16(bytes, offset + 2, value & 0xffff)
}
