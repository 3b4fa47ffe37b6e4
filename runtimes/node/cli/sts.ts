import { readFileSync } from 'node:fs'
import { exchangeToken } from '../../../lib/client/index.ts'
import { isTrustedUrl } from '../../../lib/jwt/index.ts'
import { createNodeHost } from '../host.ts'
import { type Command, type Terminal, UsageError, type Values } from './command.ts'
import { needSecret, subjectTokenSource } from './files.ts'
import { cameraOptions, endpointUrl } from './options.ts'
import { readProfile } from './profile.ts'

const types = ['access_token', 'jwt'] as const

export const sts: Command = {
  name: 'sts',
  summary: 'Exchange a token of yours for a token of one camera, printed alone on one line',
  operands: [{ name: 'TASK', help: 'exchange' }],
  options: {
    'subject-token-file': { value: 'FILE', help: 'token of yours, - for standard input; or LENSKEY_SUBJECT_TOKEN' },
    profile: { value: 'FILE', help: 'camera, from `lenskey pair`; instead of the next three' },
    endpoint: { ...cameraOptions.endpoint, required: false },
    product: { ...cameraOptions.product, required: false },
    device: { ...cameraOptions.device, required: false },
    'token-endpoint': { value: 'URL', help: 'of another token exchange (default the one of --endpoint, /sts/token)' },
    client: { value: 'ID', help: 'client_id, where the exchange asks for it' },
    'subject-token-type': { value: 'TYPE', help: types.join(' or '), default: 'access_token' },
  },
  notes: [
    'Whoever has the token is you at that camera until it expires: pipe it, do not paste it.',
    'The camera takes it when it was started with --oauth-issuer (`lenskey camera`); `lenskey coap` shows it with --oauth-token-file.',
  ],
  examples: [
    'lenskey sts exchange --endpoint https://cams.example.org --product wp-showroom --device wd-frontdoorcamera1 --subject-token-file token.txt',
    'my-login | lenskey sts exchange --profile camera.json --subject-token-file - > camera-token',
  ],
  async run(values, terminal) {
    if (values.operand('TASK') !== 'exchange') throw new UsageError('TASK is exchange')
    const profile = values.optional('profile')
    const { endpoint, productId, deviceId } = profile === undefined
      ? { endpoint: values.optional('endpoint'), productId: values.string('product'), deviceId: values.string('device') }
      : readProfile(profile, terminal)
    const tokenEndpoint = values.optional('token-endpoint') ?? (endpoint === undefined ? undefined : `${endpointUrl(endpoint)}/sts/token`)
    if (tokenEndpoint === undefined) throw new UsageError('--endpoint URL or --token-endpoint URL is needed')
    if (!isTrustedUrl(tokenEndpoint)) throw new UsageError('a token is exchanged by https, or by http with this machine alone')
    const { accessToken, expiresInSeconds } = await exchangeToken({
      tokenEndpoint, productId, deviceId, clientId: values.optional('client'), subjectTokenType: values.choice('subject-token-type', types),
      subjectToken: readSubjectToken(values, terminal),
    }, createNodeHost())
    terminal.print(accessToken, { accessToken, expiresIn: expiresInSeconds })
    return 0
  },
}

function readSubjectToken(values: Values, terminal: Terminal): string {
  if (values.optional(subjectTokenSource.option) !== '-') return needSecret(subjectTokenSource, values, terminal)
  const token = readFileSync(0, 'utf8').trim()
  if (token === '') throw new UsageError('there is no token on standard input')
  return token
}
