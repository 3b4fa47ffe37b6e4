import { LenskeyError } from '../../../lib/errors.ts'
import { UsageError } from './command.ts'
import { isSystemError } from './hints.ts'

/** `HOST:PORT`, `[IPv6]:PORT`, or a port alone for 127.0.0.1. */
export function parseListen(text: string, option = 'listen'): { host: string; port: number } {
  const [, ipv6, host, port] = /^(?:\[([\da-fA-F:.]+)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text) ?? []
  const number = Number(port)
  if (!(number >= 0 && number <= 65_535)) throw new UsageError(`--${option} is HOST:PORT, such as 127.0.0.1:8080`)
  return { host: ipv6 || host || '127.0.0.1', port: number }
}

/** Failures to take an address, in words that name it. */
export function listenError(thrown: unknown, { host, port }: { host: string; port: number }): unknown {
  if (!isSystemError(thrown)) return thrown
  const address = `${host}:${port}`
  if (thrown.code === 'EADDRINUSE') return new LenskeyError('ERR_ADDRESS_IN_USE', `${address} is in use by another program`)
  if (thrown.code === 'EADDRNOTAVAIL' || thrown.code === 'ENOTFOUND') return new LenskeyError('ERR_ADDRESS_UNKNOWN', `${host} is no address of this machine`)
  if (thrown.code === 'EACCES') return new LenskeyError('ERR_ADDRESS_FORBIDDEN', `only root may listen on ${address}`)
  return thrown
}
