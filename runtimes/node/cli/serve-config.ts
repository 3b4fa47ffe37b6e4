import { dirname, resolve } from 'node:path'
import { type ProductSettings, readId, readProductSettings, readStsPolicy, type StsPolicy } from '../../../lib/cloud/index.ts'
import { parsePublicKey } from '../../../lib/crypto/index.ts'
import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { ProductSetUp } from '../service/index.ts'
import type { Given } from './command.ts'
import { findFault, type Schema } from './config-schema.ts'
import { readText } from './files.ts'
import schema from './serve-config.schema.json'

/** The file of `lenskey serve --config`, as `serve-config.schema.json` has it (docs/serve-config.md). */
interface ServeConfig {
  listen?: string
  data?: string
  databaseUrlFile?: string
  adminTokenFile?: string
  publicUrl?: string
  trustedProxies?: string[]
  verbose?: boolean
  stun?: string[]
  turn?: { urls: string[]; secretFile: string; lifetimeSeconds?: number }
  sts?: {
    issuer?: string
    subjectIssuers: { issuer: string; audience: string; keys: string }[]
    devicesClaim?: string
    policyFile?: string
    policy?: unknown
    keyFiles?: string[]
    clients?: string[]
    copiedClaims?: string[]
    lifetimeSeconds?: number
  }
  products?: Record<string, ProductSettings & { keyFiles?: string[] }>
}

export interface ServeSettings {
  /** As options of the command line, where the command line has none. */
  options: Given
  /** What no option of the command line has room for. */
  stsPolicy?: StsPolicy
  products: ProductSetUp[]
}

/** Options of the command line of which one in use there leaves the others of the file out. */
export const optionGroups = [
  ['sts-subject-issuer', 'sts-subject-audience', 'sts-subject-keys'],
  ['sts-devices', 'sts-policy-file'],
  ['database', 'database-url-file'],
]

const MAX_CONFIG_BYTES = 1_048_576

/**
 * Reads the settings of a service. Files that it names are seen from its own folder.
 * @throws {LenskeyError} `ERR_SERVE_CONFIG`: names the file, the member and what is wrong with it; and what reading a file throws
 */
export function readServeConfig(file: string): ServeSettings {
  const text = readText(file, MAX_CONFIG_BYTES)
  const bad = (what: string): LenskeyError => new LenskeyError('ERR_SERVE_CONFIG', `${file}: ${what}`)
  const named = <Result>(member: string, read: () => Result): Result => {
    try {
      return read()
    } catch (thrown) {
      throw bad(`${member}: ${messageOf(thrown)}`)
    }
  }
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    // The parser's words quote the text, in which there may be what nobody should read.
    throw bad('it is no JSON')
  }
  const fault = findFault(schema as Schema, value)
  if (fault !== undefined) throw bad(fault)
  const config = value as ServeConfig
  const pathOf = (path: string): string => resolve(dirname(file), path)
  const { policy } = config.sts ?? {}
  return {
    options: optionsOf(config, pathOf),
    stsPolicy: policy === undefined ? undefined : named('sts.policy', () => readStsPolicy(policy)),
    products: Object.entries(config.products ?? {}).map(([id, { keyFiles = [], ...settings }]) => named(`products.${id}`, () => ({
      id: readId('product', id), settings: readProductSettings({ ...settings }), keys: keyFiles.map((keyFile) => parsePublicKey(readText(pathOf(keyFile)))),
    }))),
  }
}

function optionsOf({ turn, sts, ...config }: ServeConfig, pathOf: (path: string) => string): Given {
  const path = (name: string | undefined): string | undefined => (name === undefined ? undefined : pathOf(name))
  const number = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value))
  const issuers = sts?.subjectIssuers
  const options: Given = {
    listen: config.listen,
    data: path(config.data),
    'database-url-file': path(config.databaseUrlFile),
    'admin-token-file': path(config.adminTokenFile),
    'public-url': config.publicUrl,
    'trusted-proxy': config.trustedProxies,
    verbose: config.verbose,
    stun: config.stun,
    turn: turn?.urls,
    'turn-secret-file': path(turn?.secretFile),
    'turn-lifetime': number(turn?.lifetimeSeconds),
    'sts-issuer': sts?.issuer,
    'sts-subject-issuer': issuers?.map(({ issuer }) => issuer),
    'sts-subject-audience': issuers?.map(({ audience }) => audience),
    'sts-subject-keys': issuers?.map(({ keys }) => (/^https?:/i.test(keys) ? keys : pathOf(keys))),
    'sts-devices': sts?.devicesClaim,
    'sts-policy-file': path(sts?.policyFile),
    'sts-key': sts?.keyFiles?.map(pathOf),
    'sts-client': sts?.clients,
    'sts-claim': sts?.copiedClaims,
    'sts-lifetime': number(sts?.lifetimeSeconds),
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
