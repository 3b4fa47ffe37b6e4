import { decodeBase64url, decodeUtf8, encodeBase64url, encodeBase64urlText, encodeUtf8 } from '../../../lib/bytes/index.ts'
import {
  addChallengeEndpoint, type ChallengedConnection, DEFAULT_CHALLENGE_RATE, MAX_CHALLENGE_BYTES,
} from '../../../lib/access/fingerprint-challenge.ts'
import { verifyChallengeAnswer, verifyDevice } from '../../../lib/access/fingerprint-challenge-client.ts'
import { type CoapClient, type CoapResponse, coapSegments, createCoapRouter } from '../../../lib/coap/index.ts'
import { createSigner, fingerprintOf, hmacSha256, parsePrivateKey, publicKeyToJwk } from '../../../lib/crypto/index.ts'
import { SETTLE_MS } from '../../../lib/access/settled.ts'
import type { SessionFingerprints } from '../../../lib/iam/password.ts'
import { createMemoryClock } from '../../../runtimes/memory/clock.ts'
import { type Assert, test } from '../../suite.ts'
import { seededRandom } from '../crypto/seeded-random.ts'

const random = seededRandom(11)
const host = { random }
const session: SessionFingerprints = { client: 'c1'.repeat(32), device: 'd2'.repeat(32) }
const keyOf = (scalar: number): ReturnType<typeof parsePrivateKey> => parsePrivateKey(scalar.toString(16).padStart(64, '0'))
const key = keyOf(77)
const fingerprint = fingerprintOf(key.publicKey)

/** A device, and one way to ask it for each connection it has. */
function device(privateKey = key): { clock: ReturnType<typeof createMemoryClock>; connect(found?: SessionFingerprints | null): CoapClient['request'] } {
  const clock = createMemoryClock()
  const router = createCoapRouter<ChallengedConnection>()
  addChallengeEndpoint(router, createSigner(privateKey, { random }), { clock })
  return {
    clock,
    connect(found = session) {
      const connection = { fingerprints: () => found ?? undefined }
      return (method, path, { payload = new Uint8Array(0), contentFormat } = {}) =>
        router.handle({ method, segments: coapSegments(path), payload, contentFormat }, connection)
    },
  }
}

const verify = (request: CoapClient['request'], expected = fingerprint, own = session): Promise<unknown> =>
  verifyDevice({ request }, expected, own, host)

/** What the device answers, taken apart. */
async function answerTo(nonce: string): Promise<{ token: string; header: Record<string, unknown>; claims: Record<string, unknown> }> {
  const { payload = new Uint8Array(0) } = await device().connect()('POST', '/webrtc/challenge', {
    contentFormat: 50, payload: encodeUtf8(JSON.stringify({ challenge: nonce })),
  })
  const { response: token } = JSON.parse(decodeUtf8(payload)) as { response: string }
  const [header, claims] = token.split('.').slice(0, 2).map((part) => JSON.parse(decodeUtf8(decodeBase64url(part))) as Record<string, unknown>)
  return { token, header, claims }
}

/** A token of whatever header and claims, signed by whatever key. */
async function forge(header: unknown, claims: unknown, by = key): Promise<string> {
  const input = `${encodeBase64urlText(JSON.stringify(header))}.${encodeBase64urlText(JSON.stringify(claims))}`
  return `${input}.${encodeBase64url(await createSigner(by, { random }).sign(encodeUtf8(input)))}`
}

const nonce = 'the nonce of this test'
const check = (token: string, expected = fingerprint): Promise<unknown> => verifyChallengeAnswer(token, nonce, expected, session)
const goodHeader = { alg: 'ES256', typ: 'JWS', jwk: publicKeyToJwk(key.publicKey) }
const goodClaims = { client_fingerprint: session.client, device_fingerprint: session.device, nonce }

test('challenge: the device proves itself on this very session, and its key is known then', async (t) => {
  t.same(await verify(device().connect()), key.publicKey)
  t.same(await verify(device().connect(), fingerprint.toUpperCase()), key.publicKey, 'a fingerprint typed in')
})

test('challenge: the proof has the form of protocol/edge-webrtc.md §5', async (t) => {
  const { header, claims } = await answerTo(nonce)
  t.same(header, goodHeader)
  t.same(claims, goodClaims)
  t.same(await check(await forge(goodHeader, goodClaims)), key.publicKey, 'what the hostile cases below are made of')
})

