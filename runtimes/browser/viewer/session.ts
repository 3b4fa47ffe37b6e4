import { type CameraClient, ClientTracks, createCameraClient, RefusedError, type RemoteUser } from '../../../lib/client/index.ts'
import { sdpFingerprintOf } from '../../../lib/access/index.ts'
import { LenskeyError } from '../../../lib/errors.ts'
import { type SignalingChannelState, type SignalingConnectionState, SignalingError } from '../../../lib/signaling/index.ts'
import { type PeerConnectionState, type TrackEntry } from '../../../lib/webrtc/index.ts'
import { createBrowserHost } from '../host.ts'
import { CameraToken } from './camera-token.ts'
import { type Trust } from './explain.ts'
import { codeOf } from './failures.ts'
import { type ViewerLink } from './link.ts'
import { type Phase } from './timeline.ts'
import { requireTokenFor } from './tokens.ts'

/** How long a failed media connection may look for a new path before the session counts as over. */
const mediaRepairMs = 10_000
/** How long a camera that is connected may take to prove itself, its channel for requests included. */
const proofMs = 20_000

export interface Credential {
  readonly username: string
  readonly password: string
}

/** How this browser becomes a user: by a password, or without one where the camera is in the same network (protocol/iam.md §5). */
export type Pairing =
  | ({ readonly mode: 'password-invite' } & Credential)
  | { readonly mode: 'local-open'; readonly username: string }
  | { readonly mode: 'local-initial' }

/** What a session begins with. */
export interface SessionOptions {
  /** An OAuth token in it is to log in with, too. */
  readonly link: ViewerLink
  readonly endpointUrl: string
  /** Token that the service is shown; undefined for none. */
  readonly shown: string | undefined
  /** Fingerprint that the camera's key has to have; undefined when nobody has told this browser yet. */
  readonly expected: string | undefined
  readonly certificate: RTCCertificate | undefined
  /** To log in with as soon as the camera has proved itself. */
  readonly credential: Credential | undefined
}

export interface SessionHandlers {
  /** Some state has changed. */
  changed(): void
  phaseDone(phase: Phase): void
  /** A picture that may be shown, or undefined when there is none any more. */
  stream(stream: MediaStream | undefined): void
  /** The same for sound. */
  sound(stream: MediaStream | undefined): void
  /** What became of a track. */
  track(track: TrackEntry): void
  /**
   * It is known who is at either end, or that it has to be asked for.
   * @param refusal - what came of the OAuth token that the session began with
   */
  met(refusal?: unknown): void
}

/** One attempt to see the camera, in the terms of the page. */
export class Session {
  /** The code of what ended it. */
  failure: string | undefined
  trust: Trust = 'checking'
  /** Whom the camera takes us for; undefined while it does not know us. */
  user: RemoteUser | undefined
  /** Whether the camera has taken away what it has shown. */
  removed = false
  readonly client: CameraClient<RTCPeerConnection>
  readonly tracks = new ClientTracks()
  readonly token: CameraToken
  readonly #options: SessionOptions
  readonly #handlers: SessionHandlers
  #track: MediaStreamTrack | undefined
  #sound: MediaStreamTrack | undefined
  #proofTimer: ReturnType<typeof setTimeout> | undefined
  #repairTimer: ReturnType<typeof setTimeout> | undefined
  #hasAsked = false

