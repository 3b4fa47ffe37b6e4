const idr = 5
const sps = 7
const stapA = 24
const fuA = 28

/** Whether a payload holds the parameter set or the slice that a key frame begins with (RFC 6184 §5.4 to §5.8). */
export function belongsToH264KeyFrame(payload: Uint8Array): boolean {
  const [indicator = 0, fuHeader = 0] = payload
  const type = indicator & 0x1f
  if (type === fuA) return (fuHeader & 0x80) !== 0 && isKey(fuHeader & 0x1f)
  if (type !== stapA) return isKey(type)
  for (let offset = 1; offset + 2 < payload.length; ) {
    const [high = 0, low = 0, header = 0] = payload.subarray(offset)
    if (isKey(header & 0x1f)) return true
    offset += 2 + ((high << 8) | low)
  }
  return false
}

function isKey(type: number): boolean {
  return type === idr || type === sps
}
