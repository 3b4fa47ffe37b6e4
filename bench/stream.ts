// A stream between two engines beside a bare data channel of the same connection: MB/s in messages of the same length.
import { performance } from 'node:perf_hooks'
import { type ByteStream, ChannelStream, type DataChannel, openStream, STREAM_PROTOCOL } from '../lib/webrtc/index.ts'
import { createNodeHost } from '../runtimes/node/host.ts'
import { loadEngine } from '../runtimes/node/webrtc/index.ts'
import { negotiate, until } from '../test/node/support/negotiating-pair.ts'
import { median, round } from './measure.ts'
import type { BenchRow } from './row.ts'

const BYTES = 16 << 20
const MESSAGE_BYTES = 65_536
const MAX_BUFFERED = 262_144
const ROUNDS = 7

const { clock } = createNodeHost()

export async function run(): Promise<BenchRow[]> {
  const create = await loadEngine('node-datachannel', { loopbackOnly: true })
  const [client, device] = [create({ iceServers: [] }), create({ iceServers: [] })]
  const pair = negotiate(client, device)
  let bareEnd: DataChannel | undefined
  let streamEnd: ByteStream | undefined
  device.addEventListener('datachannel', ({ channel }) => {
    if (channel.label === 'bare') bareEnd = channel
    else streamEnd = new ChannelStream(channel, 1, channel.protocol === STREAM_PROTOCOL, clock, {}, device.remoteDescription?.sdp)
  })
  const bare = client.createDataChannel('bare')
  await until(() => bare.readyState === 'open' && bareEnd !== undefined, 'the bare channel')
  const stream = await openStream(client, 1, clock)
  if (bareEnd === undefined || streamEnd === undefined) throw new Error('the device has no channels')

  const found: { ours: number; bare: number }[] = []
  for (let turn = -1; turn < ROUNDS; turn++) {
    const first = turn % 2 === 0 ? await overStream(stream, streamEnd) : await overBare(bare, bareEnd)
    const second = turn % 2 === 0 ? await overBare(bare, bareEnd) : await overStream(stream, streamEnd)
    const [ours, theirs] = turn % 2 === 0 ? [first, second] : [second, first]
    if (turn >= 0) found.push({ ours, bare: theirs })
  }
  pair.close()
  const ratio = median(found.map(({ ours, bare: theirs }) => ours / theirs))
  return [{
    row: 'stream over a data channel, node-datachannel', value: round(median(found.map(({ ours }) => ours))), unit: 'MB/s', better: 'higher',
    peers: [{ name: 'bare data channel', value: round(median(found.map(({ bare: theirs }) => theirs))) }],
    ratio: round(ratio), goal: '≥ 0.9 × bare data channel', met: ratio >= 0.9,
  }]
}

function perSecond(startMs: number): number {
  return (BYTES / (1 << 20) / (performance.now() - startMs)) * 1000
}

async function overStream(from: ByteStream, to: ByteStream): Promise<number> {
  const startMs = performance.now()
  const received = (async () => {
    for (let bytes = 0; bytes < BYTES;) bytes += (await to.read())?.length ?? NaN
  })()
  for (let sent = 0; sent < BYTES; sent += MESSAGE_BYTES) await from.write(new Uint8Array(MESSAGE_BYTES))
  await received
  return perSecond(startMs)
}

/** With the care for the memory that anybody would take. */
async function overBare(from: DataChannel, to: DataChannel): Promise<number> {
  const startMs = performance.now()
  await new Promise<void>((resolve) => {
    let bytes = 0
    let sent = 0
    const onMessage = ({ data }: { data: unknown }): void => {
      bytes += (data as ArrayBuffer).byteLength
      if (bytes < BYTES) return
      to.removeEventListener('message', onMessage)
      from.removeEventListener('bufferedamountlow', send)
      resolve()
    }
    const send = (): void => {
      for (; sent < BYTES && from.bufferedAmount < MAX_BUFFERED; sent += MESSAGE_BYTES) from.send(new Uint8Array(MESSAGE_BYTES))
    }
    from.bufferedAmountLowThreshold = MAX_BUFFERED / 2
    to.addEventListener('message', onMessage)
    from.addEventListener('bufferedamountlow', send)
    send()
  })
  return perSecond(startMs)
}
