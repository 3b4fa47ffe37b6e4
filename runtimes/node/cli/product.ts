import type { ProductSettings } from '../../../lib/cloud/index.ts'
import { type Command, UsageError, type Values } from './command.ts'
import { adminTokenSource, needSecret } from './files.ts'
import { cameraOptions, endpointUrl } from './options.ts'

const YES_NO = ['yes', 'no'] as const

export const product: Command = {
  name: 'product',
  summary: 'Show or set how viewers get through to the cameras of a product',
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
    'no-jwt': { help: 'let in nobody by a token of an issuer' },
  },
  notes: [
    'Without any of the settings it shows those that there are; a product that is not there yet is made.',
    'Tokens by keys of the product itself always count. What is no longer allowed ends the viewers that rest on it.',
  ],
  examples: [
    'lenskey product --endpoint http://127.0.0.1:8080 --product wp-showroom --admin-token-file data/admin-token',
    'lenskey product --endpoint http://127.0.0.1:8080 --product wp-showroom --admin-token-file data/admin-token --open no --sct yes',
    'lenskey product --endpoint http://127.0.0.1:8080 --product wp-showroom --admin-token-file data/admin-token --open no \\',
    '  --jwt-issuer https://id.example.org --jwt-audience https://cams.example.org --jwt-keys https://id.example.org/jwks.json --jwt-claim devices',
  ],
  async run(values, terminal) {
    const settings = settingsOf(values)
    const adminToken = needSecret(adminTokenSource, values, terminal)
    const { putProduct } = await import('../service/admin-client.ts')
    const { id, anonymousClients, serverConnectTokens, clientJwt } = await putProduct({ endpoint: endpointUrl(values.string('endpoint')), adminToken }, values.string('product'), settings)
    terminal.print([
      id,
      `open  ${anonymousClients ? 'yes' : 'no'}`,
      `sct   ${serverConnectTokens ? 'yes' : 'no'}`,
      `jwt   ${clientJwt === undefined ? 'no' : `${clientJwt.issuer}, for ${clientJwt.audience}, keys at ${clientJwt.jwksUri}, cameras in "${clientJwt.claim}"`}`,
    ], { product: id, anonymousClients, serverConnectTokens, clientJwt: clientJwt ?? null })
    return 0
  },
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