test('challenge: a challenge relayed to the real device over connections of somebody between is refused', async (t) => {
  const camera = device()
  const between = 'ee'.repeat(32)
  await t.rejects(verify(camera.connect({ client: between, device: session.device })), 'ERR_CHALLENGE_CLIENT_FINGERPRINT', 'the device sees another client')
  await t.rejects(verify(camera.connect(), fingerprint, { client: session.client, device: between }), 'ERR_CHALLENGE_DEVICE_FINGERPRINT', 'the client sees another device')
  await t.rejects(verify(camera.connect({ client: between, device: session.device }), fingerprint, { client: session.client, device: between }), 'ERR_CHALLENGE_CLIENT_FINGERPRINT', 'both')
  await t.rejects(verify(camera.connect({ client: session.device, device: session.client })), 'ERR_CHALLENGE_CLIENT_FINGERPRINT', 'turned round')
})

test('challenge: an answer to an earlier challenge is refused', async (t) => {
  const camera = device().connect()
  let first: CoapResponse | undefined
  const replaying: CoapClient['request'] = async (...args) => (first ??= await camera(...args))
  t.ok(await verify(replaying))
  await t.rejects(verify(replaying), 'ERR_CHALLENGE_NONCE')
})

test('challenge: another device, or another key than the one shown, is refused', async (t) => {
  const other = keyOf(78)
  await t.rejects(verify(device(other).connect()), 'ERR_CHALLENGE_DEVICE')
  await t.rejects(check(await forge({ ...goodHeader, jwk: publicKeyToJwk(other.publicKey) }, goodClaims, other)), 'ERR_CHALLENGE_DEVICE')
  await t.rejects(check(await forge(goodHeader, goodClaims, other)), 'ERR_CHALLENGE_SIGNATURE')
  await t.rejects(check(await forge({ ...goodHeader, kid: `device:${fingerprint}`, jwk: publicKeyToJwk(other.publicKey) }, goodClaims, other)), 'ERR_CHALLENGE_DEVICE', 'a key id is no key')
  t.ok(await check(await forge({ ...goodHeader, kid: 'whatever', typ: 'JWT' }, goodClaims)), 'nor does it matter')
})

test('challenge: claims stripped, of another type or in another spelling are refused', async (t) => {
  const codes = { nonce: 'ERR_CHALLENGE_NONCE', client_fingerprint: 'ERR_CHALLENGE_CLIENT_FINGERPRINT', device_fingerprint: 'ERR_CHALLENGE_DEVICE_FINGERPRINT' }
  for (const [name, code] of Object.entries(codes)) {
    for (const value of [undefined, null, '', 1, true, [goodClaims.nonce], {}, 'D2'.repeat(32), `${session.device} `]) {
      await t.rejects(check(await forge(goodHeader, { ...goodClaims, [name]: value })), code, `${name}: ${JSON.stringify(value)}`)
    }
  }
  await t.rejects(check(await forge(goodHeader, [])), 'ERR_CHALLENGE_MALFORMED')
})

test('challenge: the algorithm is ES256 and nothing else', async (t) => {
  const input = (alg: unknown): string => `${encodeBase64urlText(JSON.stringify({ ...goodHeader, alg }))}.${encodeBase64urlText(JSON.stringify(goodClaims))}`
  await t.rejects(check(`${input('none')}.`), 'ERR_CHALLENGE_ALGORITHM')
  const hmac = input('HS256')
  await t.rejects(check(`${hmac}.${encodeBase64url(hmacSha256(key.publicKey.point, encodeUtf8(hmac)))}`), 'ERR_CHALLENGE_ALGORITHM')
  for (const alg of ['ES384', 'es256', 'RS256', '']) await t.rejects(check(`${input(alg)}.${encodeBase64url(new Uint8Array(64))}`), 'ERR_CHALLENGE_ALGORITHM', alg)
  for (const alg of [undefined, null, 256]) await t.rejects(check(`${input(alg)}.`), 'ERR_CHALLENGE_MALFORMED')
  await t.rejects(check(`${input('ES256')}.`), 'ERR_CHALLENGE_SIGNATURE', 'no signature at all')
})

