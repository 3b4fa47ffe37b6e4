import { encodeUtf8 } from '../../lib/bytes/index.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type { Clock, Http, HttpRequest, HttpResponse, WebSocketConnection, WebSocketHandlers, WebSockets } from '../../lib/runtime/index.ts'

/** What a server answers over HTTP; a string body is sent as UTF-8. */
export interface MemoryHttpAnswer {
  status: number
  headers?: Record<string, string>
  body?: string
}

/** The server's end of a WebSocket. */
export interface MemoryServerSocket {
  send(message: string): void
  close(code: number, reason: string): void
}

/** What a server does with one WebSocket; the same calls as on the other end. */
export type MemorySocketHandlers = Pick<WebSocketHandlers, 'text' | 'closed'>

/** A server on the network, known by its origin. */
export interface MemoryServer {
  request(request: HttpRequest): MemoryHttpAnswer | Promise<MemoryHttpAnswer>
  /** Undefined refuses the upgrade. */
  socket(url: string, socket: MemoryServerSocket, protocol: string | undefined): MemorySocketHandlers | undefined
}

/** One text message on its way; scripts decide about each. */
export interface Transfer {
  url: string
  /** Sockets are numbered from 1 in the order in which they were opened. */
  socket: number
  direction: 'to server' | 'from server'
  /** Counts the messages of this socket and direction from 0. */
  index: number
  text: string
}

/**
 * - `drop`: gone, though the socket lives on; `duplicate`: arrives twice;
 * - `cut before`, `cut after`: the connection breaks, the message is lost or still arrives;
 * - `half-open`: from here on nothing gets through in either direction, and nobody is told;
 * - `delayMs`: arrives later, and everything behind it too.
 */
export type Fault = 'drop' | 'duplicate' | 'cut before' | 'cut after' | 'half-open' | { delayMs: number }

export interface MemoryNetwork {
  readonly http: Http
  readonly webSockets: WebSockets
  /** @param origin - such as `https://service.test`; its WebSockets have the same origin with `wss:` */
  serve(origin: string, server: MemoryServer): void
  /** Takes a server off the network; its sockets break. */
  remove(origin: string): void
  /** Asked about every WebSocket message; undefined delivers it. */
  script: ((transfer: Transfer) => Fault | undefined) | undefined
  /** Breaks every open socket whose URL contains `part`; both ends are told, 1006. */
  cut(part?: string): void
  /** How many sockets are open. */
  openSockets(part?: string): number
}

interface Link {
  readonly url: string
  readonly number: number
  state: 'opening' | 'open' | 'over'
  halfOpen: boolean
  /** Closed before it was open. */
  closing: boolean
  maxMessageBytes: number
  client: WebSocketHandlers
  server: MemorySocketHandlers | undefined
  /** Per direction: messages sent so far, and when the last of them arrives. */
  sent: { 'to server': number; 'from server': number }
  arrivesMs: { 'to server': number; 'from server': number }
}

