import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts'
import { CoapError, type CoapRouter, contentFormats } from '../coap/index.ts'
import { publicKeyToJwk, type Signer } from '../crypto/index.ts'
import type { SessionFingerprints } from '../iam/password.ts'
import { AttemptBucket, type AttemptRate } from '../iam/password-attempts.ts'
import { es256SigningKey, jwtSigner } from '../jwt/index.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'
import type { Clock } from '../runtime/index.ts'
import { whenSettled } from './settled.ts'

/** Bytes of a challenge with its JSON around it; a nonce takes 36 to 64. */
export const MAX_CHALLENGE_BYTES = 1024

/** Answers of one connection: each costs the device a signature, and a client needs one. */
export const DEFAULT_CHALLENGE_RATE: AttemptRate = { burst: 5, refillMs: 5000 }

/** What one connection shows to the challenge. Its identity is the object. */
export interface ChallengedConnection {
  /** By the descriptions in force: the client's is the remote one. Undefined for as long as either is unknown. */
  fingerprints(): SessionFingerprints | undefined
}

/**
 * Puts `/webrtc/challenge` on a device's router (protocol/edge-webrtc.md §5): whoever asks gets a proof, by the key that the
 * cloud knows the device by, that this device is at the other end of this very DTLS connection. No access check: this comes
 * before a client shows who it is.
 * @throws {RangeError} the router has one already
 */
export function addChallengeEndpoint<Context extends ChallengedConnection>(
  router: CoapRouter<Context>, signer: Signer, { clock, rate = DEFAULT_CHALLENGE_RATE }: { clock: Clock; rate?: AttemptRate },
): void {
  // What a bucket holds leads back to no connection: QuickJS of 2021 would never let go of one.
  const buckets = new WeakMap<ChallengedConnection, AttemptBucket>()
  const sign = jwtSigner({ typ: 'JWS', jwk: publicKeyToJwk(signer.publicKey) }, es256SigningKey(signer))

  router.on('POST', '/webrtc/challenge', async ({ context: connection, contentFormat, payload }) => {
    if (contentFormat !== contentFormats.json) throw new CoapError('4.00', 'invalid content format')
    if (payload.length === 0) throw new CoapError('4.00', 'missing payload')
    const nonce = readNonce(payload)
    spend(connection)
    const fingerprints = await whenSettled(() => connection.fingerprints(), clock)
    if (fingerprints === undefined) throw new CoapError('4.00', 'Invalid Connection')
    const response = await sign({ client_fingerprint: fingerprints.client, device_fingerprint: fingerprints.device, nonce })
    return { code: '2.05', contentFormat: contentFormats.json, payload: encodeUtf8(JSON.stringify({ response })) }
  })

  function spend(connection: ChallengedConnection): void {
    let bucket = buckets.get(connection)
    if (bucket === undefined) buckets.set(connection, (bucket = new AttemptBucket(rate)))
    const nowMs = clock.monotonicMs()
    if (bucket.waitMs(nowMs) > 0) throw new CoapError('4.29')
    bucket.take(nowMs)
  }
}

function readNonce(payload: Uint8Array): string {
  if (payload.length > MAX_CHALLENGE_BYTES) throw new CoapError('4.00', 'Invalid JSON')
  let challenge: unknown
  try {
    challenge = parseStrictObject(decodeUtf8(payload), 2).challenge
  } catch (cause) {
    throw new CoapError('4.00', 'Invalid JSON', { cause })
  }
  if (typeof challenge !== 'string') throw new CoapError('4.00', 'Invalid JSON')
  return challenge
}