test('challenge: a token that is none, demands an extension, says a thing twice or was changed is refused', async (t) => {
  const { token } = await answerTo(nonce)
  const [header, claims, signature] = token.split('.')
  for (const bad of ['', '.', '..', 'x.y.z', `${header}.${claims}`, `${token}.`, ` ${token}`, token + 'x'.repeat(9000)]) {
    await t.rejects(check(bad), 'ERR_CHALLENGE_MALFORMED', bad.slice(0, 12))
  }
  await t.rejects(check(await forge({ ...goodHeader, crit: ['exp'] }, goodClaims)), 'ERR_CHALLENGE_MALFORMED')
  const twice = encodeBase64urlText(JSON.stringify(goodHeader).replace('{', '{"jwk":{},'))
  await t.rejects(check(`${twice}.${claims}.${signature}`), 'ERR_CHALLENGE_MALFORMED')
  await t.rejects(check(`${header}.${encodeBase64urlText(JSON.stringify({ ...goodClaims, more: 1 }))}.${signature}`), 'ERR_CHALLENGE_SIGNATURE')
  const flipped = decodeBase64url(signature)
  flipped[0] ^= 1
  await t.rejects(check(`${header}.${claims}.${encodeBase64url(flipped)}`), 'ERR_CHALLENGE_SIGNATURE')
})

test('challenge: a header without a key, or with one that is none, is refused', async (t) => {
  const { jwk } = goodHeader
  for (const bad of [
    undefined, null, 'key', [], {}, { ...jwk, kty: 'RSA' }, { ...jwk, crv: 'P-384' }, { ...jwk, x: jwk.y }, { ...jwk, x: '' }, { ...jwk, y: undefined },
    { ...jwk, x: 'A'.repeat(44) }, { ...jwk, x: 'not base64url!' }, { ...jwk, use: 'enc' }, { ...jwk, key_ops: ['sign'] }, { keys: [jwk] },
  ]) await t.rejects(check(await forge({ ...goodHeader, jwk: bad }, goodClaims)), 'ERR_CHALLENGE_KEY', JSON.stringify(bad))
})

// The x of 379·G and the y of 43·G begin with a zero byte.
for (const [name, scalar] of [['x', 379], ['y', 43]] as const) {
  test(`challenge: a coordinate ${name} that begins with zero is written whole, and read either way`, async (t) => {
    const own = keyOf(scalar)
    const expected = fingerprintOf(own.publicKey)
    const jwk = publicKeyToJwk(own.publicKey)
    t.equal(jwk[name].length, 43)
    t.ok(jwk[name].startsWith('A'))
    t.same(await verify(device(own).connect(), expected), own.publicKey)
    const short = encodeBase64url(decodeBase64url(jwk[name]).subarray(1))
    t.equal(short.length, 42)
    t.same(await check(await forge({ ...goodHeader, jwk: { ...jwk, [name]: short } }, goodClaims, own), expected), own.publicKey)
    await t.rejects(check(await forge({ ...goodHeader, jwk: { ...jwk, [name]: encodeBase64url(decodeBase64url(jwk[name]).subarray(2)) } }, goodClaims, own), expected), 'ERR_CHALLENGE_KEY')
  })
}

test('challenge: no answer, a refusal, and answers that are none', async (t) => {
  const answering = (answer: CoapResponse): Promise<unknown> => verify(() => Promise.resolve(answer))
  await t.rejects(answering({ code: '4.04' }), 'ERR_CHALLENGE_UNSUPPORTED', 'stripped')
  const unsettled = device()
  const asked = verify(unsettled.connect(null))
  asked.catch(() => undefined)
  await unsettled.clock.advance(SETTLE_MS)
  await t.rejects(asked, 'ERR_CHALLENGE_REFUSED', 'a device that does not know its session')
  for (const code of ['4.29', '5.00', '2.04'] as const) await t.rejects(answering({ code }), 'ERR_CHALLENGE_REFUSED')
  for (const payload of [undefined, '', 'null', '[]', '{}', '{"response":null}', '{"response":1,"response":"x"}', '\ufffd', '{"response":"a.b.c"}']) {
    await t.rejects(answering({ code: '2.05', payload: payload === undefined ? undefined : encodeUtf8(payload) }), 'ERR_CHALLENGE_MALFORMED', payload)
  }
  await t.rejects(answering({ code: '2.05', payload: new Uint8Array(9000) }), 'ERR_CHALLENGE_MALFORMED')
  await t.rejects(answering({ code: '2.05', payload: Uint8Array.of(0xff) }), 'ERR_CHALLENGE_MALFORMED')
  await t.rejects(verify(device().connect(), 'no fingerprint'), 'TypeError')
})

