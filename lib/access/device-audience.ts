/** Names one device. */
interface Ids {
  productId: string
  deviceId: string
}

/** The audience of tokens for a device (protocol/edge-webrtc.md §6), and the `resource` by which one is asked for. */
export function deviceAudience({ productId, deviceId }: Ids): string {
  return `nabto://device?productId=${productId}&deviceId=${deviceId}`
}

const AUDIENCE = /^nabto:\/\/device\?productId=([a-z0-9][a-z0-9._-]{0,63})&deviceId=([a-z0-9][a-z0-9._-]{0,63})$/

/** The device of an audience written exactly as `deviceAudience` does; undefined for anything else. */
export function deviceOfAudience(audience: string): Ids | undefined {
  const found = AUDIENCE.exec(audience)
  return found === null ? undefined : { productId: found[1], deviceId: found[2] }
}

/** Whether an audience is a device's, or looks like one: no service may take a token for that as meant for itself. */
export function looksLikeDeviceAudience(audience: string): boolean {
  return /^\s*nabto:/i.test(audience)
}
