import { encodeCbor } from '../../../lib/cbor/index.ts'
import { type CameraClient, requireSuccess } from '../../../lib/client/index.ts'
import { contentFormats } from '../../../lib/coap/index.ts'
import { generateServerConnectToken } from '../../../lib/iam/index.ts'
import { type MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { createNodeHost } from '../host.ts'
import { readTarget, sessionOptions, withCamera } from './camera-session.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { connectTokenSource, needSecret } from './files.ts'

type Client = CameraClient<MediaPeerConnection>

interface Task {
  help: string
  run(client: Client, user: string, values: Values, terminal: Terminal): Promise<void>
}

/** What can travel as a bearer token (RFC 6750 §2.1), but for the dot: what has dots is a JWT. */
const PORTABLE = /^[A-Za-z0-9~_+/=-]{1,64}$/

const tasks: Readonly<Record<string, Task>> = {
  list: {
    help: 'list the tokens: that of open pairing, and those of users',
    async run({ iam }, _user, _values, terminal) {
      const { openPairingServerConnectToken: open } = await iam.settings()
      const users = await Promise.all((await iam.users()).map((username) => iam.user(username)))
      const tokens = users.flatMap(({ username, serverConnectToken: token }) => (token === undefined ? [] : [{ username, token }]))
      const rows = [...(open === undefined ? [] : [['(open pairing)', open]]), ...tokens.map(({ username, token }) => [username, token])]
      const width = Math.max(0, ...rows.map(([who]) => who.length))
      terminal.print(rows.map(([who, token]) => `${who.padEnd(width)}  ${token}`), { openPairing: open, users: tokens })
    },
  },
  create: {
    help: 'make a new token for USER, which takes the place of the old one, and print it alone on one line',
    async run(client, username, _values, terminal) {
      const token = generateServerConnectToken(createNodeHost().random)
      await put(client, username, token)
      terminal.print(token, { username, token })
    },
  },
  add: {
    help: 'give USER the token in --token-file',
    async run(client, username, values, terminal) {
      const token = needSecret(connectTokenSource, values, terminal)
      if (!PORTABLE.test(token)) throw new RangeError('a server connect token of the command line has 1 to 64 letters, digits or ~_+/=-')
      await put(client, username, token)
      terminal.print(`${username} has that token now`, { username })
    },
  },
  remove: {
    help: 'take the token of USER away: another takes its place, which nobody is told',
    async run(client, username, _values, terminal) {
      await put(client, username, generateServerConnectToken(createNodeHost().random))
      terminal.print(`the token of ${username} opens nothing any more`, { removed: username })
    },
  },
}

export const sct: Command = {
  name: 'sct',
  summary: 'Manage the server connect tokens of a camera, by which viewers get through to it',
  operands: [
    { name: 'TASK', help: Object.keys(tasks).join(', ') },
    { name: 'USER', help: 'whose token, for all but list', optional: true },
  ],
  options: {
    'token-file': { value: 'FILE', help: 'for add: 1 to 64 letters, digits or ~_+/=-; or LENSKEY_CONNECT_TOKEN' },
    ...sessionOptions,
  },
  notes: [
    ...Object.entries(tasks).map(([name, { help }]) => `${name.padEnd(7)} ${help}`),
    'The camera tells the service at once, and as soon as it is there again; who came in by a token that is gone is cut off.',
    'A token lets through to the camera and is no right on it. Viewers show it with --access-token-file; `lenskey product --sct yes` asks for it.',
    'For somebody who is to have a token and nothing else, make a user for it: `lenskey iam invite`.',
  ],
  examples: [
    'lenskey sct list --profile camera.json',
    'lenskey sct create maria --profile camera.json > maria-token',
    'lenskey sct remove maria --profile camera.json',
  ],
  async run(values, terminal) {
    const name = values.operand('TASK') ?? ''
    const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
    if (task === undefined) throw new UsageError(`TASK is ${Object.keys(tasks).join(' or ')}`)
    const user = values.operand('USER')
    if ((user === undefined) !== (name === 'list')) throw new UsageError(name === 'list' ? 'list takes no USER' : `USER is needed for ${name}`)
    await withCamera(readTarget(values, terminal), values, terminal, (client) => task.run(client, user ?? '', values, terminal))
    return 0
  },
}

/** `PUT /iam/users/{user}/sct` (protocol/iam.md §3.6). */
async function put(client: Client, username: string, token: string): Promise<void> {
  if (username.includes('/')) throw new UsageError('a user name has no slash')
  requireSuccess(await client.coap('PUT', `/iam/users/${username}/sct`, { contentFormat: contentFormats.cbor, payload: encodeCbor(token) }))
}
