import { createCertificatePin } from '../access/index.ts'
import { encodeUtf8 } from '../bytes/index.ts'
import { type CoapClientLimits, type CoapMethod, type CoapRequestOptions, type CoapResponse, contentFormats, createCoapClient } from '../coap/index.ts'
import { LenskeyError } from '../errors.ts'
import { authenticatePassword, type AuthenticateOptions } from '../iam/index.ts'
import { generatePassword } from '../iam/secrets.ts'
import type { Host } from '../runtime/index.ts'
import type { PeerConnection } from '../webrtc/index.ts'
import { type DeviceChannel, keepDeviceChannel } from './device-channel.ts'
import { ClientError, requireSuccess } from './errors.ts'
import { createIamRequests, type IamClient } from './iam-client.ts'
import { formatPairingLink } from './pairing-link.ts'
import { createProof, type Proof } from './proof.ts'
import { createViewer, type Viewer, type ViewerOptions } from './viewer.ts'

export interface CameraClientOptions<Connection extends PeerConnection> extends Omit<ViewerOptions<Connection>, 'attach' | 'checkDescription'> {
  /** Called before anything is negotiated: register for tracks here. */
  attach?: (peerConnection: Connection) => void
  coapLimits?: CoapClientLimits
}

/** What becomes of a credential on a connection whose other end has not been verified. */
export interface CredentialOptions {
  /** `allow` sends it to whoever is there; default `refuse`. */
  onUnverified?: 'refuse' | 'allow'
}

export interface LoginOptions extends CredentialOptions, AuthenticateOptions {
  /** Empty for the open-pairing password. */
  username: string
  password: string
}

/** The four ways to become a user (protocol/iam.md §5). Those with a password log in first; local ones are for clients in the device's own network. */
export type PairOptions = CredentialOptions & {
  /** Name of this client's key in the list of the user's. */
  fingerprintName?: string
} & (
  | { mode: 'password-open'; username: string; password: string }
  | { mode: 'password-invite'; username: string; password: string }
  | { mode: 'local-open'; username: string }
  | { mode: 'local-initial' }
)

export interface Invitation {
  username: string
  role: string
  /** Page that the link leads to. */
  frontEnd: string
  /** Default: one made here, 66 bits. */
  password?: string
}

/** {@link IamClient} with what carries a password; none goes out on an unverified connection unless told so by name. */
export interface CameraIamClient extends IamClient {
  /** Null takes it away: then nobody can log in as this user. */
  setPassword(username: string, password: string | null, options?: CredentialOptions): Promise<void>
  /**
   * Becomes a user. A key of WebRTC is gone with its session in most browsers, and an invitation's password with its use: whoever
   * wants to come back by password sets a new one, or just logs in with `authenticate`.
   * @throws as `authenticate`, and {RefusedError}
   */
  pair(options: PairOptions): Promise<void>
  /**
   * Makes a user with a role and a password, and the link that leads there; none of it stays when a step fails.
   * @throws {ClientError} `ERR_CLIENT_UNVERIFIED`: without its proof there is no fingerprint to put into the link
   */
  invite(invitation: Invitation): Promise<string>
}

/** One session with one camera: the picture, and requests to it. */
export interface CameraClient<Connection extends PeerConnection> {
  readonly viewer: Viewer<Connection>
  readonly iam: CameraIamClient
  /** Fingerprint of the device's key once it has proved to be at the other end of this very connection. */
  readonly verifiedDevice: string | undefined
  /** No I/O before. */
  start(): void
  close(): void
  /** Resolves when requests go through. @throws {ClientError} `ERR_CLIENT_ENDED` */
  ready(): Promise<void>
  /**
   * Has the device prove that it is at the other end, and nobody between (protocol/edge-webrtc.md §5), all checks included. Before
   * it has, no credential goes out, and no picture is the device's.
   * @param expected - fingerprint of its key, 64 digits, as a pairing link or the device itself has it. May be left out after a
   * login by password, in which both ends have proved to know it: then this finds out which device it is.
   * @param expected.firstUse - takes whichever device answers for the one that is meant, where nobody has told which that is: for
   * pairing with a new device in its own network. Nobody can be between, but another device may have answered.
   * @returns the fingerprint of its key
   * @throws {ChallengeError} {SdpFingerprintError} {ClientError} and what `CoapClient.request` rejects with
   */
  verify(expected?: { fingerprint?: string; firstUse?: boolean; timeoutMs?: number }): Promise<string>
  /** Logs in by password (protocol/iam.md §6). @throws {ClientError} `ERR_CLIENT_UNVERIFIED` {PasswordError} */
  authenticate(login: LoginOptions): Promise<void>
  /** Any answer resolves, error codes included. @throws {ClientError} `ERR_CLIENT_ENDED`; as `CoapClient.request` */
  coap(method: CoapMethod, path: string, options?: CoapRequestOptions): Promise<CoapResponse>
  /**
   * Has the camera add tracks by their ids; `ViewerOptions.metadata` hears which is which. Resolves when it has agreed to.
   * @throws {RefusedError} {ClientError} as `coap`
   */
  requestTracks(trackIds: readonly string[]): Promise<void>
}

