import { join } from 'node:path'
import { type CborValue, decodeCbor, encodeCbor } from '../../../lib/cbor/index.ts'
import { type CameraClient, requireSuccess } from '../../../lib/client/index.ts'
import { contentFormats } from '../../../lib/coap/index.ts'
import { DEFAULT_IAM_LIMITS, explainAccess, parseConfiguration, parseState } from '../../../lib/iam/index.ts'
import { type MediaPeerConnection } from '../../../lib/webrtc/index.ts'
import { cborToJson } from './cbor-json.ts'
import { readTarget, sessionOptions, type Target, withCamera } from './camera-session.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { newPasswordSource, needSecret, readText } from './files.ts'
import { linkCard } from './pairing-card.ts'

type Client = CameraClient<MediaPeerConnection>

interface Task {
  help: string
  /** What NAME stands for; undefined when there is none. */
  name?: string
  run(client: Client, name: string, values: Values, terminal: Terminal, target: Target): Promise<void>
}

const tasks: Readonly<Record<string, Task>> = {
  users: {
    help: 'list users with their roles and keys',
    async run({ iam }, _name, _values, terminal) {
      const users = await Promise.all((await iam.users()).map((username) => iam.user(username)))
      const width = Math.max(...users.map(({ username }) => username.length), 4)
      terminal.print(
        users.map(({ username, role = '–', fingerprints }) => `${username.padEnd(width)}  ${role.padEnd(13)}  ${fingerprints.map(({ fingerprint, name }) => name ?? fingerprint.slice(0, 8)).join(', ')}`.trimEnd()),
        { users },
      )
    },
  },
  roles: {
    help: 'list roles',
    async run({ iam }, _name, _values, terminal) {
      const roles = [...await iam.roles()]
      terminal.print(roles, { roles })
    },
  },
  invite: {
    help: 'make user NAME with --role, and a link for whoever is to become that user',
    name: 'user',
    async run({ iam }, username, values, terminal, { endpoint }) {
      const role = values.optional('role') ?? 'Guest'
      const link = await iam.invite({ username, role, frontEnd: values.optional('front-end') ?? `${endpoint}/#` })
      terminal.print(['', ...linkCard(link), '', `Whoever opens this link first is ${username} (${role}). It is not shown again.`], { username, role, link })
    },
  },
  role: {
    help: 'give user NAME the role of --role',
    name: 'user',
    async run({ iam }, username, values, terminal) {
      const role = values.string('role')
      await iam.setRole(username, role)
      terminal.print(`${username} is ${role} now`, { username, role })
    },
  },
  password: {
    help: 'give user NAME the password in --new-password-file',
    name: 'user',
    async run({ iam }, username, values, terminal) {
      await iam.setPassword(username, needSecret(newPasswordSource, values, terminal))
      terminal.print(`${username} has a new password`, { username })
    },
  },
  remove: {
    help: 'remove user NAME; who is watching as that user sees nothing more at once',
    name: 'user',
    async run({ iam }, username, _values, terminal) {
      await iam.deleteUser(username)
      terminal.print(`removed ${username}`, { removed: username })
    },
  },
}

const names = [...Object.keys(tasks), 'explain']

