import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'

export type Towards = 'device' | 'client'

/** What a service does to a MESSAGE that it passes on: gives the frame itself, others in its place, or none. */
export type Meddling = (frame: Frame, towards: Towards) => Frame[]

/** A frame, as far as a service looks into it (protocol/webrtc-signaling.md §4, §5, §7). */
export interface Frame {
  type: string
  channelId?: string
  authorized?: boolean
  message?: { type: string; seq?: number; data?: Envelope }
}

export type Envelope = { type: 'NONE'; message: SignalingBody } | { type: 'JWT'; jwt: string }

export interface SignalingBody {
  type: string
  description?: { type: string; sdp: string }
}

/**
 * A rendezvous that cannot be trusted: it stands in front of a real one, whose frames go through its hands. Whoever connects
 * here, client or device, gets everything that the real one gives, meddled with.
 * @returns its base URL
 */
export async function startMeddler(t: Test, realUrl: string, meddle: Meddling): Promise<string> {
  const [http, ws] = [realUrl, realUrl.replace('http', 'ws')]
  /** Paths of sockets that belong to a device. */
  const seats = new Set<string>()
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { authorization } = request.headers
      const answer = await fetch(`${http}${request.url}`, {
        method: request.method, body: chunks.length === 0 ? undefined : Buffer.concat(chunks),
        headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
      })
      const text = await answer.text()
      const seat = request.url === '/v1/device/connect' ? /"signalingUrl":"([^"]*)"/.exec(text)?.[1] : undefined
      if (seat !== undefined) seats.add(new URL(seat).pathname)
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' })
      response.end(text.replaceAll(ws, url().replace('http', 'ws')))
    })().catch(() => response.destroy())
  })
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (near, { url: path }) => {
    const far = new WebSocket(`${ws}${path}`)
    const early: string[] = []
    const [inward, outward]: [Towards, Towards] = seats.has(path ?? '') ? ['client', 'device'] : ['device', 'client']
    const pass = (text: string, towards: Towards, to: WebSocket): void => {
      const frame = JSON.parse(text) as Frame
      for (const one of frame.type === 'MESSAGE' ? meddle(frame, towards) : [frame]) to.send(JSON.stringify(one))
    }
    near.on('message', (data: Buffer) => {
      if (far.readyState === WebSocket.OPEN) pass(data.toString(), inward, far)
      else early.push(data.toString())
    })
    far.on('open', () => { for (const text of early.splice(0)) pass(text, inward, far) })
    far.on('message', (data: Buffer) => { pass(data.toString(), outward, near) })
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => { other.terminate() })
      one.on('close', () => { other.terminate() })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.closeAllConnections()
    server.close()
  })
  return url()
}

/** Changes what is said in sessions that sign nothing. */
export function changeMessages(change: (body: SignalingBody, towards: Towards) => SignalingBody): Meddling {
  return (frame, towards) => {
    const data = frame.message?.data
    return data?.type !== 'NONE' ? [frame] : [{ ...frame, message: { ...frame.message, type: 'DATA', data: { ...data, message: change(data.message, towards) } } }]
  }
}

/** Changes descriptions, in sessions that sign nothing. */
export function changeDescriptions(change: (sdp: string, towards: Towards) => string): Meddling {
  return changeMessages((body, towards) =>
    body.description === undefined ? body : { ...body, description: { ...body.description, sdp: change(body.description.sdp, towards) } })
}

export const FINGERPRINT = /^a=fingerprint:sha-256 .*$/gm
/** Of nobody's certificate. */
export const ANOTHER = `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`
