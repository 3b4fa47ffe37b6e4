import { createSigner, deviceKeyId, parsePrivateKey, type Signer } from '../crypto/index.ts'
import { es256SigningKey, jwtSigner } from '../jwt/index.ts'
import type { Clock, NativeCrypto, Random } from '../runtime/index.ts'

export interface TokenHost {
  clock: Pick<Clock, 'nowMs'>
  random: Random
  nativeCrypto?: NativeCrypto
}

const DAY_SECONDS = 86_400

/**
 * Makes the tokens by which a device proves who it is (protocol/webrtc-signaling.md §1.1): one per connect attempt and one
 * per request for ICE servers. The key is read and its `kid` computed once, at the first token.
 */
export class DeviceTokenGenerator {
  /** The claims that stay, as the end of the JSON text: of a token only three numbers change. */
  readonly #lastClaims: string
  readonly #key: string | Signer
  readonly #host: TokenHost
  readonly #lifetimeSeconds: number
  #sign: ReturnType<typeof jwtSigner> | undefined

  /**
   * @param privateKey - as `parsePrivateKey` reads it, or a signer where the key stays in a secure element
   * @param lifetimeSeconds - for a service that takes none that live longer (`tokenLifetimeSeconds`); default a day
   */
  constructor(productId: string, deviceId: string, privateKey: string | Signer, host: TokenHost, lifetimeSeconds = DAY_SECONDS) {
    const claims = { scope: 'device:connect turn', resource: `urn:nabto:webrtc:${productId}:${deviceId}` }
    this.#lastClaims = JSON.stringify(claims).slice(1)
    this.#key = privateKey
    this.#host = host
    this.#lifetimeSeconds = lifetimeSeconds
  }

  /**
   * A fresh token, good from now on by the device's clock.
   * @throws {LenskeyError} what `parsePrivateKey` throws, each time, when the key is not usable
   */
  async generateToken(): Promise<string> {
    this.#sign ??= this.#prepare()
    const iat = Math.floor(this.#host.clock.nowMs() / 1000)
    return this.#sign(`{"iat":${iat},"nbf":${iat},"exp":${iat + this.#lifetimeSeconds},${this.#lastClaims}`)
  }

  #prepare(): ReturnType<typeof jwtSigner> {
    const signer = typeof this.#key === 'string' ? createSigner(parsePrivateKey(this.#key, this.#host), this.#host) : this.#key
    return jwtSigner({ typ: 'JWT', kid: deviceKeyId(signer.publicKey, this.#host.nativeCrypto) }, es256SigningKey(signer))
  }
}
