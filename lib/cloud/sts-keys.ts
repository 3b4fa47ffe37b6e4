import { decodeUtf8, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import { createSigner, type EcJwk, fingerprintOf, generatePrivateKey, type P256PrivateKey, parsePrivateKey, privateKeyToPem, publicKeyToJwk } from '../crypto/index.ts'
import { LenskeyError } from '../errors.ts'
import { es256SigningKey, signJwt } from '../jwt/index.ts'
import type { Clock, NativeCrypto, Random, Storage } from '../runtime/index.ts'

export interface StsKeyOptions {
  /** Holds the private keys: for the service alone. */
  storage: Storage
  name: string
  /** A key signs for so long, seconds. */
  rotateSeconds: number
  /** After that its public half stays published for so long: until no token that it signed is good any more, seconds. */
  keepSeconds: number
}

export interface StsKeys {
  /** With the key that is in use now; `typ` is that of RFC 9068 §2.1. */
  sign(claims: Record<string, unknown>): Promise<string>
  /** All that verify, newest first. */
  published(): Promise<StsJwk[]>
}

export interface StsJwk extends EcJwk {
  kid: string
  alg: 'ES256'
  use: 'sig'
}

/** Times are seconds since 1970. */
interface SavedKey {
  kid: string
  pem: string
  since: number
}

/**
 * The keys of a token service; the first is made when one is wanted.
 * @throws {LenskeyError} `ERR_STS_KEYS` the file cannot be read: it is left as it is
 */
export async function openStsKeys(options: StsKeyOptions, host: { clock: Clock; random: Random; nativeCrypto?: NativeCrypto }): Promise<StsKeys> {
  const { storage, name, rotateSeconds, keepSeconds } = options
  const nowSeconds = (): number => Math.floor(host.clock.nowMs() / 1000)
  let keys = readKeys(await storage.read(name))
  let turn: Promise<unknown> = Promise.resolve()

  /** The key in use, first in the list; a new one where that is too old, saved before anything is signed with it. */
  function current(): Promise<SavedKey> {
    const next = turn.then(async () => {
      const now = nowSeconds()
      // Under a clock that was set back a key may be from the future: it goes on.
      const isDue = keys.length === 0 || now - keys[0].since >= rotateSeconds
      // A key ended when the one before it in the list began.
      const kept = keys.filter((_key, at) => at === 0 || now - keys[at - 1].since < keepSeconds)
      if (isDue || kept.length < keys.length) {
        const list = isDue ? [makeKey(now), ...kept] : kept
        await storage.write(name, encodeUtf8(JSON.stringify({ version: 1, keys: list })))
        keys = list
      }
      return keys[0]
    })
    turn = next.catch(() => undefined)
    return next
  }

  function makeKey(since: number): SavedKey {
    const key = generatePrivateKey(host.random, host.nativeCrypto)
    return { kid: encodeHex(host.random.bytes(8)), pem: privateKeyToPem(key), since }
  }

  return {
    async sign(claims) {
      const { kid, pem } = await current()
      return signToken(claims, kid, parsePrivateKey(pem, host), host)
    },
    async published() {
      await current()
      return keys.map(({ kid, pem }) => publicJwk(kid, parsePrivateKey(pem, host)))
    },
  }
}

/**
 * Keys that whoever runs the service looks after: several nodes can have the same ones, and a new key is published before it signs.
 * @param keys - the first signs, all are published; 1 to 16 @throws {RangeError} none, or more
 */
export function createStsKeys(keys: readonly P256PrivateKey[], host: { random: Random; nativeCrypto?: NativeCrypto }): StsKeys {
  if (keys.length < 1 || keys.length > MAX_GIVEN_KEYS) throw new RangeError(`a token service has 1 to ${MAX_GIVEN_KEYS} keys`)
  const named = keys.map((key) => ({ key, kid: fingerprintOf(key.publicKey, host.nativeCrypto).slice(0, 16) }))
  const [{ kid, key }] = named
  return {
    sign: (claims) => signToken(claims, kid, key, host),
    published: () => Promise.resolve(named.map((each) => publicJwk(each.kid, each.key))),
  }
}

/** Devices take 32 at most. */
const MAX_GIVEN_KEYS = 16

async function signToken(claims: Record<string, unknown>, kid: string, key: P256PrivateKey, host: { random: Random; nativeCrypto?: NativeCrypto }): Promise<string> {
  return signJwt({ typ: 'at+jwt', kid }, claims, es256SigningKey(createSigner(key, host)))
}

function publicJwk(kid: string, { publicKey }: P256PrivateKey): StsJwk {
  return { ...publicKeyToJwk(publicKey), kid, alg: 'ES256', use: 'sig' }
}

function readKeys(bytes: Uint8Array | undefined): SavedKey[] {
  if (bytes === undefined) return []
  let found: unknown
  try {
    found = (JSON.parse(decodeUtf8(bytes)) as { keys?: unknown }).keys
  } catch {
    // The cause would quote the text, which holds secrets.
  }
  const isKey = (key: unknown): key is SavedKey => {
    const { kid, pem, since } = (key ?? {}) as Record<string, unknown>
    return typeof kid === 'string' && typeof pem === 'string' && Number.isFinite(since)
  }
  if (!Array.isArray(found) || !found.every(isKey)) throw new LenskeyError('ERR_STS_KEYS', 'the file with the keys of the token service cannot be read; remove it to have new ones made')
  return found
}
