import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { LenskeyError } from '../../../lib/errors.ts'
import { type Terminal, UsageError, type Values } from './command.ts'
import { isSystemError } from './hints.ts'

/** Larger than any key or token; stops a mistyped name from reading a video into memory. */
const maxFileBytes = 65_536

const reasons: Record<string, [code: string, text: string]> = {
  ENOENT: ['ERR_FILE_NOT_FOUND', 'there is no such file or folder'],
  EACCES: ['ERR_FILE_PERMISSION', 'permission denied'],
  EPERM: ['ERR_FILE_PERMISSION', 'permission denied'],
  EEXIST: ['ERR_FILE_EXISTS', 'it exists already'],
  EISDIR: ['ERR_FILE_NOT_FOUND', 'it is a folder'],
}

function fileError(verb: string, file: string, thrown: unknown): LenskeyError {
  const [code, text] = (isSystemError(thrown) ? reasons[thrown.code] : undefined) ?? ['ERR_FILE', thrown instanceof Error ? thrown.message : 'failed']
  return new LenskeyError(code, `cannot ${verb} ${file}: ${text}`)
}

export function readText(file: string, maxBytes = maxFileBytes): string {
  try {
    if (statSync(file).size > maxBytes) throw new LenskeyError('ERR_FILE_TOO_LARGE', `${file} is longer than ${maxBytes} bytes; is it the right file?`)
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw thrown instanceof LenskeyError ? thrown : fileError('read', file, thrown)
  }
}

/** A file that only its owner should be able to read; says so when others can. */
export function readSecretText(file: string, terminal: Pick<Terminal, 'note'>): string {
  const text = readText(file)
  if ((statSync(file).mode & 0o077) !== 0) terminal.note(`warning: other users of this machine can read ${file}; run: chmod 600 ${file}`)
  return text
}

/** For the second of two files, before the first is made. */
export function needAbsent(file: string): void {
  if (existsSync(file)) throw new LenskeyError('ERR_FILE_EXISTS', `cannot write ${file}: it exists already`)
}

/** Makes a file that is not there yet. */
export function writeNew(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { mode, flag: 'wx' })
  } catch (thrown) {
    throw fileError('write', file, thrown)
  }
}

/** Secrets come from a file or the environment: arguments can be read by everybody on the machine. */
export interface SecretSource {
  /** Name of the option that names the file. */
  option: string
  variable: string
}

export const sharedSecretSource: SecretSource = { option: 'shared-secret-file', variable: 'LENSKEY_SHARED_SECRET' }
export const adminTokenSource: SecretSource = { option: 'admin-token-file', variable: 'LENSKEY_ADMIN_TOKEN' }
export const passwordSource: SecretSource = { option: 'password-file', variable: 'LENSKEY_PASSWORD' }
export const newPasswordSource: SecretSource = { option: 'new-password-file', variable: 'LENSKEY_NEW_PASSWORD' }
export const oauthTokenSource: SecretSource = { option: 'oauth-token-file', variable: 'LENSKEY_OAUTH_TOKEN' }
export const turnSecretSource: SecretSource = { option: 'turn-secret-file', variable: 'LENSKEY_TURN_SECRET' }
export const subjectTokenSource: SecretSource = { option: 'subject-token-file', variable: 'LENSKEY_SUBJECT_TOKEN' }
export const connectTokenSource: SecretSource = { option: 'token-file', variable: 'LENSKEY_CONNECT_TOKEN' }
export const databaseSource: SecretSource = { option: 'database-url-file', variable: 'LENSKEY_DATABASE_URL' }
export const accessTokenSource: SecretSource = { option: 'access-token-file', variable: 'LENSKEY_ACCESS_TOKEN' }

/** The file wins over the environment; white space around the secret is not part of it. */
export function readSecret(source: SecretSource, values: Values, terminal: Terminal): string | undefined {
  const file = values.optional(source.option)
  const secret = (file === undefined ? terminal.env[source.variable] : readSecretText(file, terminal))?.trim()
  if (file !== undefined && secret === '') throw new LenskeyError('ERR_FILE_EMPTY', `${file} is empty`)
  return secret === '' ? undefined : secret
}

/**
 * A secret that changes while the command runs: read again each time it is wanted, remarked on once. Undefined when there is none
 * to begin with.
 */
export function secretReader(source: SecretSource, values: Values, terminal: Terminal): (() => string) | undefined {
  if (readSecret(source, values, terminal) === undefined) return undefined
  return () => needSecret(source, values, { ...terminal, note: () => undefined })
}

/** @throws {UsageError} when there is none */
export function needSecret(source: SecretSource, values: Values, terminal: Terminal): string {
  const secret = readSecret(source, values, terminal)
  if (secret === undefined) throw new UsageError(`--${source.option} FILE or the environment variable ${source.variable} is needed`)
  return secret
}
