// Encoding and decoding one CoAP request, beside coap-packet.
import { generate, parse } from 'coap-packet'
import { encodeCbor } from '../lib/cbor/index.ts'
import { type CoapDatagram, decodeCoapMessage, encodeCoapMessage } from '../lib/coap/index.ts'
import { iamUser } from '../runtimes/bench/iam-user.ts'
import { ratesOf, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const path = ['iam', 'users', 'eve']
const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

export async function run(): Promise<BenchRow[]> {
  const payload = encodeCbor(iamUser)
  const message: CoapDatagram = {
    type: 'CON', messageId: 4711, code: '0.03', token, payload,
    options: [...path.map((value) => ({ number: 11, value })), { number: 12, value: 60 }],
  }
  const packet = {
    confirmable: true, messageId: 4711, code: 'PUT', token: Buffer.from(token), payload: Buffer.from(payload),
    options: [...path.map((value) => ({ name: 'Uri-Path' as const, value: Buffer.from(value) })), { name: 'Content-Format' as const, value: Buffer.of(60) }],
  }
  const bytes = encodeCoapMessage(message)
  const buffer = generate(packet)
  if (!buffer.equals(bytes)) throw new Error('the two write different messages')
  const rates = await ratesOf({ encode: () => encodeCoapMessage(message), encodePeer: () => generate(packet), decode: () => decodeCoapMessage(bytes), decodePeer: () => parse(buffer) })
  return (['encode', 'decode'] as const).map((way): BenchRow => {
    const ratio = rates.ratio(way, `${way}Peer`)
    return {
      row: `CoAP ${way}, ${bytes.length} bytes`, value: round(rates.of(way)), unit: 'per second', better: 'higher',
      peers: [{ name: 'coap-packet', value: round(rates.of(`${way}Peer`)) }], ratio: round(ratio), goal: '≥ 1 × coap-packet', met: ratio >= 1,
    }
  })
}
