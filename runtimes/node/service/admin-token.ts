import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LenskeyError } from '../../../lib/errors.ts'

/** Name of the file in the data folder. */
export const ADMIN_TOKEN_FILE = 'admin-token'

/**
 * The admin token of a data folder, made on the first run in a file that only its owner can read.
 * @throws {LenskeyError} `ERR_ADMIN_TOKEN` when the file is empty
 */
export function loadAdminToken(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, ADMIN_TOKEN_FILE)
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
  const token = readFileSync(file, 'utf8').trim()
  if (token.length < 16) throw new LenskeyError('ERR_ADMIN_TOKEN', `${file} holds no token of at least 16 characters; remove it to have a new one made`)
  return token
}
