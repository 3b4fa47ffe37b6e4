import { decodeHex, encodeUtf8, equalBytes } from '../bytes/index.ts'
import { CoapError } from '../coap/index.ts'
import { edgeKeys, sha256, type Spake2Side, startSpake2 } from '../crypto/index.ts'
import { isOnP256 } from '../crypto/p256-field.ts'
import { LenskeyError } from '../errors.ts'
import type { Clock, NativeCrypto, Random } from '../runtime/index.ts'
import { type ClientAttempts, createPasswordAttempts, type PasswordAttempt, type PasswordLimits } from './password-attempts.ts'

/** What a device looks passwords up in. */
export interface PasswordSource<Login> {
  /**
   * The password of a user name, and what a connection becomes by proving it; undefined when nobody may log in by that
   * name. The empty name is that of the open-pairing password (protocol/iam.md §6.3).
   */
  find(username: string): { readonly password: string; readonly login: Login } | undefined
}

/** SHA-256 of both DTLS certificates of one session, 64 lower-case digits each, from the descriptions in force. */
export interface SessionFingerprints {
  readonly client: string
  readonly device: string
}

export interface PasswordHost {
  clock: Clock
  random: Random
  nativeCrypto?: NativeCrypto
  /** See `DEFAULT_TABLE_WINDOW`. */
  tableWindow?: number
}

/** What one connection shows to password authentication. */
export interface PasswordConnection<Login> {
  /** Undefined for as long as either is unknown; then nobody can log in. */
  fingerprints(): SessionFingerprints | undefined
  /** The password was proved: the connection is this login from now on, until the next one. */
  adopt(login: Login): void
  /** An attempt came to its end, for the audit. `throttled`: nothing was compared. */
  attempted?(username: string, outcome: 'accepted' | 'refused' | 'throttled'): void
}

/** Both rounds on one connection. Whatever is refused is a {CoapError} with the code of protocol/iam.md §6.2. */
export interface PasswordExchange {
  /**
   * What comes before anything else is looked at.
   * @throws {CoapError} 4.29 while this connection may not try; round 2 of an attempt that has begun always may
   */
  check(round: 1 | 2): void
  /**
   * Round 1; waits while others have used up what all share.
   * @param share - T of the client
   * @returns S. Always, whether there is such a user or not, with the same work.
   * @throws {CoapError} 4.29; 5.00 when T is no point of the curve, or a fingerprint is unknown
   */
  start(username: string, share: Uint8Array): Promise<Uint8Array>
  /**
   * Round 2, once per round 1. Only here, and only when it succeeds, the identity changes.
   * @param confirmation - A of the client, 32 bytes
   * @returns B
   * @throws {CoapError} 4.00 without a round 1; 4.01 when the password was another
   */
  finish(confirmation: Uint8Array): Uint8Array
  /** The connection is gone. */
  close(): void
}

export interface PasswordAuthenticator<Login> {
  exchange(connection: PasswordConnection<Login>): PasswordExchange
}

/** A round 1 that was answered. */
interface Pending {
  readonly username: string
  readonly password: string | undefined
  readonly side: Spake2Side
  readonly share: Uint8Array
  readonly attempt: PasswordAttempt
  readonly fingerprints: SessionFingerprints
}

/** The device's end of password authentication (protocol/iam.md §6). */
export function createPasswordAuthenticator<Login>(
  source: PasswordSource<Login>, host: PasswordHost, limits?: PasswordLimits,
): PasswordAuthenticator<Login> {
  const attempts = createPasswordAttempts(host, limits)
  return {
    exchange: (connection) => new Exchange(source, host, attempts.client(), connection),
  }
}

class Exchange<Login> implements PasswordExchange {
  readonly #source: PasswordSource<Login>
  readonly #host: PasswordHost
  readonly #attempts: ClientAttempts
  readonly #connection: PasswordConnection<Login>
  #pending: Pending | undefined
  #closed = false

  constructor(source: PasswordSource<Login>, host: PasswordHost, attempts: ClientAttempts, connection: PasswordConnection<Login>) {
    this.#source = source
    this.#host = host
    this.#attempts = attempts
    this.#connection = connection
  }

  check(round: 1 | 2): void {
    const begun = round === 2 && this.#pending !== undefined
    if (!begun && this.#attempts.exhausted()) throw new CoapError('4.29')
  }

  async start(username: string, share: Uint8Array): Promise<Uint8Array> {
    const fingerprints = this.#connection.fingerprints()
    if (fingerprints === undefined || !isOnP256(share)) throw new CoapError('5.00')
    const attempt = await this.#attempts.begin(username)
    if (this.#closed) throw new CoapError('5.00')
    if (attempt === undefined) {
      this.#connection.attempted?.(username, 'throttled')
      throw new CoapError('4.29')
    }
    const { random, nativeCrypto } = this.#host
    // Where there is no password, bytes that nobody can guess take its place, and nothing is done differently.
    const dummy = random.bytes(32)
    const password = this.#source.find(username)?.password
    const w = sha256(password === undefined ? dummy : encodeUtf8(password), nativeCrypto)
    const side = startSpake2('B', w, this.#host)
    this.#pending = { username, password, side, share, attempt, fingerprints }
    return side.share
  }

  finish(confirmation: Uint8Array): Uint8Array {
    const pending = this.#pending
    if (confirmation.length !== 32 || pending === undefined) throw new CoapError('4.00')
    this.#pending = undefined
    const answer = this.#prove(pending, confirmation)
    // What was proved is what was the password at round 1, and it has to be still.
    const found = this.#source.find(pending.username)
    if (answer === undefined || found === undefined || found.password !== pending.password) {
      this.#connection.attempted?.(pending.username, 'refused')
      throw new CoapError('4.01')
    }
    pending.attempt.succeeded()
    this.#connection.adopt(found.login)
    this.#connection.attempted?.(pending.username, 'accepted')
    return answer
  }

  /**
   * B when A is right. For one password in 256 clients differ in how they write w, so both ways are looked at, for every
   * password. That gives a guesser nothing: T commits to one w, however it is written.
   */
  #prove({ side, share, fingerprints: { client, device } }: Pending, confirmation: Uint8Array): Uint8Array | undefined {
    let transcript
    try {
      transcript = side.transcript(share, decodeHex(client), decodeHex(device))
    } catch (thrown) {
      // T was the mask alone: a guess like any other, and answered only now, when it has been paid for.
      if (thrown instanceof LenskeyError && thrown.code === 'ERR_SPAKE2_SHARE') return undefined
      throw thrown
    }
    const minimal = edgeKeys(transcript, 'minimal', this.#host.nativeCrypto)
    const full = edgeKeys(transcript, 'full', this.#host.nativeCrypto)
    const isMinimal = equalBytes(minimal.confirmA, confirmation)
    const isFull = equalBytes(full.confirmA, confirmation)
    return isMinimal ? minimal.confirmB : isFull ? full.confirmB : undefined
  }

  close(): void {
    this.#closed = true
    this.#pending = undefined
    this.#attempts.close()
  }
}
