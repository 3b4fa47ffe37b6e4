import { readFileSync, statSync } from 'node:fs'
import { messageOf } from '../../../lib/errors.ts'
import { DEFAULT_KEY_SET_LIMITS, JwksError, type JwtKeySource, type KeySet, parseKeySet } from '../../../lib/jwt/index.ts'
import type { Log, NativeCrypto } from '../../../lib/runtime/index.ts'

/**
 * A key set (JWKS) in a file, read again when the file has changed; one that cannot be read then leaves the keys as they are.
 * @throws {JwksError} `ERR_JWKS_MALFORMED`, `ERR_JWKS_UNAVAILABLE`
 */
export function openKeySetFile(file: string, host: { log: Log; nativeCrypto?: NativeCrypto }): JwtKeySource {
  let seen = versionOf(file)
  let keys = readKeys(file, host)
  return {
    keyFor(kid) {
      try {
        const version = versionOf(file)
        if (version !== seen) {
          seen = version
          keys = readKeys(file, host)
        }
      } catch (thrown) {
        host.log('warn', 'jwks.file.failed', { file, reason: messageOf(thrown) })
      }
      const key = keys.get(kid)
      return key === undefined ? Promise.reject(new JwksError('ERR_JWKS_KEY_UNKNOWN', 'the key that this token names is not in the set of its issuer')) : Promise.resolve(key)
    },
  }
}

/** Of a file that is replaced as well as of one that is written over. */
function versionOf(file: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(file)
    return `${ino} ${mtimeMs} ${size}`
  } catch (cause) {
    throw new JwksError('ERR_JWKS_UNAVAILABLE', `cannot read the key set ${file}`, { cause })
  }
}

function readKeys(file: string, host: { nativeCrypto?: NativeCrypto }): KeySet {
  if (statSync(file).size > DEFAULT_KEY_SET_LIMITS.maxBytes) throw new JwksError('ERR_JWKS_MALFORMED', `${file} is too long for a set of keys`)
  const keys = parseKeySet(readFileSync(file), host)
  if (keys.size === 0) throw new JwksError('ERR_JWKS_MALFORMED', `the key set ${file} has no key that can be used`)
  return keys
}
