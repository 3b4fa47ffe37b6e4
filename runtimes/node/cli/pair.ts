import { generatePassword } from '../../../lib/iam/index.ts'
import { type PairOptions, parsePairingLink } from '../../../lib/client/index.ts'
import { createNodeHost } from '../host.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { accessTokenSource, oauthTokenSource, passwordSource, readSecret } from './files.ts'
import { needNewProfile, writeProfile } from './profile.ts'
import { sessionOptions, type Target, withCamera } from './camera-session.ts'
import { endpointUrl } from './options.ts'
import { tokenReader } from './token-command.ts'

const modes = ['password-invite', 'password-open', 'local-open', 'local-initial'] as const
type Mode = (typeof modes)[number]

export const pair: Command = {
  name: 'pair',
  summary: 'Become a user of a camera, by its pairing link or by hand',
  operands: [{ name: 'LINK', help: 'what the camera, or who invited you, has printed; in quotes, for the sake of the shell', optional: true }],
  options: {
    ...sessionOptions,
    profile: { value: 'FILE', help: 'file to keep camera, user and password in, for the other commands; readable by you alone', required: true },
    mode: { value: 'MODE', help: `${modes.join(', ')} (default password-invite with --user, else password-open)` },
    user: { value: 'NAME', help: 'the invited user, or the name you want to have (password-open, local-open)' },
    name: { value: 'TEXT', help: 'what this client is called in the user\'s list of keys', default: 'lenskey pair' },
  },
  notes: [
    'The password of the link is used up: the profile gets a new one that nobody has seen.',
    'The local modes are for the network of the camera, at the door that it opens there (lenskey camera --local, lenskey discover).',
    'There the fingerprint may be left out: then it is whichever camera answers, and the profile keeps its key.',
  ],
  examples: [
    'lenskey pair \'http://127.0.0.1:8080/#p=wp-…&d=wd-…&u=admin&pwd=…&fp=…\' --profile camera.json',
    'lenskey pair --endpoint http://127.0.0.1:8080 --product wp-showroom --device wd-frontdoorcamera1 --mode password-open \\',
    '  --user maria --password-file open-password --fingerprint 7794… --profile camera.json',
    'lenskey pair --mode local-initial --endpoint http://192.168.1.20:8080 --product wp-showroom --device wd-frontdoorcamera1 --profile camera.json',
  ],
  async run(values, terminal) {
    const file = values.string('profile')
    needNewProfile(file)
    const { target, pairing } = readPairing(values, terminal)
    // The pairing logs in by itself, and not always as the user that comes of it.
    const needsLogin = target.fingerprint === undefined && target.login !== undefined
    const result = await withCamera(needsLogin ? target : { ...target, login: undefined }, values, terminal, async (client, fingerprint) => {
      await client.iam.pair(pairing)
      const me = await client.iam.me()
      const password = generatePassword(createNodeHost().random)
      await client.iam.setPassword(me.username, password)
      const { endpoint, productId, deviceId } = target
      writeProfile(file, { endpoint, productId, deviceId, fingerprint, username: me.username, password, serverConnectToken: me.serverConnectToken })
      return { username: me.username, role: me.role, fingerprint }
    })
    terminal.print([`paired as ${result.username}${result.role === undefined ? '' : ` (${result.role})`}`, `profile ${file}`], { ...result, profile: file })
    return 0
  },
}

function readPairing(values: Values, terminal: Terminal): { target: Target; pairing: PairOptions } {
  const link = values.operand('LINK')
  const accessToken = tokenReader(accessTokenSource, values, terminal)
  const oauthToken = tokenReader(oauthTokenSource, values, terminal)
  const fingerprintName = values.string('name')
  if (link !== undefined) {
    const { frontEnd, productId, deviceId, username, password, fingerprint, serverConnectToken } = parsePairingLink(link)
    const wanted = values.optional('user') ?? username
    if (wanted === '') throw new UsageError('--user NAME is needed: this link lets you choose the name')
    const target = { endpoint: endpointUrl(values.optional('endpoint') ?? originOf(frontEnd)), productId, deviceId, fingerprint, login: { username, password }, oauthToken, accessToken, serverConnectToken }
    return { target, pairing: { mode: username === '' ? 'password-open' : 'password-invite', username: wanted, password, fingerprintName } }
  }
  const username = values.optional('user')
  const password = readSecret(passwordSource, values, terminal)
  const mode: Mode = values.choice('mode', modes) ?? (username === undefined ? 'password-open' : 'password-invite')
  const target: Target = {
    endpoint: endpointUrl(values.string('endpoint')), productId: values.string('product'), deviceId: values.string('device'),
    fingerprint: values.optional('fingerprint'), oauthToken, accessToken,
    login: password === undefined ? undefined : { username: mode === 'password-invite' ? username ?? '' : '', password },
  }
  target.firstUse = mode === 'local-initial' || mode === 'local-open'
  if (mode === 'local-initial') return { target, pairing: { mode, fingerprintName } }
  if (username === undefined) throw new UsageError(`--user NAME is needed for ${mode}`)
  if (mode === 'local-open') return { target, pairing: { mode, username, fingerprintName } }
  if (password === undefined) throw new UsageError(`--password-file FILE or LENSKEY_PASSWORD is needed for ${mode}`)
  return { target, pairing: { mode, username, password, fingerprintName } }
}

function originOf(frontEnd: string): string {
  try {
    return new URL(frontEnd).origin
  } catch {
    throw new UsageError('--endpoint URL is needed: the link has no address of a page')
  }
}
