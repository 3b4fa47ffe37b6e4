// Requests over a data channel between two connections on this machine, beside a bare echo over the same connection: 32 wait
// for their answers at any time. Client and device share one process, so that both rows pay for both ends.
import { randomBytes } from 'node:crypto'
import { encodeCbor } from '../lib/cbor/index.ts'
import { contentFormats, createCoapClient, createCoapRouter, createCoapSession } from '../lib/coap/index.ts'
import { createDataChannelPipe, type DataChannel } from '../lib/webrtc/index.ts'
import { createNodeHost } from '../runtimes/node/host.ts'
import { loadEngine } from '../runtimes/node/webrtc/index.ts'
import { negotiate, once } from '../test/node/support/negotiating-pair.ts'
import { iamUser } from '../runtimes/bench/iam-user.ts'
import { ratesOf, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const OUTSTANDING = 32
const BATCH = 256

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const engine of ['node-datachannel', 'werift'] as const) rows.push(await measure(engine))
  return rows
}

async function measure(engine: 'node-datachannel' | 'werift'): Promise<BenchRow> {
  const host = createNodeHost()
  const create = await loadEngine(engine, { loopbackOnly: true })
  const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
  const pair = negotiate(client, device)
  try {
    const payload = encodeCbor(iamUser)
    const router = createCoapRouter<undefined>()
    router.on('GET', '/iam/users/{user}', () => ({ code: '2.05', contentFormat: contentFormats.cbor, payload }))
    const session = createCoapSession({ router, context: undefined, clock: host.clock })
    device.addEventListener('datachannel', ({ channel }) => {
      if (channel.label === 'coap') session.attach(createDataChannelPipe(channel))
      else echo(channel)
    })
    const coap = createCoapClient(host)
    const [requests, bare] = [client.createDataChannel('coap'), client.createDataChannel('bare')]
    bare.binaryType = 'arraybuffer'
    await Promise.all([requests, bare].map((channel) => once(channel, 'open')))
    coap.attach(createDataChannelPipe(requests))
    // The first request finds out that both ends speak the compact framing.
    await coap.request('GET', '/iam/users/eve')

    const ask = async (): Promise<void> => {
      const { code } = await coap.request('GET', '/iam/users/eve')
      if (code !== '2.05') throw new Error(`answered ${code}`)
    }
    const back = echoes(bare)
    // As long as the answer of the row above, and in one message as well.
    const message = new Uint8Array(randomBytes(payload.length + 12))
    const rates = await ratesOf({ ours: () => batch(ask), peer: () => batch(() => back(message)) }, { rounds: 11, sliceMs: 250 })
    const ratio = rates.ratio('ours', 'peer')
    return {
      row: `CoAP requests over a data channel, ${OUTSTANDING} outstanding, ${engine}`, value: round(rates.of('ours') * BATCH), unit: 'per second', better: 'higher',
      peers: [{ name: 'bare echo on a channel of the same connection', value: round(rates.of('peer') * BATCH) }],
      ratio: round(ratio), goal: '≥ 0.8 × bare echo', met: ratio >= 0.8,
    }
  } finally {
    pair.close()
  }
}

async function batch(work: () => Promise<void>): Promise<void> {
  let left = BATCH
  await Promise.all(Array.from({ length: OUTSTANDING }, async () => {
    while (left-- > 0) await work()
  }))
}

function echo(channel: DataChannel): void {
  channel.binaryType = 'arraybuffer'
  channel.addEventListener('message', ({ data }) => { channel.send(new Uint8Array(data as ArrayBuffer)) })
}

/** Sends, and resolves with the echo; they come back in order. */
function echoes(channel: DataChannel): (message: Uint8Array<ArrayBuffer>) => Promise<void> {
  const waiting: (() => void)[] = []
  channel.addEventListener('message', () => waiting.shift()?.())
  return (message) => new Promise((resolve) => {
    waiting.push(resolve)
    channel.send(message)
  })
}
