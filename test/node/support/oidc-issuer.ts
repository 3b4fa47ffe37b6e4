import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'

interface TearDown {
  teardown(undo: () => void | Promise<void>): void
}

/** What signs tokens, and what it is called. */
export interface SigningKey {
  alg: 'RS256' | 'ES256'
  kid: string
  privateKey: CryptoKey
  /** Without `alg` and `use`, as many servers publish it. */
  jwk: JWK & { kid: string }
  /** PEM. */
  publicKey: string
}

export async function makeSigningKey(kid: string, alg: SigningKey['alg'] = 'RS256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...await exportJWK(publicKey), kid }, publicKey: await exportSPKI(publicKey) }
}

/** A token of five minutes, with claims of its own. */
export function signToken({ alg, kid, privateKey }: SigningKey, claims: Record<string, unknown>): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  return new SignJWT({ sub: 'someone', iat, exp: iat + 300, ...claims }).setProtectedHeader({ alg, kid }).sign(privateKey)
}

/** An OAuth server as far as others see one: a set of keys at an address on loopback, and tokens that `jose` makes. */
export class OidcIssuer {
  /** `iss` of its tokens. */
  readonly url: string
  readonly jwksUri: string
  /** The set. */
  published: unknown[] = []
  headers: Record<string, string> = { 'content-type': 'application/json' }
  /** Answers instead of the set. */
  answer: ((response: ServerResponse, request: IncomingMessage) => void) | undefined
  /** Requests so far. */
  asked = 0
  readonly #server: Server
  readonly #port: number

  private constructor(server: Server) {
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    this.url = `http://127.0.0.1:${this.#port}`
    this.jwksUri = `${this.url}/jwks.json`
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.asked++
      if (this.answer === undefined) response.writeHead(200, this.headers).end(JSON.stringify({ keys: this.published }))
      else this.answer(response, request)
    })
  }

  static async start(t: TearDown): Promise<OidcIssuer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const issuer = new OidcIssuer(server)
    t.teardown(() => issuer.stop())
    return issuer
  }

  /** Nothing listens there any more. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  /** After `stop`, at the same address. */
  async startAgain(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
  }

  /** A new key in the set. */
  async addKey(kid: string, alg?: SigningKey['alg']): Promise<SigningKey> {
    const key = await makeSigningKey(kid, alg)
    this.published.push(key.jwk)
    return key
  }

  /** A token of five minutes, with changes. */
  sign(key: SigningKey, claims: Record<string, unknown>): Promise<string> {
    return signToken(key, { iss: this.url, ...claims })
  }
}