export const iam: Command = {
  name: 'iam',
  summary: 'Manage who may do what on a camera',
  operands: [
    { name: 'TASK', help: names.join(', ') },
    { name: 'NAME', help: 'the user, for invite, role, password and remove', optional: true },
  ],
  options: {
    role: { value: 'ROLE', help: 'for invite (default Guest) and role' },
    'front-end': { value: 'URL', help: 'for invite: page that the link leads to (default the service\'s own)' },
    'new-password-file': { value: 'FILE', help: 'for password; or LENSKEY_NEW_PASSWORD' },
    action: { value: 'ACTION', help: 'for explain: such as Webrtc:VideoStream' },
    attr: { value: 'KEY=VALUE', help: 'for explain: what conditions can look at', repeatable: true },
    of: { value: 'NAME', help: 'for explain: the user that the question is about, where --user is who asks' },
    data: { value: 'DIR', help: 'for explain: read the files of a camera in this folder, and ask no camera' },
    ...sessionOptions,
  },
  notes: [
    ...Object.entries(tasks).map(([name, { help }]) => `${name.padEnd(9)} ${help}`),
    `${'explain'.padEnd(9)} whether --user may do --action, or nobody in particular, and which statement says so: a dry run`,
  ],
  examples: [
    'lenskey iam users --profile camera.json',
    'lenskey iam invite maria --role Standard --profile camera.json',
    'lenskey iam explain --user maria --action Webrtc:VideoStream --profile camera.json',
    'lenskey iam explain --data ./camera --user maria --action IAM:SetUserPassword --attr IAM:Username=maria',
  ],
  success: 'it worked; for explain: it is allowed',
  async run(values, terminal) {
    const name = values.operand('TASK') ?? ''
    if (name === 'explain') return explain(values, terminal)
    const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
    if (task === undefined) throw new UsageError(`TASK is ${names.join(' or ')}`)
    const about = values.operand('NAME')
    if (about === undefined && task.name !== undefined) throw new UsageError(`NAME is needed for ${name}: the ${task.name}`)
    if (about !== undefined && task.name === undefined) throw new UsageError(`${name} takes no NAME`)
    const target = readTarget(values, terminal)
    await withCamera(target, values, terminal, (client) => task.run(client, about ?? '', values, terminal, target))
    return 0
  },
}

async function explain(values: Values, terminal: Terminal): Promise<number> {
  const action = values.string('action')
  const attributes = Object.fromEntries(values.list('attr').map(readAttribute))
  const folder = values.optional('data')
  // With a profile, or without a camera, nobody has to say as whom to log in.
  const user = values.optional('of') ?? ((folder ?? values.optional('profile')) === undefined ? undefined : values.optional('user'))
  const found = folder === undefined
    ? await explainThere(values, terminal, { Action: action, Username: user, Attributes: attributes })
    : explainHere(folder, { action, user, attributes })
  const lines = found.considered.map(({ policy, index, outcome, text }) => `  ${`${policy}[${index}]`.padEnd(22)} ${outcome.padEnd(8)} ${text}`)
  terminal.print([
    found.allowed ? 'allowed' : 'refused', found.reason, ...(lines.length === 0 ? [] : ['', 'Looked at:', ...lines]),
  ], { ...found })
  return found.allowed ? 0 : 1
}

interface Found {
  allowed: boolean
  outcome: string
  role?: string
  statement?: { policy: string; index: number }
  reason: string
  considered: readonly { policy: string; index: number; outcome: string; text: string }[]
}

function explainHere(folder: string, question: Parameters<typeof explainAccess>[2]): Found {
  const bytesOf = (name: string): Uint8Array => Buffer.from(readText(join(folder, name), DEFAULT_IAM_LIMITS.stateBytes))
  const { allowed, outcome, role, statement, reason, considered } = explainAccess(
    parseConfiguration(bytesOf('iam_config.json')), parseState(bytesOf('iam_state.json'), DEFAULT_IAM_LIMITS), question,
  )
  return { allowed, outcome, role, statement, reason, considered }
}

async function explainThere(values: Values, terminal: Terminal, question: Record<string, CborValue>): Promise<Found> {
  const asked = Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined))
  return withCamera(readTarget(values, terminal), values, terminal, async (client) => {
    const { payload = new Uint8Array(0) } = requireSuccess(await client.coap('POST', '/iam/explain', { contentFormat: contentFormats.cbor, payload: encodeCbor(asked) }))
    const answer = cborToJson(decodeCbor(payload)) as {
      Allowed: boolean; Outcome: string; Role?: string; Policy?: string; Statement?: number; Reason: string
      Considered: { Policy: string; Statement: number; Outcome: string; Text: string }[]
    }
    return {
      allowed: answer.Allowed, outcome: answer.Outcome, role: answer.Role, reason: answer.Reason,
      statement: answer.Policy === undefined || answer.Statement === undefined ? undefined : { policy: answer.Policy, index: answer.Statement },
      considered: answer.Considered.map(({ Policy: policy, Statement: index, Outcome: outcome, Text: text }) => ({ policy, index, outcome, text })),
    }
  })
}

function readAttribute(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError('--attr is KEY=VALUE')
  return [text.slice(0, equals), text.slice(equals + 1)]
}
