// A server process of the relay bench: ours, or the least that can be called a relay. Told what to be by its argument.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { startRendezvous } from '../runtimes/node/service/index.ts'

export interface ServerNews {
  url: string
  adminToken: string
}

export interface ServerState {
  /** Heap and what hangs on it, after a full collection. */
  bytes: number
  cpuMs: number
}

// The rates are checked for every frame as always; only their size lets the load through. What is remembered of callers
// for a minute is no part of an idle seat, so little of it is kept.
const openLimits = {
  clientFramesPerSecond: 1e9, deviceFramesPerSecond: 1e9, requestsPerAddressPerMinute: 1e9, connectsPerDevicePerMinute: 1e9,
  clientConnectsPerDevicePerMinute: 1e9, rememberedRates: 10,
}

async function serveOurs(): Promise<ServerNews> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lenskey-bench-'))
  process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }))
  return startRendezvous({ listen: { host: '127.0.0.1', port: 0 }, dataDir, limits: openLimits })
}

/** `/device/N` and `/client/N` get each other's messages as they come. */
async function serveBare(): Promise<ServerNews> {
  const server = createServer()
  const sockets = new Map<string, WebSocket>()
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) => {
    const url = request.url ?? ''
    const [, role, number] = url.split('/')
    const peer = `/${role === 'device' ? 'client' : 'device'}/${number}`
    sockets.set(url, socket)
    socket.on('message', (data: RawData, isBinary: boolean) => sockets.get(peer)?.send(data as Buffer, { binary: isBinary }))
    socket.on('close', () => sockets.delete(url))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, adminToken: '' }
}

function state(): ServerState {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return { bytes: heapUsed + external, cpuMs: (user + system) / 1000 }
}

process.on('message', () => process.send?.(state()))
process.on('disconnect', () => process.exit())
const { url, adminToken } = await (process.argv[2] === 'bare' ? serveBare() : serveOurs())
process.send?.({ url, adminToken } satisfies ServerNews)
