// One received frame from the socket's text to the application, ours and by hand. Runs on any engine.
import { createSignalingDevice, type JSONValue } from '../lib/signaling/index.ts'
import type { WebSocketHandlers } from '../lib/runtime/index.ts'
import { createMemoryHost } from '../runtimes/memory/index.ts'

/** 300 bytes of payload, as an ICE candidate signed with HS256 has. */
const PAYLOAD = { type: 'JWT', jwt: 'e'.repeat(280) }
const CHANNEL_ID = 'a2b8d0f6-5b1c-4a50-9d0e-0d3f6f0a7b21'

const frameText = (seq: number): string =>
  JSON.stringify({ type: 'MESSAGE', channelId: CHANNEL_ID, message: { type: 'DATA', seq, data: PAYLOAD }, authorized: false })

/** Takes `count` frames and resolves when the application has had the last one. */
export type TakeFrames = (count: number) => Promise<void>

/** What a careful programmer writes for this one case: parse, check, sequence, acknowledge, deliver, await the listener. */
export function byHand(): TakeFrames {
  let expected = 0
  let sent = 0
  let delivered = 0
  const send = (frame: string): void => {
    sent += frame.length
  }
  const listener = (data: unknown): Promise<void> => {
    delivered += data === undefined ? 0 : 1
    return Promise.resolve()
  }
  const receive = async (text: string): Promise<void> => {
    const frame = JSON.parse(text) as { type?: unknown; channelId?: unknown; message?: { type?: unknown; seq?: unknown; data?: unknown } }
    if (frame.type !== 'MESSAGE' || typeof frame.channelId !== 'string') return
    const { message } = frame
    if (typeof message !== 'object' || message.type !== 'DATA' || typeof message.seq !== 'number' || message.data === undefined) return
    if (message.seq > expected) return
    send(`{"type":"MESSAGE","channelId":${JSON.stringify(frame.channelId)},"message":{"type":"ACK","seq":${message.seq}}}`)
    if (message.seq < expected) return
    expected++
    await listener(message.data)
  }
  return async (count) => {
    const last = delivered + count
    for (let n = 0; n < count; n++) await receive(frameText(expected))
    if (delivered !== last || sent === 0) throw new Error('frames were lost')
  }
}

/** The library's device with one channel. */
export async function byLibrary(): Promise<TakeFrames> {
  const handlers: WebSocketHandlers[] = []
  const host = createMemoryHost()
  let sent = 0
  host.http = { request: () => Promise.resolve({ status: 200, header: () => undefined, body: Uint8Array.from('{"signalingUrl":"wss://x"}', (c) => c.charCodeAt(0)) }) }
  host.webSockets = {
    open(_url, given) {
      handlers.push(given)
      return { send: (frame) => { sent += frame.length }, close: () => undefined, abandon: () => undefined, bufferedBytes: () => 0 }
    },
  }
  const device = createSignalingDevice({ productId: 'p', deviceId: 'd', endpointUrl: 'https://x', tokenGenerator: () => Promise.resolve('t') }, host)
  let delivered = 0
  let seq = 0
  const listener = (data: JSONValue): Promise<void> => {
    delivered += data === null ? 0 : 1
    return Promise.resolve()
  }
  device.onNewSignalingChannel = (channel) => {
    channel.on('message', listener)
  }
  device.start()
  while (handlers.length === 0) await Promise.resolve()
  handlers[0].opened()
  return async (count) => {
    const last = delivered + count
    for (let n = 0; n < count; n++) {
      handlers[0].text(frameText(seq++))
      while (delivered < last - count + n + 1) await Promise.resolve()
    }
    if (sent === 0) throw new Error('nothing was acknowledged')
  }
}

/** What making the texts costs, which both have in common. */
export function textsOnly(): TakeFrames {
  let seq = 0
  let length = 0
  return async (count) => {
    for (let n = 0; n < count; n++) {
      length += frameText(seq++).length
      await Promise.resolve()
    }
    if (length === 0) throw new Error('no text was made')
  }
}