/** HTTP and WebSockets without sockets: what is sent arrives `latencyMs` later by `clock`, unless a script says otherwise. */
export function createMemoryNetwork({ clock, latencyMs = 1 }: { clock: Clock; latencyMs?: number }): MemoryNetwork {
  const servers = new Map<string, MemoryServer>()
  const links = new Set<Link>()
  let opened = 0

  const serverOf = (url: string): MemoryServer | undefined => servers.get(/^[a-z]+:\/\/[^/?#]+/i.exec(url.replace(/^ws/i, 'http'))?.[0] ?? '')

  function end(link: Link, tell: ('client' | 'server')[], code: number, reason: string): void {
    if (link.state === 'over') return
    link.state = 'over'
    links.delete(link)
    if (tell.includes('client')) clock.after(0, () => link.client.closed(code, reason))
    if (tell.includes('server')) clock.after(0, () => link.server?.closed(code, reason))
  }

  function send(link: Link, direction: Transfer['direction'], text: string): void {
    if (link.state !== 'open' || link.halfOpen) return
    const fault = network.script?.({ url: link.url, socket: link.number, direction, index: link.sent[direction]++, text })
    if (fault === 'drop') return
    if (fault === 'half-open') {
      link.halfOpen = true
      return
    }
    if (fault === 'cut before') {
      end(link, ['client', 'server'], 1006, '')
      return
    }
    const delayMs = latencyMs + (typeof fault === 'object' ? fault.delayMs : 0)
    const arrivesMs = Math.max(link.arrivesMs[direction], clock.monotonicMs() + delayMs)
    link.arrivesMs[direction] = arrivesMs
    const receiver = direction === 'to server' ? link.server : link.client
    if (direction === 'from server' && encodeUtf8(text).length > link.maxMessageBytes) {
      end(link, ['client', 'server'], 1009, 'message too long')
      return
    }
    for (let copy = fault === 'duplicate' ? 2 : 1; copy > 0; copy--) {
      clock.after(arrivesMs - clock.monotonicMs(), () => {
        if (link.state === 'open' && !link.halfOpen) receiver?.text(text)
      })
    }
    if (fault === 'cut after') {
      clock.after(arrivesMs - clock.monotonicMs(), () => {
        end(link, ['client', 'server'], 1006, '')
      })
    }
  }

  function close(link: Link, by: 'client' | 'server', code: number, reason: string): void {
    if (link.state === 'over') return
    if (link.state === 'opening') {
      link.closing = true
      return
    }
    // What was sent before still arrives, as it would on a real connection.
    const direction = by === 'client' ? 'to server' : 'from server'
    const waitMs = Math.max(latencyMs, link.arrivesMs[direction] - clock.monotonicMs())
    clock.after(waitMs, () => {
      // A closing handshake that nobody answers ends all the same, on this side.
      end(link, link.halfOpen ? [by] : ['client', 'server'], link.halfOpen ? 1006 : code, reason)
    })
  }

  const webSockets: WebSockets = {
    open(url, handlers, { maxMessageBytes = 262_144, protocol } = {}): WebSocketConnection {
      const link: Link = {
        url, number: ++opened, state: 'opening', halfOpen: false, closing: false, maxMessageBytes, client: handlers, server: undefined,
        sent: { 'to server': 0, 'from server': 0 }, arrivesMs: { 'to server': 0, 'from server': 0 },
      }
      clock.after(latencyMs, () => {
        if (link.state === 'over') return
        link.server = serverOf(url)?.socket(url, {
          send: (message) => {
            send(link, 'from server', message)
          },
          close: (code, reason) => {
            close(link, 'server', code, reason)
          },
        }, protocol)
        if (link.server === undefined) {
          end(link, ['client'], 1006, '')
          return
        }
        if (link.closing) {
          end(link, ['client', 'server'], 1006, '')
          return
        }
        link.state = 'open'
        links.add(link)
        handlers.opened()
      })
      return {
        send: (message) => {
          send(link, 'to server', message)
        },
        close: (code, reason) => {
          close(link, 'client', code, reason)
        },
        abandon: () => {
          end(link, link.halfOpen ? ['client'] : ['client', 'server'], 1006, '')
        },
        bufferedBytes: () => 0,
      }
    },
  }

  const http: Http = {
    request(request): Promise<HttpResponse> {
      return new Promise((resolve, reject) => {
        clock.after(latencyMs, () => {
          const server = serverOf(request.url)
          if (server === undefined) {
            reject(new LenskeyError('ERR_HTTP_UNREACHABLE', `nothing answers at ${request.url}`))
            return
          }
          Promise.resolve(server.request(request)).then(({ status, headers = {}, body = '' }) => {
            clock.after(latencyMs, () => {
              resolve({ status, header: (name) => headers[name], body: encodeUtf8(body) })
            })
          }, reject)
        })
      })
    },
  }

  const network: MemoryNetwork = {
    http,
    webSockets,
    script: undefined,
    serve(origin, server): void {
      servers.set(origin, server)
    },
    remove(origin): void {
      servers.delete(origin)
      network.cut(origin.replace(/^http/i, 'ws'))
    },
    cut(part = ''): void {
      for (const link of [...links]) if (link.url.includes(part)) end(link, ['client', 'server'], 1006, '')
    },
    openSockets: (part = '') => [...links].filter(({ url }) => url.includes(part)).length,
  }
  return network
}
