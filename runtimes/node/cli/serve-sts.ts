import { readStsPolicy, type StsPolicy, type SubjectIssuer } from '../../../lib/cloud/index.ts'
import { parsePrivateKey } from '../../../lib/crypto/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { isTrustedUrl } from '../../../lib/jwt/index.ts'
import type { Host } from '../../../lib/runtime/index.ts'
import type { StsServiceOptions } from '../service/index.ts'
import { type Option, type Terminal, UsageError, type Values } from './command.ts'
import { readSecretText, readText } from './files.ts'

/** The exchange of people's tokens for tokens of one camera (docs/tokens.md). */
export const stsOptions = {
  'sts-subject-issuer': { value: 'ISSUER', help: 'exchange tokens of this issuer ("iss") for tokens of one camera; needs the two below', repeatable: true },
  'sts-subject-audience': { value: 'AUDIENCE', help: 'what they must be meant for ("aud"): this service', repeatable: true },
  'sts-subject-keys': { value: 'URL|FILE', help: 'key set of that issuer (JWKS); a file is read again when it changes', repeatable: true },
  'sts-devices': { value: 'CLAIM', help: 'claim that lists PRODUCT.CAMERA for which its bearer gets tokens; or --sts-policy-file' },
  'sts-policy-file': { value: 'FILE', help: 'JSON list of who gets tokens for which cameras' },
  'sts-issuer': { value: 'URL', help: '"iss" of the tokens made here (default the public URL and /sts)' },
  'sts-key': { value: 'FILE', help: 'sign with this private key; of several the first signs, all are published (default one made and replaced in DIR)', repeatable: true },
  'sts-client': { value: 'ID', help: 'client_id that may ask (default any)', repeatable: true },
  'sts-claim': { value: 'NAME', help: 'claim that goes over into the new token, such as roles', repeatable: true },
  'sts-lifetime': { value: 'SECONDS', help: 'longest life of a token made here', default: '3600' },
} satisfies Record<string, Option>

/**
 * Undefined when no issuer is named whose tokens could be exchanged.
 * @param policy - who may have which camera, unless an option says it
 * @throws {UsageError} {LenskeyError} `ERR_STS_POLICY`, and what reading a file throws
 */
export async function readSts(values: Values, terminal: Terminal, host: Host, policy?: StsPolicy): Promise<StsServiceOptions | undefined> {
  const [names, audiences, keySets] = ['sts-subject-issuer', 'sts-subject-audience', 'sts-subject-keys'].map((name) => values.list(name))
  if (names.length === 0) {
    const other = Object.entries<Option>(stsOptions).find(([name, option]) => option.default === undefined && (values.list(name).length > 0 || values.optional(name) !== undefined))
    if (other !== undefined) throw new UsageError(`--sts-subject-issuer ISSUER is needed with --${other[0]}`)
    return undefined
  }
  if (audiences.length !== names.length || keySets.length !== names.length) {
    throw new UsageError('each --sts-subject-issuer goes with one --sts-subject-audience and one --sts-subject-keys, in the same order')
  }
  const publicUrl = values.optional('public-url')
  const issuer = values.optional('sts-issuer') ?? (publicUrl === undefined ? undefined : `${publicUrl.replace(/\/+$/, '')}/sts`)
  if (issuer === undefined) throw new UsageError('--sts-issuer URL or --public-url URL is needed with --sts-subject-issuer (in the file of --config: sts.issuer or publicUrl)')
  if (!isTrustedUrl(issuer)) throw new UsageError('--sts-issuer is an https: URL, or an http: URL of this machine: cameras fetch keys from there')
  const [clients, signingKeys] = [values.list('sts-client'), values.list('sts-key')]
  const { openKeySetFile } = await import('../service/index.ts')
  return {
    issuer,
    subjectIssuers: names.map((name, at): SubjectIssuer => {
      const keySet = keySets[at]
      if (!/^https?:/i.test(keySet)) return { issuer: name, audience: audiences[at], keys: openKeySetFile(keySet, host) }
      if (!isTrustedUrl(keySet)) throw new UsageError('--sts-subject-keys is an https: URL, an http: URL of this machine, or a file')
      return { issuer: name, audience: audiences[at], jwksUri: keySet }
    }),
    devices: readPolicy(values, policy),
    signingKeys: signingKeys.length === 0 ? undefined : signingKeys.map((file) => parsePrivateKey(readSecretText(file, terminal), host)),
    clients: clients.length === 0 ? undefined : clients,
    copiedClaims: values.list('sts-claim'),
    maxLifetimeSeconds: values.integer('sts-lifetime', 10, 86_400),
  }
}

function readPolicy(values: Values, policy?: StsPolicy): StsServiceOptions['devices'] {
  const [claim, file] = [values.optional('sts-devices'), values.optional('sts-policy-file')]
  if (claim === undefined && file === undefined && policy !== undefined) return policy
  if (claim === undefined && file === undefined) throw new UsageError('--sts-devices CLAIM or --sts-policy-file FILE is needed with --sts-subject-issuer: who may have which camera')
  if (claim !== undefined && file !== undefined) throw new UsageError('choose one of --sts-devices and --sts-policy-file')
  if (file === undefined) return String(claim).split('.')
  let list: unknown
  try {
    list = JSON.parse(readText(file, MAX_POLICY_BYTES))
  } catch (thrown) {
    throw thrown instanceof LenskeyError ? thrown : new LenskeyError('ERR_STS_POLICY', `${file} is no JSON`)
  }
  return readStsPolicy(list)
}

const MAX_POLICY_BYTES = 1_048_576
