import type { IceServer as NativeIceServer } from 'node-datachannel'
import type { IceServer } from '../../../lib/webrtc/peer-connection.ts'
import { type EngineSettings, isLoopback } from './options.ts'

/** One URL of an ICE server (RFC 7064, RFC 7065) in its parts. */
export interface IceUrl {
  scheme: 'stun' | 'stuns' | 'turn' | 'turns'
  host: string
  port: number
  transport: 'udp' | 'tcp'
}

/** Undefined for a URL of another form: a list may hold schemes that are newer than we are. */
export function parseIceUrl(url: string): IceUrl | undefined {
  const match = /^(stuns?|turns?):(\[[0-9a-f:.]+\]|[^:?[\]/@\s]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i.exec(url)
  if (match === null) return undefined
  const [, schemeText = '', hostText = '', portText = '', transportText = ''] = match
  const scheme = schemeText.toLowerCase() as IceUrl['scheme']
  const isTls = scheme.endsWith('s')
  const port = portText === '' ? (isTls ? 5349 : 3478) : Number(portText)
  if (port < 1 || port > 65_535) return undefined
  const transport = transportText.toLowerCase() === 'tcp' || (isTls && transportText === '') ? 'tcp' : 'udp'
  return { scheme, host: hostText.replace(/^\[|\]$/g, ''), port, transport }
}

/** The parts of `url` when an engine of this host can use it; what it cannot is logged. */
export function usableIceUrl(url: string, account: Omit<IceServer, 'urls'>, { loopbackOnly, log }: EngineSettings): IceUrl | undefined {
  const parts = parseIceUrl(url)
  const isRelay = parts?.scheme === 'turn' || parts?.scheme === 'turns'
  const usable = isRelay ? account.username !== undefined && account.credential !== undefined : parts?.scheme === 'stun'
  if (parts !== undefined && usable && !(loopbackOnly && !isLoopback(parts.host))) return parts
  log('warn', 'webrtc.ice-server.skipped', { scheme: parts?.scheme })
  return undefined
}

/** ICE servers as libdatachannel takes them. */
export function nativeIceServers(servers: IceServer[], settings: EngineSettings): NativeIceServer[] {
  return servers.flatMap(({ urls, ...account }) => urls.flatMap((url): NativeIceServer[] => {
    const parts = usableIceUrl(url, account, settings)
    if (parts === undefined) return []
    const { scheme, host: hostname, port, transport } = parts
    if (scheme === 'stun') return [{ hostname, port }]
    const relayType = scheme === 'turns' ? 'TurnTls' : transport === 'tcp' ? 'TurnTcp' : 'TurnUdp'
    return [{ hostname, port, username: account.username ?? '', password: account.credential ?? '', relayType }]
  }))
}
