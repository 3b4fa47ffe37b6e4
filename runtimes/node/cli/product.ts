import type { ProductSettings } from '../../../lib/cloud/index.ts'
import type { ProductPolicy } from '../service/index.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { adminTokenSource, needSecret, readText } from './files.ts'
import { cameraOptions, endpointUrl } from './options.ts'

const YES_NO = ['yes', 'no'] as const
const TASKS = ['show', 'set'] as const

export const product: Command = {
  name: 'product',
  summary: 'Show or set how viewers get through to the cameras of a product',
  operands: [{ name: 'TASK', help: 'show, or set: makes a product that is not there yet (without the word: set where there is something to set, else show)', optional: true }],
  options: {
    endpoint: cameraOptions.endpoint,
    product: cameraOptions.product,
    'admin-token-file': { value: 'FILE', help: 'token of the admin API, such as DIR/admin-token; or LENSKEY_ADMIN_TOKEN' },
    open: { value: 'yes|no', help: 'let in viewers that show no token' },
    sct: { value: 'yes|no', help: 'let in viewers with a server connect token of the camera' },
    'jwt-issuer': { value: 'ISSUER', help: 'let in viewers with a token of this issuer ("iss"); needs the three below' },
    'jwt-audience': { value: 'AUDIENCE', help: 'what the token must be meant for ("aud")' },
    'jwt-keys': { value: 'URL', help: 'key set of the issuer (JWKS)' },
    'jwt-claim': { value: 'NAME', help: 'claim that lists PRODUCT.CAMERA, with spaces between them' },
    'add-key': { value: 'FILE', help: 'public key of the owner: access tokens of clients by it let in', repeatable: true },
    'remove-key': { value: 'KID', help: 'take a key away, named as it is shown: product:…', repeatable: true },
    'no-jwt': { help: 'let in nobody by a token of an issuer' },
  },
  notes: [
    'Tokens by keys of the owner always count. What is no longer allowed ends the viewers that rest on it.',
  ],
  examples: [
    'lenskey product show --endpoint http://127.0.0.1:8080 --product wp-showroom --admin-token-file data/admin-token',
    'lenskey product set --endpoint http://127.0.0.1:8080 --product wp-showroom --admin-token-file data/admin-token --open no --sct yes',
    'lenskey product set --endpoint http://127.0.0.1:8080 --product wp-showroom --admin-token-file data/admin-token --open no \\',
    '  --jwt-issuer https://id.example.org --jwt-audience https://cams.example.org --jwt-keys https://id.example.org/jwks.json --jwt-claim devices',
  ],
  async run(values, terminal) {
    const settings = settingsOf(values)
    const [added, removed] = [values.list('add-key'), values.list('remove-key')]
    const changes = Object.keys(settings).length + added.length + removed.length > 0
    const word = values.operand('TASK')
    const task = word === undefined ? (changes ? 'set' : 'show') : TASKS.find((known) => known === word)
    if (task === undefined) throw new UsageError(`TASK is ${TASKS.join(' or ')}`)
    if (task === 'show' && changes) throw new UsageError('show takes no settings; `lenskey product set` changes them')
    const keys = added.map((file) => readText(file))
    const service = { endpoint: endpointUrl(values.string('endpoint')), adminToken: needSecret(adminTokenSource, values, terminal) }
    const product = values.string('product')
    const { addProductKey, getProduct, putProduct, removeProductKey } = await import('../service/admin-client.ts')
    if (task === 'set') {
      await putProduct(service, product, settings)
      for (const key of keys) await addProductKey(service, product, key)
      for (const kid of removed) await removeProductKey(service, product, kid)
    }
    show(await getProduct(service, product), terminal)
    return 0
  },
}

function show({ id, anonymousClients, serverConnectTokens, clientJwt, keys }: ProductPolicy & { keys: string[] }, terminal: Terminal): void {
  terminal.print([
    id,
    `open  ${anonymousClients ? 'yes' : 'no'}`,
    `sct   ${serverConnectTokens ? 'yes' : 'no'}`,
    `jwt   ${clientJwt === undefined ? 'no' : `${clientJwt.issuer}, for ${clientJwt.audience}, keys at ${clientJwt.jwksUri}, cameras in "${clientJwt.claim}"`}`,
    ...keys.map((kid) => `key   ${kid}`),
  ], { product: id, anonymousClients, serverConnectTokens, clientJwt: clientJwt ?? null, keys })
}

function settingsOf(values: Values): ProductSettings {
  const settings: ProductSettings = {}
  const [open, sct] = [values.choice('open', YES_NO), values.choice('sct', YES_NO)]
  if (open !== undefined) settings.anonymousClients = open === 'yes'
  if (sct !== undefined) settings.serverConnectTokens = sct === 'yes'
  const [issuer, audience, jwksUri, claim] = ['jwt-issuer', 'jwt-audience', 'jwt-keys', 'jwt-claim'].map((name) => values.optional(name))
  const parts = [issuer, audience, jwksUri, claim].filter((part) => part !== undefined)
  if (values.flag('no-jwt')) {
    if (parts.length > 0) throw new UsageError('--no-jwt goes without the other --jwt options')
    settings.clientJwt = null
  } else if (issuer !== undefined && audience !== undefined && jwksUri !== undefined && claim !== undefined) {
    settings.clientJwt = { issuer, audience, jwksUri, claim }
  } else if (parts.length > 0) {
    throw new UsageError('--jwt-issuer, --jwt-audience, --jwt-keys and --jwt-claim go together')
  }
  return settings
}
