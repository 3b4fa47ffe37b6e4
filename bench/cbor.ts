// Encoding and decoding one IAM user object, beside cbor-x on Node; on QuickJS against the clock.
import { execFileSync } from 'node:child_process'
import { decode, encode } from 'cbor-x'
import { decodeCbor, encodeCbor } from '../lib/cbor/index.ts'
import { ensureQuickjs } from '../tools/quickjs.mjs'
import { iamUser } from '../runtimes/bench/iam-user.ts'
import { ratesOf, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const MOST_MICROSECONDS = 20

export async function run(): Promise<BenchRow[]> {
  const bytes = encodeCbor(iamUser)
  const buffer = Buffer.from(bytes)
  const rates = await ratesOf({
    encode: () => encodeCbor(iamUser), encodePeer: () => encode(iamUser) as unknown, decode: () => decodeCbor(bytes), decodePeer: () => decode(buffer) as unknown,
  })
  const rows = (['encode', 'decode'] as const).map((way): BenchRow => {
    const ratio = rates.ratio(way, `${way}Peer`)
    return {
      row: `CBOR ${way}, ${bytes.length} bytes, Node`, value: round(rates.of(way)), unit: 'per second', better: 'higher',
      peers: [{ name: 'cbor-x', value: round(rates.of(`${way}Peer`)) }], ratio: round(ratio), goal: '≥ 0.8 × cbor-x', met: ratio >= 0.8,
    }
  })
  const onQuickjs = JSON.parse(execFileSync(await ensureQuickjs(), ['build/bench/cbor-bare.js'], { encoding: 'utf8' })) as Record<'encode' | 'decode' | 'json', number>
  for (const way of ['encode', 'decode'] as const) {
    const microseconds = onQuickjs[way]
    rows.push({
      row: `CBOR ${way}, ${bytes.length} bytes, QuickJS`, value: round(microseconds), unit: 'µs', better: 'lower',
      peers: [{ name: 'JSON, the same object there and back', value: round(onQuickjs.json) }], ratio: round(microseconds / MOST_MICROSECONDS),
      goal: `≤ ${MOST_MICROSECONDS} µs`, met: microseconds <= MOST_MICROSECONDS,
    })
  }
  return rows
}
