import { decodeUtf8, encodeUtf8 } from '../../../lib/bytes/index.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../../../lib/cbor/index.ts'
import { type CoapMethod, type CoapRouter, coapSegments, createCoapRouter } from '../../../lib/coap/index.ts'
import {
  type Configuration, EMPTY_STATE, type Iam, type IamConnection, type IamOptions, newUser, openIam, type Policy, type State,
} from '../../../lib/iam/index.ts'
import { silentLog, type Storage } from '../../../lib/runtime/index.ts'
import { createMemoryClock, type MemoryClock } from '../../../runtimes/memory/clock.ts'
import { createMemoryStorage } from '../../../runtimes/memory/storage.ts'
import { seededRandom } from '../crypto/seeded-random.ts'

export const A = 'a'.repeat(64)
export const B = 'b'.repeat(64)
export const C = 'c'.repeat(64)
export const D = '1234567890123456789012345678901212345678901234567890123456789012'

export const random = seededRandom(11)

export function allow(id: string, ...actions: string[]): Policy {
  return { id, statements: [{ effect: 'Allow', actions, conditions: [] }] }
}

/** The roles that protocol/iam.md §10 tests with. */
export const CONFIGURATION: Configuration = {
  policies: [
    allow('TestPolicy', 'IAM:PairingPasswordOpen', 'IAM:PairingPasswordInvite', 'Test:bar'),
    allow('AdminPolicy', 'Admin:foo', 'Admin:bar'),
    allow('IamPolicy', ...[
      'ListUsers', 'GetUser', 'DeleteUser', 'SetUserRole', 'ListRoles', 'CreateUser', 'SetUserPassword', 'SetUserFingerprint',
      'SetUserDisplayName', 'SetUserOauthSubject', 'SetSettings', 'GetSettings',
    ].map((verb) => `IAM:${verb}`)),
    allow('More', ...['GetPairing', 'PairingLocalOpen', 'PairingLocalInitial', 'SetUserUsername', 'SetUserSct', 'SetDeviceInfo',
      'ListNotificationCategories', 'SetUserNotificationCategories', 'SetUserFcm', 'SendUserFcmTest', 'Explain'].map((verb) => `IAM:${verb}`), 'Audit:Read'),
  ],
  roles: [
    { id: 'TestRole', policies: ['TestPolicy'] },
    { id: 'Admin', policies: ['TestPolicy', 'AdminPolicy', 'IamPolicy'] },
    { id: 'Everything', policies: ['TestPolicy', 'AdminPolicy', 'IamPolicy', 'More'] },
  ],
  unpairedRole: 'TestRole',
}

/** The users that protocol/iam.md §10 tests with. */
export function testState(changes: Partial<State> = {}): State {
  return {
    ...EMPTY_STATE,
    openPairingPassword: 'password',
    openPairingSct: 'token',
    friendlyName: 'Friendly Name',
    openPairingRole: 'Admin',
    initialPairingUsername: 'testuser',
    localOpenPairing: true,
    passwordOpenPairing: true,
    passwordInvitePairing: true,
    localInitialPairing: true,
    users: [
      newUser('testuser', {
        displayName: 'Display Name', role: 'Admin', password: 'password2', oauthSubject: 'oauth_subject',
        fingerprints: [{ fingerprint: A, name: 'myphone' }, { fingerprint: B, name: 'yourphone' }],
      }),
      newUser('otheruser', { role: 'Admin', password: 'password3', oauthSubject: 'other_subject' }),
    ],
    ...changes,
  }
}

export interface Answer {
  code: string
  contentFormat: number | undefined
  /** Decoded when it is CBOR. */
  value: CborValue
  /** A payload without a format, as diagnostics are. */
  text: string
}

/** A connection that a test can turn into another. */
export interface TestConnection extends IamConnection {
  clientFingerprint: string | undefined
  deviceFingerprint: string | undefined
  isLocal: boolean
  isVirtual: boolean
  request(method: CoapMethod, path: string, body?: CborValue): Promise<Answer>
  /** As it stands, for what is not CBOR. */
  requestRaw(method: CoapMethod, path: string, payload: Uint8Array, contentFormat?: number): Promise<Answer>
  logIn(username: string): void
}

export interface TestDevice {
  iam: Iam
  router: CoapRouter<IamConnection>
  clock: MemoryClock
  storage: Storage
  connect: (fingerprint?: string, changes?: Partial<Pick<IamConnection, 'isLocal' | 'isVirtual'>>) => TestConnection
}

export async function testDevice(options: Partial<IamOptions> & { state?: State } = {}): Promise<TestDevice> {
  const clock = createMemoryClock()
  const { state = testState(), storage = createMemoryStorage() } = options
  const iam = await openIam({ configuration: CONFIGURATION, createState: () => state, ...options, storage }, { clock, random, log: silentLog })
  const router = createCoapRouter<IamConnection>()
  iam.attach(router)
  let count = 0
  return {
    iam,
    router,
    clock,
    storage,
    connect(clientFingerprint, changes) {
      const connection: TestConnection = {
        id: String(++count), clientFingerprint, deviceFingerprint: D, isLocal: false, isVirtual: true, ...changes,
        request: (method, path, body) => body === undefined
          ? connection.requestRaw(method, path, new Uint8Array(0))
          : connection.requestRaw(method, path, encodeCbor(body), 60),
        async requestRaw(method, path, payload, contentFormat) {
          const [plain, ...query] = path.split('?')
          const { code, contentFormat: format, payload: answer = new Uint8Array(0) } =
            await router.handle({ method, segments: coapSegments(plain), payload, contentFormat, query }, connection)
          return { code, contentFormat: format, value: format === 60 ? decodeCbor(answer) : undefined, text: format === undefined ? decodeUtf8(answer) : '' }
        },
        logIn(username) {
          const found = iam.passwords.find(username)
          if (found === undefined) throw new Error(`no password for ${username}`)
          iam.logIn(connection, found.login)
        },
      }
      iam.begin(connection)
      return connection
    },
  }
}

/** A file of JSON. */
export function file(content: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(content))
}
