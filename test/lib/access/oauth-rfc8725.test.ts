import { decodeBase64url, encodeBase64url, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { generatePrivateKey, parsePublicKey, publicKeyToJwk, publicKeyToPem } from '../../../lib/crypto/index.ts'
import { hs256Key, signJwt } from '../../../lib/jwt/index.ts'
import { random } from '../iam/support.ts'
import { issuerKey, JWKS_URL } from '../jwt/test-issuer.ts'
import cookbook from '../../vectors/jose-cookbook/4_1.rsa_v15_signature.json' with { type: 'json' }
import { test } from '../../suite.ts'
import { AUDIENCE, IDS, key, oauthStage, type Stage } from './oauth-stage.ts'

const text = (value: unknown): string => encodeBase64url(encodeUtf8(typeof value === 'string' ? value : JSON.stringify(value)))
const other = issuerKey('a', random)
const withHeader = (changes: Record<string, unknown>) => ({ claims }: Stage): Promise<string> => key.sign(claims(), { kid: 'a', ...changes })
const withClaims = (changes: Record<string, unknown>) => ({ claims }: Stage): Promise<string> => key.sign(claims(changes))
/** A header and claims spelt by hand, with the signature of another token. */
const unsigned = (header: unknown) => async ({ claims }: Stage): Promise<string> => `${text(header)}.${text(claims())}.${(await key.sign(claims())).split('.')[2]}`
const hmacBy = (secret: string) => ({ claims }: Stage): string => signJwt({ kid: 'a' }, claims(), hs256Key(encodeUtf8(secret)))

interface Attack {
  practice: string
  attack: string
  token: (stage: Stage) => string | Uint8Array | Promise<string>
  /** What the key server publishes instead. */
  keys?: unknown[]
}

/** Every practice of RFC 8725 §3 with tokens that break it; each must be refused, and leave the connection as it was. */
const attacks: Attack[] = [
  { practice: '3.1 algorithm verification', attack: 'alg none, no signature', token: ({ claims }) => `${text({ alg: 'none', kid: 'a' })}.${text(claims())}.` },
  { practice: '3.1 algorithm verification', attack: 'alg none, a good signature', token: unsigned({ alg: 'none', kid: 'a' }) },
  { practice: '3.1 algorithm verification', attack: 'alg nOnE', token: unsigned({ alg: 'nOnE', kid: 'a' }) },
  { practice: '3.1 algorithm verification', attack: 'HS256 with the public key as PEM for a secret', token: hmacBy(publicKeyToPem(parsePublicKey({ ...key.jwk }))) },
  { practice: '3.1 algorithm verification', attack: 'HS256 with the JWK for a secret', token: hmacBy(JSON.stringify(key.jwk)) },
  { practice: '3.1 algorithm verification', attack: 'RS256 named for a P-256 key', token: unsigned({ alg: 'RS256', kid: 'a' }) },
  { practice: '3.1 algorithm verification', attack: 'ES256 named for an RSA key', token: unsigned({ alg: 'ES256', kid: 'rsa' }), keys: [{ kty: 'RSA', kid: 'rsa', n: cookbook.input.key.n, e: 'AQAB' }] },
  { practice: '3.2 appropriate algorithms', attack: 'ES384', token: unsigned({ alg: 'ES384', kid: 'a' }) },
  { practice: '3.2 appropriate algorithms', attack: 'a key marked for RS384', token: withHeader({}), keys: [{ ...key.jwk, alg: 'RS384' }] },
  { practice: '3.2 appropriate algorithms', attack: 'a shared secret in the key set', token: hmacBy('secret'), keys: [{ kty: 'oct', kid: 'a', alg: 'HS256', k: text('secret') }] },
  { practice: '3.3 all cryptographic operations', attack: 'signed by another key', token: ({ claims }) => other.sign(claims()) },
  { practice: '3.3 all cryptographic operations', attack: 'claims changed after signing', token: async ({ claims }) => {
    const [header, , signature] = (await key.sign(claims({ sub: 'nobody' }))).split('.')
    return `${header}.${text(claims())}.${signature}`
  } },
  { practice: '3.3 all cryptographic operations', attack: 'no signature', token: async ({ claims }) => `${(await key.sign(claims())).split('.').slice(0, 2).join('.')}.` },
  { practice: '3.3 all cryptographic operations', attack: 'a token in a token, of which the outer is not ours', token: async ({ claims }) => other.sign({ jwt: await key.sign(claims()) }) },
  { practice: '3.4 cryptographic inputs', attack: 'r and s zero', token: ({ claims }) => `${text({ alg: 'ES256', kid: 'a' })}.${text(claims())}.${encodeBase64url(new Uint8Array(64))}` },
  { practice: '3.4 cryptographic inputs', attack: 'a point off the curve', token: withHeader({}), keys: [{ ...key.jwk, y: key.jwk.x }] },
  { practice: '3.4 cryptographic inputs', attack: 'RSA with exponent 1', token: ({ claims }) => `${text({ alg: 'RS256', kid: 'rsa' })}.${text(claims())}.${encodeBase64url(new Uint8Array(256).fill(1))}`, keys: [{ kty: 'RSA', kid: 'rsa', n: cookbook.input.key.n, e: 'AQ' }] },
  { practice: '3.5 sufficient entropy', attack: 'an RSA key of 1024 bits', token: unsigned({ alg: 'RS256', kid: 'rsa' }), keys: [{ kty: 'RSA', kid: 'rsa', n: cookbook.input.key.n.slice(0, 171), e: 'AQAB' }] },
  { practice: '3.5 sufficient entropy', attack: 'HS256 with an empty secret', token: hmacBy('') },
  { practice: '3.6 no compression', attack: 'a header that says so', token: withHeader({ crit: ['zip'], zip: 'DEF' }) },
  { practice: '3.6 no compression', attack: 'an encrypted token', token: () => `${text({ alg: 'ECDH-ES', enc: 'A128GCM', zip: 'DEF', kid: 'a' })}..AA.AA.AA` },
  { practice: '3.7 UTF-8', attack: 'claims in Latin-1', token: async () => {
    const input = `${text({ alg: 'ES256', kid: 'a' })}.${encodeBase64url(Uint8Array.of(0x7b, 0x22, 0xe6, 0x22, 0x3a, 0x31, 0x7d))}`
    return `${input}.${(await key.sign({})).split('.')[2]}`
  } },
  { practice: '3.7 UTF-8', attack: 'a body that is no UTF-8', token: () => Uint8Array.of(0xff, 0x2e, 0x2e) },
  { practice: '3.7 UTF-8', attack: 'base64 with padding', token: async ({ claims }) => `${await key.sign(claims())}==` },
  { practice: '3.8 issuer and subject', attack: 'another issuer', token: withClaims({ iss: 'https://evil.test' }) },
  { practice: '3.8 issuer and subject', attack: 'the issuer in a list', token: withClaims({ iss: ['https://issuer.test'] }) },
  { practice: '3.8 issuer and subject', attack: 'no subject', token: withClaims({ sub: undefined }) },
  { practice: '3.8 issuer and subject', attack: 'a subject that is a list', token: withClaims({ sub: ['oauth_subject'] }) },
  { practice: '3.9 audience', attack: 'no audience', token: withClaims({ aud: undefined }) },
  { practice: '3.9 audience', attack: 'another device', token: withClaims({ aud: AUDIENCE.replace('front', 'back') }) },
  { practice: '3.9 audience', attack: 'a part of it', token: withClaims({ aud: AUDIENCE.slice(0, -1) }) },
  { practice: '3.10 received claims', attack: 'a kid that is a path', token: withHeader({ kid: '../../keys/a' }) },
  { practice: '3.10 received claims', attack: 'a kid that is a query', token: withHeader({ kid: "a' OR '1'='1" }) },
  { practice: '3.10 received claims', attack: 'a kid that every object has', token: withHeader({ kid: 'constructor' }) },
  { practice: '3.10 received claims', attack: 'keys from elsewhere', token: ({ claims }) => other.sign(claims(), { kid: 'b', jku: 'https://evil.test/jwks', x5u: 'https://evil.test/cert' }) },
  { practice: '3.10 received claims', attack: 'a key brought along', token: ({ claims }) => other.sign(claims(), { kid: 'a', jwk: other.jwk }) },
  { practice: '3.11 explicit typing', attack: 'an event', token: withHeader({ typ: 'secevent+jwt' }) },
  { practice: '3.11 explicit typing', attack: 'a proof of possession', token: withHeader({ typ: 'dpop+jwt' }) },
  { practice: '3.11 explicit typing', attack: 'the answer to a challenge', token: withHeader({ typ: 'JWS' }) },
  { practice: '3.12 exclusive rules', attack: 'a token for the rendezvous', token: withClaims({ aud: 'https://rendezvous.test', devices: 'wp-a.wd-front' }) },
  { practice: '3.12 exclusive rules', attack: 'a client access token', token: ({ nowSeconds }) => key.sign({ iat: nowSeconds(), exp: nowSeconds() + 60, scope: 'client:connect', resource: `urn:nabto:webrtc:${IDS.productId}:${IDS.deviceId}` }) },
  { practice: '3.12 exclusive rules', attack: 'one without an end', token: withClaims({ exp: undefined }) },
  { practice: '2.6 one reading of JSON', attack: 'a claim twice', token: async ({ claims }) => {
    const [header, payload, signature] = (await key.sign(claims())).split('.')
    const twice = `${String.fromCharCode(...decodeBase64url(payload)).slice(0, -1)},"sub":"other_subject"}`
    return `${header}.${text(twice)}.${signature}`
  } },
]

test('oauth: RFC 8725, every practice has tokens that break it', async (t) => {
  const stage = await oauthStage()
  t.equal((await stage.post(stage.connect(), await key.sign(stage.claims()))).code, '2.01', 'a good one')
  for (const { practice, attack, token, keys = [key.jwk] } of attacks) {
    const attacked = await oauthStage()
    attacked.keys = keys
    const connection = attacked.connect()
    const { code, text: words } = await attacked.post(connection, await token(attacked))
    t.equal(`${code} ${words}`, '4.01 Invalid token', `${practice}: ${attack}`)
    t.equal(attacked.iam.identityOf(connection).source, 'unpaired')
    t.ok(attacked.asked.every((url) => url === JWKS_URL), 'no address in a token is followed')
  }
  for (let practice = 1; practice <= 12; practice++) t.ok(attacks.some((attack) => attack.practice.startsWith(`3.${practice} `)), `§3.${practice}`)
})

test('oauth: a key of the device itself opens nothing here', async (t) => {
  const stage = await oauthStage()
  const device = issuerKey(`device:${'a'.repeat(64)}`, random)
  t.equal((await stage.post(stage.connect(), await device.sign(stage.claims()))).code, '4.01')
  t.ok(publicKeyToJwk(generatePrivateKey(random).publicKey).x !== key.jwk.x)
})
