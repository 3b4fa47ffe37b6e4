import { concatBytes, encodeHex, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { type CborValue, encodeCbor } from '../../../lib/cbor/index.ts'
import { type CoapClient, type CoapResponse, coapSegments, createCoapRouter } from '../../../lib/coap/index.ts'
import { hmacSha256, sha256, startSpake2 } from '../../../lib/crypto/index.ts'
import { p256With, readPoint, writePoint } from '../../../lib/crypto/p256.ts'
import { numberOf, ORDER } from '../../../lib/crypto/p256-field.ts'
import { createPasswordAuthenticator, type PasswordExchange, type PasswordHost, type SessionFingerprints } from '../../../lib/iam/password.ts'
import { type AuthenticateOptions, authenticatePassword } from '../../../lib/iam/password-client.ts'
import { addPasswordEndpoints } from '../../../lib/iam/password-endpoints.ts'
import type { Random } from '../../../lib/runtime/index.ts'
import { createMemoryClock } from '../../../runtimes/memory/clock.ts'
import vectors from '../../vectors/spake2/edge_profile_own.json' with { type: 'json' }
import { type Assert, test } from '../../suite.ts'
import { uncompressed } from '../crypto/noble-p256.ts'
import { seededRandom } from '../crypto/seeded-random.ts'

const fingerprints: SessionFingerprints = { client: 'c1'.repeat(32), device: 'd2'.repeat(32) }
const random = seededRandom(7)

/** A device with some users, and the connections to it. */
function device(host: Partial<PasswordHost> = {}): {
  users: Map<string, string>
  clock: ReturnType<typeof createMemoryClock>
  connect(found?: SessionFingerprints | null): Connection
} {
  const clock = createMemoryClock()
  const users = new Map([['owner', 'correct horse'], ['john', 'battery staple'], ['', 'open sesame'], ['zero', 'test304']])
  const authenticator = createPasswordAuthenticator<string>(
    {
      find(username) {
        const password = users.get(username)
        return password === undefined ? undefined : { password, login: `login:${username}` }
      },
    },
    { clock, random, ...host },
  )
  const router = createCoapRouter<PasswordExchange>()
  addPasswordEndpoints(router, (exchange) => exchange)
  return {
    users,
    clock,
    connect(found = fingerprints) {
      const identities: string[] = []
      const attempts: string[] = []
      const exchange = authenticator.exchange({
        fingerprints: () => found ?? undefined,
        adopt: (login) => identities.push(login),
        attempted: (username, outcome) => attempts.push(`${username} ${outcome}`),
      })
      const request: CoapClient['request'] = (method, path, { payload = new Uint8Array(0), contentFormat } = {}) =>
        router.handle({ method, segments: coapSegments(path), payload, contentFormat }, exchange)
      return {
        exchange,
        identities,
        attempts,
        request,
        roundOne: (username, share) => request('POST', '/p2p/pwd-auth/1', { contentFormat: 60, payload: encodeCbor({ Username: username, T: share }) }),
        roundTwo: (payload) => request('POST', '/p2p/pwd-auth/2', { contentFormat: 42, payload }),
        logIn: (username, password, own = fingerprints, options) => authenticatePassword({ request }, username, password, own, { random }, options),
      }
    },
  }
}

interface Connection {
  exchange: PasswordExchange
  /** What the connection has become, in order. */
  identities: string[]
  attempts: string[]
  request: CoapClient['request']
  roundOne(username: string, share: Uint8Array): Promise<CoapResponse>
  roundTwo(confirmation: Uint8Array): Promise<CoapResponse>
  logIn(username: string, password: string, own?: SessionFingerprints, options?: AuthenticateOptions): Promise<void>
}

const someShare = (): Uint8Array => startSpake2('A', sha256(encodeUtf8('whatever')), { random }).share
const wrongConfirmation = new Uint8Array(32)

test('password: both rounds, and each side knows that the other knows the password', async (t) => {
  const connection = device().connect()
  const answers: CoapResponse[] = []
  const request: CoapClient['request'] = async (...args) => {
    const answer = await connection.request(...args)
    answers.push(answer)
    t.equal(connection.identities.length, answers.length - 1, 'the identity comes with round 2')
    return answer
  }
  await authenticatePassword({ request }, 'john', 'battery staple', fingerprints, { random })
  t.same(answers.map(({ code, contentFormat, payload }) => [code, contentFormat, payload?.length]), [['2.01', 42, 65], ['2.01', 42, 32]])
  t.same(connection.identities, ['login:john'])
  t.same(connection.attempts, ['john accepted'])
})

test('password: the empty name is that of the open-pairing password', async (t) => {
  const connection = device().connect()
  await connection.logIn('', 'open sesame')
  t.same(connection.identities, ['login:'])
})

test('password: a wrong password, an unknown user and a user without a password get the same answers', async (t) => {
  for (const username of ['owner', 'nobody', '-']) {
    const connection = device().connect()
    await t.rejects(connection.logIn(username, 'guess'), 'ERR_PASSWORD_WRONG', username)
    const one = await connection.roundOne(username, someShare())
    t.same([one.code, one.contentFormat, one.payload?.length, one.payload?.[0]], ['2.01', 42, 65, 4])
    t.same(await connection.roundTwo(wrongConfirmation), { code: '4.01' })
    t.same(connection.identities, [])
    t.same(connection.attempts, [`${username} refused`, `${username} refused`])
  }
})

test('password: an unknown user costs the very operations that a known one does, in their order', async (t) => {
  const operations = async (username: string): Promise<string[]> => {
    const seen: string[] = []
    const counting: Random = { bytes(length) { seen.push(`random ${length}`); return random.bytes(length) } }
    const nativeCrypto = {
      sha256(message: Uint8Array) { seen.push(`sha256 ${Math.ceil((message.length + 9) / 64)} blocks`); return sha256(message) },
      hmacSha256(key: Uint8Array, message: Uint8Array) { seen.push('hmac'); return hmacSha256(key, message) },
    }
    const connection = device({ random: counting, nativeCrypto }).connect()
    await connection.roundOne(username, someShare())
    await connection.roundTwo(wrongConfirmation)
    seen.length = 0
    await connection.roundOne(username, someShare())
    seen.push('answered')
    await connection.roundTwo(wrongConfirmation)
    return seen
  }
  const known = await operations('owner')
  t.ok(known.length > 8)
  t.equal(known.filter((operation) => operation === 'random 16').length, 4, 'four blinded multiplications')
  t.same(await operations('nobody'), known)
  t.same(await operations('zero'), known, 'nor does a hash that begins with zero show')
})

test('password: round 1 alone changes nothing, and so does a round 2 that fails', async (t) => {
  const connection = device().connect()
  await connection.logIn('john', 'battery staple')
  await connection.roundOne('owner', someShare())
  t.same(connection.identities, ['login:john'])
  t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.01')
  t.same(connection.identities, ['login:john'])
  t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.00', 'one round 2 to each round 1')
  await connection.logIn('owner', 'correct horse')
  t.same(connection.identities, ['login:john', 'login:owner'], 'a later login replaces the identity')
})

test('password: a confirmation counts once, on its own connection', async (t) => {
  const camera = device()
  const [connection, other] = [camera.connect(), camera.connect()]
  let confirmation: Uint8Array = wrongConfirmation
  const request: CoapClient['request'] = (method, path, options) => {
    if (path.endsWith('2')) confirmation = options?.payload ?? confirmation
    return connection.request(method, path, options)
  }
  await authenticatePassword({ request }, 'owner', 'correct horse', fingerprints, { random })
  t.equal((await connection.roundTwo(confirmation)).code, '4.00', 'replayed')
  t.equal((await other.roundTwo(confirmation)).code, '4.00', 'on a connection without round 1')
  await other.roundOne('owner', someShare())
  t.equal((await other.roundTwo(confirmation)).code, '4.01', 'after a round 1 of its own')
  t.same(other.identities, [])
})

test('password: a login relayed between two connections fails at both ends', async (t) => {
  const camera = device()
  const relayed = camera.connect({ client: 'ee'.repeat(32), device: fingerprints.device })
  await t.rejects(relayed.logIn('owner', 'correct horse'), 'ERR_PASSWORD_WRONG', 'the device sees another client')
  const other = camera.connect({ client: fingerprints.client, device: 'ee'.repeat(32) })
  await t.rejects(other.logIn('owner', 'correct horse'), 'ERR_PASSWORD_WRONG', 'the client sees another device')
  t.same([...relayed.identities, ...other.identities], [])
})

test('password: no password fails, whichever way the client writes w', async (t) => {
  const camera = device()
  for (const { password, w } of vectors.vectors) {
    camera.users.set('somebody', password)
    for (const encoding of ['minimal', 'full'] as const) {
      const connection = camera.connect()
      await connection.logIn('somebody', password, fingerprints, { encoding })
      t.same(connection.identities, ['login:somebody'], `${encoding} of ${w.slice(0, 4)}`)
    }
  }
})

test('password: whoever sends the mask alone learns nothing before it has spent an attempt', async (t) => {
  const { Point } = p256With(random)
  const maskOf = (password: string): Uint8Array =>
    writePoint(readPoint(Point, uncompressed(vectors.M)).multiply(numberOf(sha256(encodeUtf8(password))) % ORDER))
  for (const guess of ['correct horse', 'battery']) {
    const connection = device().connect()
    t.equal((await connection.roundOne('owner', maskOf(guess))).code, '2.01', guess)
    t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.01', guess)
    t.same(connection.attempts, ['owner refused'])
    for (let count = 1; count < 10; count++) t.equal((await connection.roundOne(`user ${count}`, maskOf(guess))).code, '2.01')
    await connection.roundTwo(wrongConfirmation)
    t.equal((await connection.roundOne('owner', maskOf(guess))).code, '4.29')
  }
})

test('password: after ten failures a connection is told to wait, whatever it sends, and a second later may try once', async (t) => {
  const camera = device()
  const connection = camera.connect()
  for (let count = 0; count < 10; count++) {
    t.equal((await connection.roundOne(`user ${count}`, someShare())).code, '2.01')
    t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.01', `failure ${count + 1}`)
  }
  t.same(await connection.request('POST', '/p2p/pwd-auth/1'), { code: '4.29' }, 'before anything is looked at')
  t.same(await connection.roundTwo(wrongConfirmation), { code: '4.29' })
  await camera.clock.advance(1000)
  t.equal((await connection.roundOne('owner', someShare())).code, '2.01')
  t.same(await connection.request('POST', '/p2p/pwd-auth/1'), { code: '4.29' }, 'the next round 1')
  t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.01', 'but the attempt that has begun comes to its end')
  await t.rejects(connection.logIn('john', 'battery staple'), 'ERR_PASSWORD_THROTTLED')
  await camera.clock.advance(999)
  await t.rejects(connection.logIn('john', 'battery staple'), 'ERR_PASSWORD_THROTTLED')
  await camera.clock.advance(1)
  await connection.logIn('john', 'battery staple')
  t.same(connection.identities, ['login:john'])
  await connection.logIn('owner', 'correct horse')
  t.same(connection.identities, ['login:john', 'login:owner'], 'a success has cost nothing')
})

test('password: the first ten failures of a device are answered at once, the next ones wait; a connection that goes takes its own along', async (t) => {
  const camera = device()
  for (let count = 0; count < 10; count++) await camera.connect().roundOne(`user ${count}`, someShare())
  const [gone, patient] = [camera.connect(), camera.connect()]
  const answers: string[] = []
  void gone.roundOne('a', someShare()).then(({ code }) => answers.push(`gone ${code}`))
  const login = patient.logIn('john', 'battery staple').then(() => answers.push('patient'))
  await camera.clock.advance(999)
  t.same(answers, [])
  gone.exchange.close()
  await camera.clock.advance(1)
  await login
  t.same(answers, ['gone 5.00', 'patient'])
  gone.exchange.close()
})

test('password: a password that changes between the rounds, or a user who goes, is no login', async (t) => {
  for (const change of [
    (users: Map<string, string>) => users.set('owner', 'another one'),
    (users: Map<string, string>) => users.delete('owner'),
  ]) {
    const camera = device()
    const connection = camera.connect()
    const request: CoapClient['request'] = async (method, path, options) => {
      const answer = await connection.request(method, path, options)
      if (path.endsWith('1')) change(camera.users)
      return answer
    }
    await t.rejects(authenticatePassword({ request }, 'owner', 'correct horse', fingerprints, { random }), 'ERR_PASSWORD_WRONG')
    t.same(connection.identities, [])
  }
})

test('password: round 1 is refused in the order of protocol/iam.md §6.2, free of charge', async (t) => {
  const camera = device()
  const connection = camera.connect()
  const share = someShare()
  const off = share.slice()
  off[64] ^= 1
  const one = async (payload: Uint8Array, contentFormat?: number): Promise<string> =>
    (await connection.request('POST', '/p2p/pwd-auth/1', { payload, contentFormat })).code
  const body = (value: CborValue): Promise<string> => one(encodeCbor(value).slice(), 60)
  const valid = { Username: 'owner', T: share }
  t.equal(await one(encodeCbor(valid)), '4.15', 'no format')
  t.equal(await one(encodeCbor(valid), 50), '4.15', 'another format')
  t.equal(await one(new Uint8Array(0), 60), '4.00', 'no payload')
  t.equal(await one(encodeUtf8('{}'), 60), '4.00', 'no CBOR')
  for (const bad of [
    null, [valid], 'text', new Uint8Array(65), new Map([[1, 2]]), {}, { Username: 'owner' }, { T: share }, { Username: null, T: share },
    { Username: encodeUtf8('owner'), T: share }, { Username: 'owner', T: encodeHex(share) }, { Username: 'x'.repeat(4097), T: share },
    { Username: 'ä'.repeat(2049), T: share }, { Username: 'owner', T: new Uint8Array(257) },
  ]) t.equal(await body(bad), '4.00', encodeHex(encodeCbor(bad).slice(0, 12)))
  for (const bad of [off, share.subarray(1), new Uint8Array(65), new Uint8Array(256), new Uint8Array(0), Uint8Array.of(0)]) {
    t.equal(await body({ Username: 'owner', T: bad }), '5.00', `T of ${bad.length} bytes`)
  }
  t.equal(await body({ T: share, other: [1, 2], Username: 'x'.repeat(4096) }), '2.01', 'any order, members unknown, the longest name')
  t.equal(await one(concatBytes(encodeCbor(valid), Uint8Array.of(0)), 60), '2.01', 'what follows the first item is ignored')
  const indefinite = concatBytes(Uint8Array.of(0xbf), encodeCbor('Username').slice(), Uint8Array.of(0x7f), encodeCbor('ow').slice(), encodeCbor('ner').slice(), Uint8Array.of(0xff), encodeCbor('T').slice(), encodeCbor(share).slice(), Uint8Array.of(0xff))
  t.equal(await one(indefinite, 60), '2.01', 'indefinite lengths')
  t.equal((await connection.roundTwo(new Uint8Array(31))).code, '4.00')
  t.equal((await connection.roundTwo(new Uint8Array(0))).code, '4.00')
  t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.01', 'the round 1 before them was not lost')
})

test('password: no login before both fingerprints are known', async (t) => {
  const connection = device().connect(null)
  t.same(await connection.roundOne('owner', someShare()), { code: '5.00' })
  await t.rejects(connection.logIn('owner', 'correct horse'), 'ERR_PASSWORD_FAILED')
  t.equal((await connection.roundTwo(wrongConfirmation)).code, '4.00')
  await t.rejects(connection.logIn('owner', 'correct horse', { client: '', device: fingerprints.device }), 'TypeError')
})

test('password: a router has password authentication once, or answers 4.04', async (t) => {
  const router = createCoapRouter<PasswordExchange>()
  const { exchange } = device().connect()
  const request: CoapClient['request'] = (method, path, options = {}) =>
    router.handle({ method, segments: coapSegments(path), payload: options.payload ?? new Uint8Array(0), contentFormat: options.contentFormat }, exchange)
  await t.rejects(authenticatePassword({ request }, 'owner', 'correct horse', fingerprints, { random }), 'ERR_PASSWORD_UNSUPPORTED')
  addPasswordEndpoints(router, (context) => context)
  t.throws(() => { addPasswordEndpoints(router, (context) => context) }, 'has a handler already')
  await authenticatePassword({ request }, 'owner', 'correct horse', fingerprints, { random })
})

test('password: a client that talks to somebody else than the device says so', async (t) => {
  const answering = (...answers: CoapResponse[]): { sent: number; login: Promise<void> } => {
    const seen = { sent: 0, login: Promise.resolve() }
    const request: CoapClient['request'] = () => Promise.resolve(answers[seen.sent++])
    seen.login = authenticatePassword({ request }, 'owner', 'correct horse', fingerprints, { random })
    return seen
  }
  const w = sha256(encodeUtf8('correct horse'))
  const { Point } = p256With(random)
  const mask = writePoint(readPoint(Point, uncompressed(vectors.N)).multiply(numberOf(w) % ORDER))
  for (const bad of [new Uint8Array(65), new Uint8Array(0), Uint8Array.of(0), mask]) {
    const seen = answering({ code: '2.01', payload: bad })
    await t.rejects(seen.login, 'ERR_PASSWORD_DEVICE')
    t.equal(seen.sent, 1, 'nothing is confirmed to whoever sends that')
  }
  const S = startSpake2('B', w, { random }).share
  for (const payload of [new Uint8Array(32), new Uint8Array(31), undefined]) {
    await t.rejects(answering({ code: '2.01', payload: S }, { code: '2.01', payload }).login, 'ERR_PASSWORD_DEVICE', 'accepts anything')
  }
  await t.rejects(answering({ code: '5.00' }).login, 'ERR_PASSWORD_FAILED')
  await t.rejects(answering({ code: '2.05', payload: S }).login, 'ERR_PASSWORD_FAILED')
})

test('password: whatever round 1 is made of, the answer is one of protocol/iam.md §6.2', async (t) => {
  const router = createCoapRouter<PasswordExchange>()
  let started = 0
  const exchange: PasswordExchange = {
    check: () => undefined,
    start: () => { started++; return Promise.resolve(new Uint8Array(65)) },
    finish: () => new Uint8Array(32),
    close: () => undefined,
  }
  addPasswordEndpoints(router, () => exchange)
  const whole = encodeCbor({ Username: 'owner', T: someShare() }).slice()
  const draw = seededRandom(8)
  await allAnswered(t, 3000, (round) => {
    const [at = 0, value = 0, kind = 0] = draw.bytes(3)
    if (round < whole.length) return whole.subarray(0, round)
    if (kind < 64) return draw.bytes(at)
    const changed = whole.slice()
    changed[at % whole.length] = value
    return changed
  }, async (payload) => (await router.handle({ method: 'POST', segments: ['p2p', 'pwd-auth', '1'], contentFormat: 60, payload }, exchange)).code)
  t.ok(started > 100, `${started} were taken`)
})

async function allAnswered(t: Assert, rounds: number, make: (round: number) => Uint8Array, answer: (payload: Uint8Array) => Promise<string>): Promise<void> {
  const codes = new Set<string>()
  for (let round = 0; round < rounds; round++) codes.add(await answer(make(round)))
  t.same([...codes].sort(), ['2.01', '4.00'])
}
