import type { StreamAddress } from './byte-streams.ts'

/** The parts of a URL that a request needs. */
export interface Address extends StreamAddress {
  /** As the `host` header has it. */
  hostHeader: string
  /** Path and query, beginning with a slash. */
  path: string
  /** Scheme and host, for messages: a path or query may hold what should not be in a log. */
  origin: string
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, ws: 80, https: 443, wss: 443 }

/**
 * Reads a URL of the schemes given; undefined for anything else. There is no account in it, no white space and nothing but
 * ASCII, so that it can stand in a request as it is. The fragment is left out.
 */
export function parseAddress(url: string, schemes: 'http' | 'ws'): Address | undefined {
  const parts = /^([a-z]+):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?([/?][!-~]*)?(?:#.*)?$/i.exec(url)
  if (parts === null) return undefined
  const [, writtenScheme, writtenHost, portText, rest = ''] = parts as unknown as [string, string, string, string | undefined, string | undefined]
  const scheme = writtenScheme.toLowerCase()
  if (scheme !== schemes && scheme !== `${schemes}s`) return undefined
  const port = portText === undefined ? DEFAULT_PORTS[scheme] : Number(portText)
  if (port < 1 || port > 65_535) return undefined
  const host = writtenHost.toLowerCase()
  const hostHeader = port === DEFAULT_PORTS[scheme] ? host : `${host}:${port}`
  const [path] = rest.split('#')
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port,
    tls: scheme !== schemes,
    hostHeader,
    path: path.startsWith('/') ? path : `/${path}`,
    origin: `${scheme}://${hostHeader}`,
  }
}