test('challenge: the device refuses what is no challenge, in the words of protocol/edge-webrtc.md §5', async (t) => {
  const request = device().connect()
  const said = async (ask: CoapClient['request'], payload: string | Uint8Array, contentFormat?: number): Promise<string> => {
    const answer = await ask('POST', '/webrtc/challenge', { payload: typeof payload === 'string' ? encodeUtf8(payload) : payload, contentFormat })
    return `${answer.code} ${decodeUtf8(answer.payload ?? new Uint8Array(0))}`
  }
  t.equal(await said(request, '{"challenge":"x"}'), '4.00 invalid content format')
  t.equal(await said(request, '{"challenge":"x"}', 60), '4.00 invalid content format')
  t.equal(await said(request, '', 50), '4.00 missing payload')
  for (const bad of ['{', 'null', '[]', '"x"', '{}', '{"challenge":1}', '{"challenge":"a","challenge":"b"}', '{"challenge":{}}', Uint8Array.of(0xff), '['.repeat(1000)]) {
    t.equal(await said(request, bad, 50), '4.00 Invalid JSON')
  }
  const unsettled = device()
  const answer = said(unsettled.connect(null), '{"challenge":"x"}', 50)
  await unsettled.clock.advance(SETTLE_MS)
  t.equal(await answer, '4.00 Invalid Connection')
  const longest = JSON.stringify({ challenge: 'n'.repeat(MAX_CHALLENGE_BYTES - '{"challenge":""}'.length) })
  t.ok((await said(request, longest, 50)).startsWith('2.05 '))
  t.equal(await said(request, longest + ' ', 50), '4.00 Invalid JSON')
})

test('challenge: while the session is negotiated anew, the device waits for what it is to prove', async (t) => {
  const clock = createMemoryClock()
  const router = createCoapRouter<ChallengedConnection>()
  addChallengeEndpoint(router, createSigner(key, { random }), { clock })
  const told: { session?: SessionFingerprints } = {}
  const proved = verify((method, path, { payload = new Uint8Array(0), contentFormat } = {}) =>
    router.handle({ method, segments: coapSegments(path), payload, contentFormat }, { fingerprints: () => told.session }))
  await clock.advance(SETTLE_MS - 100)
  told.session = session
  await clock.advance(100)
  t.same(await proved, key.publicKey)
})

test('challenge: a connection gets so many proofs at once, and one more after a while', async (t) => {
  const camera = device()
  const request = camera.connect()
  const code = async (ask = request): Promise<string> =>
    (await ask('POST', '/webrtc/challenge', { contentFormat: 50, payload: encodeUtf8('{"challenge":"x"}') })).code
  for (let count = 0; count < DEFAULT_CHALLENGE_RATE.burst; count++) t.equal(await code(), '2.05')
  t.equal(await code(), '4.29')
  t.equal(await code(camera.connect()), '2.05', 'another connection is not concerned')
  await camera.clock.advance(DEFAULT_CHALLENGE_RATE.refillMs - 1)
  t.equal(await code(), '4.29')
  await camera.clock.advance(1)
  t.equal(await code(), '2.05')
  t.equal(await code(), '4.29')
})

test('challenge: whatever the answer is made of, it is refused with a code', async (t) => {
  const { token } = await answerTo(nonce)
  const draw = seededRandom(12)
  const characters = 'ABCxyz019-_.={}"'
  const codes = new Set<string>()
  for (let round = 0; round < 600; round++) {
    const [high = 0, low = 0, pick = 0] = draw.bytes(3)
    const at = ((high << 8) | low) % token.length
    const changed = pick < 128 ? token.slice(0, at) + characters[pick % characters.length] + token.slice(at + 1) : token.slice(0, at)
    if (changed !== token) codes.add(await codeOf(t, changed))
  }
  t.ok(codes.size >= 3, [...codes].join(' '))
})

async function codeOf(t: Assert, token: string): Promise<string> {
  try {
    await check(token)
  } catch (thrown) {
    const { code } = thrown as { code?: unknown }
    if (typeof code === 'string' && code.startsWith('ERR_CHALLENGE_')) return code
    throw thrown
  }
  t.fail('a changed token was taken')
  return ''
}
