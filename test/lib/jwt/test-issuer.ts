import { encodeBase64url, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { createSigner, type EcJwk, generatePrivateKey, publicKeyToJwk } from '../../../lib/crypto/index.ts'
import type { HttpRequest, LogLevel, Random } from '../../../lib/runtime/index.ts'
import { createMemoryHost, createMemoryNetwork, createMemoryClock, type MemoryHost, type MemoryHttpAnswer } from '../../../runtimes/memory/index.ts'

export const ISSUER = 'https://issuer.test'
export const JWKS_URL = `${ISSUER}/jwks.json`

export interface IssuerKey {
  readonly kid: string
  readonly jwk: EcJwk & { kid: string }
  /** @param header - as it stands, beside `alg`; default the name of the key */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export function issuerKey(kid: string, random: Random): IssuerKey {
  const key = generatePrivateKey(random)
  const signer = createSigner(key, { random, tableWindow: 2 })
  const part = (value: unknown): string => encodeBase64url(encodeUtf8(JSON.stringify(value)))
  return {
    kid,
    jwk: { ...publicKeyToJwk(key.publicKey), kid },
    async sign(claims, header = { kid }) {
      const input = `${part({ alg: 'ES256', ...header })}.${part(claims)}`
      return `${input}.${encodeBase64url(await signer.sign(encodeUtf8(input)))}`
    },
  }
}

export interface TestIssuer {
  host: MemoryHost
  /** What the key server publishes. */
  keys: unknown[]
  headers: Record<string, string>
  /** Answers instead of the key set. */
  answer: ((request: HttpRequest) => MemoryHttpAnswer | Promise<MemoryHttpAnswer>) | undefined
  /** Requests so far. */
  asked: number
  warnings: string[]
}

/** A key server on a network in memory. */
export function createTestIssuer(seed = 21): TestIssuer {
  const clock = createMemoryClock()
  const network = createMemoryNetwork({ clock })
  const warnings: string[] = []
  const log = (level: LogLevel, event: string): void => {
    if (level === 'warn') warnings.push(event)
  }
  const issuer: TestIssuer = {
    host: createMemoryHost({ seed, clock, network, log }), keys: [], headers: {}, answer: undefined, asked: 0, warnings,
  }
  network.serve(ISSUER, {
    request(request) {
      issuer.asked++
      return issuer.answer?.(request) ?? { status: 200, headers: issuer.headers, body: JSON.stringify({ keys: issuer.keys }) }
    },
    socket: () => undefined,
  })
  return issuer
}
