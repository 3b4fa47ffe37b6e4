import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { badRequest, notFound, unavailable } from '../../../lib/cloud/errors.ts'
import { type EdgeDoor, type EdgeSocket, type Rendezvous, type RendezvousLimits, SEAT_PATH, type SeatEvents } from '../../../lib/cloud/index.ts'
import { EDGE_SIGNALING_PATH, EDGE_SUBPROTOCOL } from '../../../lib/edge/index.ts'
import type { Log } from '../../../lib/runtime/index.ts'
import { answerTo } from './answers.ts'

export interface SeatSockets {
  /** From here on upgrades are refused with 503. */
  drain(): void
  /** Resolves when no socket is left, or after `timeoutMs`, when those that are left are dropped. */
  emptied(timeoutMs: number): Promise<void>
}

/** What a socket can come in by. */
export interface Doors {
  seat: Rendezvous['seat']
  /** Of the Edge dialect. */
  edgeDoor: EdgeDoor
}

export interface SeatSocketOptions {
  rendezvous: Rendezvous
  /** Those that are open to a caller. */
  doorsFor: (request: IncomingMessage) => Doors
  limits: RendezvousLimits
  log: Log
  /** Of the caller, as far as proxies are believed. */
  addressOf: (request: IncomingMessage) => string
  /** Looks at a request before anything is done for it. @throws {RendezvousError} what it is refused with */
  screen?: (request: IncomingMessage) => void
}

/** Accepts the WebSockets of devices and clients on a HTTP server, and those of browsers of the Edge dialect. */
export function acceptSeatSockets(server: Server, { rendezvous, doorsFor, limits, log, addressOf, screen }: SeatSocketOptions): SeatSockets {
  const webSockets = new WebSocketServer<typeof SeatWebSocket>({
    noServer: true, clientTracking: false, perMessageDeflate: false, WebSocket: SeatWebSocket,
    maxPayload: limits.frameBytes, maxFragments: limits.frameFragments,
    // Seats have none; a browser that offers one wants it.
    handleProtocols: (offered) => offered.has(EDGE_SUBPROTOCOL) && EDGE_SUBPROTOCOL,
  })
  const open = new Set<WebSocket>()
  let draining = false
  let emptied: (() => void) | undefined

  async function upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    const accept = (seat: (socket: EdgeSocket) => SeatEvents): void => {
      if (draining) throw unavailable('the service is going away; connect again')
      if (open.size >= limits.sockets) throw unavailable('this node has as many sockets as it may')
      connection.off('error', ignore)
      webSockets.handleUpgrade(request, connection, head, (webSocket) => {
        open.add(webSocket)
        webSocket.on('close', closed)
        webSocket.take(connection, seat)
      })
    }
    screen?.(request)
    if (pathOf(request) === EDGE_SIGNALING_PATH) {
      rendezvous.countRequest(addressOf(request))
      if (!offersEdge(request)) throw badRequest(`the WebSocket here has the subprotocol ${EDGE_SUBPROTOCOL}`)
      accept((socket) => doorsFor(request).edgeDoor.connect(socket))
      return
    }
    await rendezvous.admit(ticketOf(request), (grant) => {
      accept((socket) => doorsFor(request).seat(grant, socket))
    })
  }

  function closed(this: WebSocket): void {
    open.delete(this)
    eventsOf(this)?.onClosed()
    if (open.size === 0) emptied?.()
  }

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    connection.on('error', ignore)
    upgrade(request, connection, head).catch((thrown: unknown) => refuse(connection, thrown, log))
  })

  return {
    drain() {
      draining = true
    },
    async emptied(timeoutMs) {
      if (open.size > 0) {
        const { promise, stop } = timeout(timeoutMs)
        await Promise.race([promise, new Promise<void>((resolve) => (emptied = resolve))])
        stop()
      }
      for (const webSocket of open) webSocket.terminate()
    },
  }
}

const ignore = (): void => undefined

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]
}

function offersEdge({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-protocol']?.split(',').some((name) => name.trim() === EDGE_SUBPROTOCOL) === true
}

function ticketOf(request: IncomingMessage): string {
  const path = pathOf(request)
  if (!path.startsWith(SEAT_PATH)) throw notFound('there is no WebSocket here')
  return path.slice(SEAT_PATH.length)
}

/** What is kept for each socket is most of what an idle device costs: hence a class, whose handlers all sockets share. */
class SeatWebSocket extends WebSocket implements EdgeSocket {
  events: SeatEvents | undefined
  private connection: Duplex | undefined
  private holding = false

  take(connection: Duplex, seat: (socket: EdgeSocket) => SeatEvents): void {
    this.connection = connection
    // What breaks a socket also closes it.
    this.on('error', ignore)
    this.on('message', onMessage)
    this.on('ping', onOther)
    this.on('pong', onOther)
    this.events = seat(this)
  }

  sendText(text: string): void {
    if (!this.holding) {
      this.holding = true
      this.connection?.cork()
      flushSoon(this)
    }
    this.send(text)
  }

  flush(): void {
    this.holding = false
    this.connection?.uncork()
  }

  abandon(): void {
    this.terminate()
  }

  bufferedBytes(): number {
    return this.bufferedAmount
  }
}

const unflushed: SeatWebSocket[] = []

/** Frames that came together leave together: a write for each is most of what relaying costs. */
function flushSoon(socket: SeatWebSocket): void {
  if (unflushed.push(socket) > 1) return
  process.nextTick(() => {
    for (const waiting of unflushed.splice(0)) waiting.flush()
  })
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const events = eventsOf(this)
  if (isBinary) events?.onOther()
  // One Buffer: that is the default `binaryType` of ws.
  else events?.onText((data as Buffer).toString())
}

function onOther(this: WebSocket): void {
  eventsOf(this)?.onOther()
}

function eventsOf(socket: WebSocket): SeatEvents | undefined {
  return socket instanceof SeatWebSocket ? socket.events : undefined
}

function timeout(ms: number): { promise: Promise<void>; stop: () => void } {
  let stop = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    stop = () => clearTimeout(timer)
  })
  return { promise, stop }
}

function refuse(connection: Duplex, thrown: unknown, log: Log): void {
  const { status, headers, body } = answerTo(thrown, log)
  const text = JSON.stringify(body)
  const lines = Object.entries({
    ...headers, date: new Date().toUTCString(), 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)), connection: 'close',
  })
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`)
  connection.once('finish', () => connection.destroy())
}
