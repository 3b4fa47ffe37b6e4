/** The value of an IEEE 754 half-precision float (RFC 8949 Appendix D). */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction === 0 ? Infinity : NaN) : (fraction + 1024) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -size : size
}

/** The half-precision bits that have exactly the value of these single-precision bits; -1 when there are none. */
export function singleToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 255) - 127
  const fraction = bits & 0x7fffff
  if (exponent === 128) return fraction === 0 ? sign | 0x7c00 : 0x7e00
  if (exponent === -127 && fraction === 0) return sign
  if (exponent >= -14 && exponent <= 15) return fraction & 0x1fff ? -1 : sign | ((exponent + 15) << 10) | (fraction >> 13)
  if (exponent < -24 || exponent > 15) return -1
  // Below 2^-14 the leading one is written out and the fraction loses a bit for each step down.
  const whole = fraction | 0x800000
  const drop = -1 - exponent
  return whole & ((1 << drop) - 1) ? -1 : sign | (whole >> drop)
}