/** A viewer that can also ask the camera. A channel that closes is opened again, and what waits goes through once. */
export function createCameraClient<Connection extends PeerConnection>(options: CameraClientOptions<Connection>, host: Host): CameraClient<Connection> {
  const coap = createCoapClient(host, options.coapLimits)
  const waiting = new Set<{ resolve: () => void; reject: (reason: ClientError) => void }>()
  let channel: DeviceChannel | undefined
  let proof: Proof | undefined
  let isReady = false
  let ended: ClientError | undefined

  const viewer = createViewer<Connection>({
    ...options,
    checkDescription: createCertificatePin(),
    attach(peerConnection) {
      proof = createProof(peerConnection, coap, host, end)
      channel = keepDeviceChannel(peerConnection, coap, host.clock, () => {
        isReady = true
        for (const { resolve } of waiting) resolve()
        waiting.clear()
      })
      options.attach?.(peerConnection)
    },
  }, host)
  viewer.on('ended', end)

  function end(cause: unknown): void {
    if (ended !== undefined) return
    ended = new ClientError('ERR_CLIENT_ENDED', 'the session with the camera is over', { cause })
    channel?.close()
    proof?.close()
    for (const { reject } of waiting) reject(ended)
    waiting.clear()
    coap.close()
    viewer.close(cause)
  }

  function ready(): Promise<void> {
    if (ended !== undefined) return Promise.reject(ended)
    if (isReady) return Promise.resolve()
    return new Promise((resolve, reject) => waiting.add({ resolve, reject }))
  }

  async function send(method: CoapMethod, path: string, request?: CoapRequestOptions): Promise<CoapResponse> {
    try {
      return await coap.request(method, path, request)
    } catch (thrown) {
      throw ended !== undefined && thrown instanceof LenskeyError && thrown.code === 'ERR_COAP_CLOSED' ? ended : thrown
    }
  }

  /** The proof of a connection that is there. */
  async function proven(what: string, { onUnverified = 'refuse' }: CredentialOptions): Promise<Proof> {
    const found = await current()
    if (onUnverified !== 'allow') found.require(what)
    return found
  }

  async function current(): Promise<Proof> {
    await ready()
    if (proof === undefined) throw new ClientError('ERR_CLIENT_ENDED', 'the session with the camera is over')
    return proof
  }

  async function authenticate({ username, password, onUnverified, ...rest }: LoginOptions): Promise<void> {
    const connection = await proven('a login', { onUnverified })
    await authenticatePassword({ request: send }, username, password, connection.fingerprints(), host, rest)
    connection.loggedIn()
  }

  const requests = createIamRequests(send)
  const iam: CameraIamClient = {
    ...requests,
    async setPassword(username, password, credential = {}): Promise<void> {
      await proven('a password', credential)
      await requests.setPassword(username, password)
    },
    async pair(pairing): Promise<void> {
      const { mode, fingerprintName } = pairing
      if (mode === 'password-open') await authenticate({ ...credentialOf(pairing), username: '' })
      if (mode === 'password-invite') await authenticate({ ...credentialOf(pairing), username: pairing.username })
      const named = fingerprintName === undefined ? {} : { FingerprintName: fingerprintName }
      await requests.pair(mode, mode === 'password-open' || mode === 'local-open' ? { Username: pairing.username, ...named } : named)
    },
    async invite({ username, role, frontEnd, password = generatePassword(host.random) }): Promise<string> {
      const { device: fingerprint } = await proven('an invitation', {})
      const { serverConnectToken } = await requests.createUser(username)
      try {
        await requests.setRole(username, role)
        await requests.setPassword(username, password)
      } catch (thrown) {
        await requests.deleteUser(username).catch(() => undefined)
        throw thrown
      }
      const { productId, deviceId } = options
      return formatPairingLink({ frontEnd, productId, deviceId, username, password, serverConnectToken, fingerprint: fingerprint ?? '' })
    },
  }

  return {
    viewer,
    iam,
    get verifiedDevice() {
      return proof?.device
    },
    start: () => {
      viewer.start()
    },
    close: () => {
      end(undefined)
    },
    ready,
    verify: async ({ fingerprint, firstUse, timeoutMs } = {}) => (await current()).verify(fingerprint, timeoutMs, firstUse),
    authenticate,
    coap: send,
    async requestTracks(trackIds): Promise<void> {
      requireSuccess(await send('POST', '/webrtc/tracks', { contentFormat: contentFormats.json, payload: encodeUtf8(JSON.stringify({ tracks: trackIds })) }))
    },
  }
}

function credentialOf({ password, onUnverified }: CredentialOptions & { password: string }): Pick<LoginOptions, 'password' | 'onUnverified'> {
  return { password, onUnverified }
}
