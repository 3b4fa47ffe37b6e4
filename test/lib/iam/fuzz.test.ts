import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { type CborValue, encodeCbor } from '../../../lib/cbor/index.ts'
import type { CoapMethod } from '../../../lib/coap/index.ts'
import { DEFAULT_IAM_LIMITS, IamError, parseConfiguration, parseState, serializeConfiguration, serializeState } from '../../../lib/iam/index.ts'
import { seededRandom } from '../crypto/seeded-random.ts'
import { test } from '../../suite.ts'
import { A, C, CONFIGURATION, testDevice, testState } from './support.ts'

const random = seededRandom(2026)

function pick(count: number): number {
  const [high, low] = random.bytes(2)
  return ((high << 8) | low) % count
}

const choose = <Item>(items: readonly Item[]): Item => items[pick(items.length)]

/** Somewhere a value of another kind, a member gone, or bytes that are others. */
function damaged(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  switch (pick(3)) {
    case 0:
      copy[pick(copy.length)] = 0x20 + pick(95)
      return copy
    case 1: {
      const text = decodeUtf8(copy)
      const words = text.match(/"[^"]*"|true|false|\d+|\[\]/g) ?? ['']
      return encodeUtf8(text.replace(choose(words), choose(['null', '[]', '{}', '7', '"x"', '[[1]]', '{"__proto__":1}', 'true'])))
    }
    default:
      return copy.slice(pick(copy.length), copy.length - pick(3))
  }
}

test('damaged files are read as what they still say, or refused', (t) => {
  const files = [
    [serializeConfiguration(CONFIGURATION), (bytes: Uint8Array) => serializeConfiguration(parseConfiguration(bytes))],
    [serializeState(testState()), (bytes: Uint8Array) => serializeState(parseState(bytes, DEFAULT_IAM_LIMITS))],
  ] as const
  for (const [file, rewrite] of files) {
    let read = 0
    for (let count = 0; count < 1500; count++) {
      try {
        const once = rewrite(damaged(file))
        t.equal(decodeUtf8(rewrite(once)), decodeUtf8(once), 'a rewrite changes nothing more')
        read++
      } catch (thrown) {
        if (!(thrown instanceof IamError)) t.fail(String(thrown))
      }
    }
    t.ok(read > 50 && read < 1450, `${read} read`)
  }
})

function someValue(depth = 0): CborValue {
  const simple = (): CborValue => choose<() => CborValue>([
    () => null, () => undefined, () => true, () => false, () => pick(70_000), () => 1.5, () => choose(['', 'testuser', 'newuser', 'Admin', 'ö', A, C, 'x'.repeat(pick(1100))]),
    () => random.bytes(pick(80)), () => 'Connection:IsLocal',
  ])()
  if (depth > 2 || pick(3) > 0) return simple()
  if (pick(2) === 0) return Array.from({ length: pick(4) }, () => someValue(depth + 1))
  const names = ['Username', 'FingerprintName', 'Password', 'Token', 'ProjectId', 'Action', 'Attributes', '__proto__', 'other']
  return Object.fromEntries(Array.from({ length: pick(5) }, () => [choose(names), someValue(depth + 1)]))
}

test('whatever is asked is answered, with a code of the protocol, and the state stays one that can be read', async (t) => {
  const users = testState().users.map((user) => ({ ...user, role: 'Everything' }))
  const { iam, storage, connect } = await testDevice({ state: testState({ users }), notificationCategories: ['testuser'], audit: { events: 16 } })
  const properties = ['role', 'username', 'display-name', 'password', 'sct', 'oauth-subject', 'fingerprint', `fingerprints/${C}`, 'fingerprints/x', 'notification-categories', 'fcm', 'x']
  const seen = new Set<string>()
  for (let count = 0; count < 2500; count++) {
    const connection = connect(choose([A, C, undefined]), { isLocal: pick(2) === 0, isVirtual: pick(4) > 0 })
    if (pick(3) === 0) iam.logIn(connection, { username: '' })
    // Somebody has to be left to ask.
    if (iam.users.find('testuser') === undefined || pick(50) === 0) await iam.store.change(() => ({ state: testState({ users }), result: undefined }))
    const user = choose(['testuser', 'otheruser', 'newuser', '%00', '__proto__'])
    const path = choose([
      ...['password-open', 'password-invite', 'local-open', 'local-initial'].map((mode) => `/iam/pairing/${mode}`), '/iam/users', `/iam/users/${user}`,
      '/iam/settings/local-open-pairing', '/iam/settings/constructor', '/iam/device-info/friendly-name', '/iam/explain', '/audit', '/iam/me', '/iam/settings',
      ...properties.map((property) => `/iam/users/${user}/${property}`),
    ])
    const method = choose<CoapMethod>(['GET', 'PUT', 'PUT', 'POST', 'POST', 'DELETE'])
    const payload = pick(8) === 0 ? random.bytes(pick(40)) : encodeCbor(pick(6) === 0 ? { Username: 'newuser' } : someValue())
    const { code, text } = await connection.requestRaw(method, path, payload, choose([60, 60, 60, 60, 0, undefined]))
    seen.add(code)
    if (text === 'Internal Server Error') t.fail(`${method} ${path}`)
    iam.end(connection)
  }
  t.same([...seen].sort(), ['2.01', '2.02', '2.04', '2.05', '4.00', '4.01', '4.03', '4.04', '4.09', '5.00'])
  t.ok(parseState(await storage.read('iam_state.json') ?? new Uint8Array(0), DEFAULT_IAM_LIMITS))
})
