import { encodeUtf8 } from '../bytes/index.ts'
import { CoapError, type CoapRouter, contentFormats } from '../coap/index.ts'
import type { Iam, IamConnection } from '../iam/index.ts'
import type { Random } from '../runtime/index.ts'

/** The right to know where signaling streams go (protocol/edge-webrtc.md §8.2). */
export const GET_INFO_ACTION = 'Webrtc:GetInfo'

/**
 * Puts `/p2p/webrtc-info` on a device's router (§8.1).
 * @returns the port that it names: any of those that Nabto Edge gives out by itself, 0x80000000 and up
 * @throws {RangeError} the router has one already
 */
export function addEdgeInfoEndpoint<Context extends IamConnection>(router: CoapRouter<Context>, iam: Iam, random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  const port = 0x80000000 + (a & 0x7f) * 0x1000000 + b * 0x10000 + c * 0x100 + d
  const payload = encodeUtf8(JSON.stringify({ SignalingStreamPort: port }))
  router.on('GET', '/p2p/webrtc-info', ({ context }) => {
    if (!iam.check(context, GET_INFO_ACTION)) throw new CoapError('4.01')
    return Promise.resolve({ code: '2.05', contentFormat: contentFormats.json, payload })
  })
  return port
}
