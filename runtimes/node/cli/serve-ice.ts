import type { IceServerOptions } from '../service/index.ts'
import { type Option, type Terminal, UsageError, type Values } from './command.ts'
import { readSecret, turnSecretSource } from './files.ts'

/** Where cameras and viewers find a path to each other (docs/turn.md). */
export const iceOptions = {
  stun: { value: 'URL', help: 'STUN server for everybody, such as stun:turn.example.org:3478', repeatable: true },
  turn: { value: 'URL', help: 'TURN server for tokens with "turn" in their scope, such as turn:turn.example.org:3478?transport=udp', repeatable: true },
  'turn-secret-file': { value: 'FILE', help: 'static-auth-secret of that server; or LENSKEY_TURN_SECRET' },
  'turn-lifetime': { value: 'SECONDS', help: 'how long credentials for it are good', default: '900' },
} satisfies Record<string, Option>

/** @throws {UsageError} */
export function readIce(values: Values, terminal: Terminal): IceServerOptions {
  const [stun, urls] = [values.list('stun'), values.list('turn')]
  for (const url of stun) if (!/^stuns?:[^\s?]+$/i.test(url)) throw new UsageError('--stun is stun:HOST:PORT or stuns:HOST:PORT')
  for (const url of urls) if (!/^turns?:[^\s?]+(\?transport=(udp|tcp))?$/i.test(url)) throw new UsageError('--turn is turn:HOST:PORT or turns:HOST:PORT, and may end in ?transport=udp or ?transport=tcp')
  const lifetimeSeconds = values.integer('turn-lifetime', 60, 86_400)
  if (urls.length === 0) {
    if (values.optional('turn-secret-file') !== undefined) throw new UsageError('--turn URL is needed with --turn-secret-file')
    return { stun }
  }
  const secret = readSecret(turnSecretSource, values, terminal)
  if (secret === undefined) throw new UsageError('--turn-secret-file FILE or the environment variable LENSKEY_TURN_SECRET is needed with --turn')
  return { stun, turn: { urls, secret, lifetimeSeconds } }
}