  constructor(options: SessionOptions, handlers: SessionHandlers) {
    const { link: { productId, deviceId, sharedSecret }, shown, endpointUrl, certificate } = options
    this.tracks.onchange = (track) => { handlers.track(track) }
    this.#options = options
    this.#handlers = handlers
    this.client = createCameraClient({
      productId, deviceId, accessToken: shown, sharedSecret, endpointUrl,
      keyId: 'default',
      metadata: this.tracks,
      createPeerConnection: (configuration) => new RTCPeerConnection({ ...configuration, ...(certificate === undefined ? {} : { certificates: [certificate] }) }),
      attach: (connection) => { this.#attach(connection) },
    }, createBrowserHost())
    this.token = new CameraToken(this.client, () => { handlers.changed() })
    const { viewer } = this.client
    viewer.on('phase', (phase) => {
      if (phase === 'signaling') handlers.phaseDone('channel')
      if (phase === 'setup') handlers.phaseDone('setup')
      if (phase === 'media') handlers.phaseDone('dtls')
      handlers.changed()
    })
    viewer.on('signalingstatechange', () => { handlers.changed() })
    viewer.on('channelstatechange', () => {
      if (this.channel === 'CONNECTED' || this.channel === 'DISCONNECTED') handlers.phaseDone('connect')
      handlers.changed()
    })
    viewer.on('connectionstatechange', (state) => { this.#mediaChanged(state) })
    viewer.on('ended', (error) => { this.#fail(error) })
    this.client.start()
    // Not before whoever made this session has it in hand.
    void Promise.resolve().then(() => this.#meet()).catch((thrown: unknown) => { this.#fail(thrown) })
  }

  get signaling(): SignalingConnectionState {
    return this.client.viewer.client.connectionState
  }

  get channel(): SignalingChannelState {
    return this.client.viewer.client.channelState
  }

  /** Undefined until camera and viewer have greeted each other. */
  get connection(): RTCPeerConnection | undefined {
    return this.client.viewer.peerConnection
  }

  get media(): PeerConnectionState {
    return this.connection?.connectionState ?? 'new'
  }

  /** A user of the camera, or whoever its role is for by a token. */
  get isSomebody(): boolean {
    return this.user !== undefined || this.token.isTaken
  }

  get hasPicture(): boolean {
    return this.#track !== undefined
  }

  close(): void {
    clearTimeout(this.#repairTimer)
    clearTimeout(this.#proofTimer)
    this.client.close()
  }

  /**
   * Logs in, and makes sure of the camera if that has not been possible before: only after the password has proved that the
   * camera knows it too can it tell which camera it is.
   * @throws what `CameraClient.authenticate` and `verify` reject with; where it is about the camera, the session is over
   */
  async logIn(credential: Credential): Promise<void> {
    const { client } = this
    await client.authenticate({ ...credential, onUnverified: this.#options.expected === undefined ? 'allow' : 'refuse' })
    if (client.verifiedDevice === undefined) await this.#verify(undefined)
    await this.refreshUser()
  }

  /**
   * Logs in by an OAuth token for this camera, or goes on by another before the one that it has runs out.
   * @throws {LenskeyError} `TOKEN_ELSEWHERE` and what `CameraToken.present` rejects with
   */
  async logInByToken(token: string): Promise<void> {
    requireTokenFor(this.#options.link, token)
    await this.token.present(token)
    await this.refreshUser()
  }

  /**
   * Makes this browser the user's, by whom the camera will know it from now on; the password is used up by that.
   * @throws as {@link logIn}, and {RefusedError}
   */
  async pair(pairing: Pairing, browserName: string): Promise<void> {
    const { client } = this
    const { mode } = pairing
    // Without a password that both know, this browser takes the camera that answers in its network for the one that is meant.
    if (mode !== 'password-invite' && client.verifiedDevice === undefined) await this.#verify(undefined, true)
    await client.iam.pair({ ...pairing, fingerprintName: browserName, onUnverified: this.#options.expected === undefined ? 'allow' : 'refuse' })
    if (client.verifiedDevice === undefined) await this.#verify(undefined)
    await this.refreshUser()
  }

  /** The way to become a user that the camera offers to whoever is in its network; undefined where there is none. */
  async localPairing(): Promise<'local-initial' | 'local-open' | undefined> {
    try {
      const { modes } = await this.client.iam.pairing()
      return modes.includes('LocalInitial') ? 'local-initial' : modes.includes('LocalOpen') ? 'local-open' : undefined
    } catch {
      // Not all cameras have users, and a session that is over says so elsewhere.
      return undefined
    }
  }

  /** Fingerprint of the certificate that this browser shows to the camera; undefined before there is a connection. */
  get ownFingerprint(): string | undefined {
    const sdp = this.connection?.localDescription?.sdp
    return sdp === undefined ? undefined : sdpFingerprintOf(sdp)
  }

  /** Asks the camera whom it takes us for. */
  async refreshUser(): Promise<void> {
    try {
      this.user = await this.client.iam.me()
    } catch (thrown) {
      if (!(thrown instanceof RefusedError)) throw thrown
      this.user = undefined
    }
    this.#handlers.changed()
  }

  /** To be called when frames do not come any more: asks once whether we are still somebody who may see them. */
  async pictureStopped(): Promise<void> {
    const before = this.user
    if (this.#hasAsked || before === undefined || this.removed || this.media !== 'connected') return
    this.#hasAsked = true
    await this.refreshUser().catch(() => undefined)
    if (this.failure !== undefined || (this.user?.username === before.username && this.user.role === before.role)) return
    this.removed = true
    this.#handlers.stream(undefined)
    this.#handlers.sound(undefined)
    this.#handlers.changed()
  }

  pictureMoves(): void {
    this.#hasAsked = false
  }

  async #meet(): Promise<void> {
    const { link, expected, credential } = this.#options
    const { oauthToken } = link
    let refusal: unknown
    if (expected === undefined && credential === undefined && oauthToken === undefined) {
      // What was signed with the secret came from the camera, its certificate included; which camera that is, nobody can tell.
      if (link.sharedSecret !== undefined) this.#trust('secret')
      else if (link.accessToken !== undefined) this.#trust('none')
      else await this.client.ready()
      // Not all cameras have users; where one has, it is good to know whom the secret stands for.
      void this.client.ready().then(() => this.refreshUser()).catch(() => undefined)
    } else {
      await this.client.ready()
      if (expected !== undefined) await this.#verify(expected)
      if (credential !== undefined) await this.#logInAgain(credential)
      else if (oauthToken !== undefined) refusal = await this.#logInByFirstToken(oauthToken)
      else await this.refreshUser()
    }
    this.#handlers.met(refusal)
  }

  /** What is wrong with a token is no failure of the session. */
  async #logInByFirstToken(token: string): Promise<unknown> {
    try {
      await this.logInByToken(token)
      return undefined
    } catch (thrown) {
      if (this.failure !== undefined) throw thrown
      await this.refreshUser()
      return thrown
    }
  }

  /** A password that has been changed meanwhile is no failure of the session: the person is asked again. */
  async #logInAgain(credential: Credential): Promise<void> {
    try {
      await this.logIn(credential)
    } catch (thrown) {
      if (codeOf(thrown) !== 'ERR_PASSWORD_WRONG') throw thrown
    }
  }

  async #verify(fingerprint: string | undefined, firstUse = false): Promise<void> {
    try {
      await this.client.verify({ fingerprint, firstUse })
    } catch (thrown) {
      // Silence is no network that is slow: the connection is up, and this is the first thing that is asked over it.
      const isSilent = thrown instanceof LenskeyError && thrown.code === 'ERR_COAP_TIMEOUT'
      this.#fail(isSilent ? silent(thrown) : thrown)
      this.close()
      throw thrown
    }
    this.#trust('verified')
  }

  #trust(trust: Trust): void {
    clearTimeout(this.#proofTimer)
    this.trust = trust
    this.#handlers.phaseDone('proof')
    this.#show()
    this.#hear()
    this.#handlers.changed()
  }

  #attach(connection: RTCPeerConnection): void {
    connection.ontrack = ({ track }) => {
      if (track.kind === 'audio') {
        this.#sound = track
        this.#hear()
        return
      }
      this.#track = track
      this.removed = false
      this.#hasAsked = false
      track.onended = track.onmute = () => { void this.pictureStopped() }
      this.#show()
    }
    connection.onsignalingstatechange = () => {
      if (connection.signalingState === 'stable') this.#handlers.phaseDone('description')
    }
    connection.oniceconnectionstatechange = () => {
      if (connection.iceConnectionState === 'connected') this.#handlers.phaseDone('ice')
    }
  }

  /** Nothing is shown before it is known whose picture it is. */
  #show(): void {
    if (this.trust === 'checking' || this.#track === undefined || this.failure !== undefined) return
    // The newest alone: what the camera has taken away stays in its stream.
    this.#handlers.stream(new MediaStream([this.#track]))
  }

  /** The same for what there is to hear. */
  #hear(): void {
    if (this.trust === 'checking' || this.#sound === undefined || this.failure !== undefined) return
    this.#handlers.sound(new MediaStream([this.#sound]))
  }

  #mediaChanged(state: PeerConnectionState): void {
    clearTimeout(this.#repairTimer)
    const isProofDue = state === 'connected' && this.trust === 'checking' && this.#options.expected !== undefined && this.#proofTimer === undefined
    if (isProofDue) {
      this.#proofTimer = setTimeout(() => {
        this.#fail(silent())
        this.close()
      }, proofMs)
    }
    if (state === 'failed') this.#repairTimer = setTimeout(() => { this.#fail(new SignalingError('MEDIA_FAILED')) }, mediaRepairMs)
    this.#handlers.changed()
  }

  #fail(error: unknown): void {
    // What a request says when the session has ended is no news.
    if (error instanceof LenskeyError && error.code === 'ERR_CLIENT_ENDED' && error.cause !== undefined) {
      this.#fail(error.cause)
      return
    }
    if (this.failure !== undefined) return
    const code = codeOf(error)
    // The service says the same to whoever shows no token and to whoever shows a bad one.
    this.failure = code === 'TOKEN_REFUSED' && this.#options.shown === undefined ? 'TOKEN_NEEDED' : code
    this.trust = 'checking'
    this.#handlers.stream(undefined)
    this.#handlers.sound(undefined)
    this.#handlers.changed()
  }
}

function silent(cause?: unknown): LenskeyError {
  return new LenskeyError('CHALLENGE_SILENT', 'whoever answers gives no proof of being the camera', { cause })
}
