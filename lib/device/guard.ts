import {
  addChallengeEndpoint, createCertificatePin, SdpFingerprintError, type ConnectionOptions, type VirtualConnection, VirtualConnections, type VirtualConnectionsOptions,
} from '../access/index.ts'
import { type CoapRouter, type CoapSession, type CoapSessionLimits, createCoapRouter, createCoapSession } from '../coap/index.ts'
import type { Signer } from '../crypto/index.ts'
import { messageOf } from '../errors.ts'
import { attachPasswordLogin, DEFAULT_PASSWORD_LIMITS, type Iam, IamError, type PasswordLimits } from '../iam/index.ts'
import type { Host } from '../runtime/index.ts'
import { SignalingErrorCodes } from '../signaling/index.ts'
import { createDataChannelPipe, type PeerConnection, type PeerConnectionEvents } from '../webrtc/index.ts'
import type { CameraSession } from './camera.ts'
import { type AllowedActivity, whileAllowed } from './guard-while-allowed.ts'

/** The right to see the picture (protocol/edge-webrtc.md §8.2). */
export const VIDEO_ACTION = 'Webrtc:VideoStream'

export interface CameraGuardOptions {
  iam: Iam
  /** The device's key, which clients know the fingerprint of. */
  signer: Signer
  host: Pick<Host, 'clock' | 'random' | 'log' | 'nativeCrypto'>
  /**
   * With endpoints of the program's own; the guard adds IAM, the password login and the challenge. Default: one that runs 128
   * requests at a time, as each session may have a login that waits its turn.
   */
  router?: CoapRouter<VirtualConnection>
  /** Default limit 64, as many channels as a device has: it is the camera that bounds sessions (`CameraOptions.maxSessions`), and makes room. */
  connections?: VirtualConnectionsOptions
  /** IAM users by the key id of a session's secret, `default` for a session that names none (`CameraSession.keyId`). */
  links?: Readonly<Record<string, string>>
  /** Role of clients that the service vouches for and that belong to no user; without one they are unpaired. */
  authorizedRole?: string
  /** Sessions with the picture at a time, by role; one more ends with `NO_MORE_CHANNELS`. Roles that are not named here are bounded by `maxSessions` alone. */
  maxViewers?: Readonly<Record<string, number>>
  passwordLimits?: PasswordLimits
  coapLimits?: CoapSessionLimits
  /** CoAP channels of one session at a time; one more is closed. Default 4. */
  maxChannels?: number
}

export interface GuardedMedia {
  /**
   * Adds the picture to the session; called when the client may see it, and again when it may again.
   * @returns what takes it away, called at once when the client may not see it any more, and when the session ends
   */
  video?: () => () => void
}

/** What stands between a camera's sessions and what they may do. */
export interface CameraGuard<Connection extends PeerConnection> {
  readonly router: CoapRouter<VirtualConnection>
  readonly connections: VirtualConnections
  /**
   * To be called in `CameraOptions.attach`. Takes over `session.onclose`, where what is there is called after the guard's own,
   * `session.checkDescription`, and `session.isStranger`: that is a session which belongs to no user, has no role of its own,
   * and has not logged in to pair.
   * @param from - how the client came: whether it is local
   * @returns the connection as IAM knows it, which ends with the session
   * @throws {LenskeyError} `ERR_ACCESS_TOO_MANY_CONNECTIONS`
   */
  attach(session: CameraSession<Connection>, media?: GuardedMedia, from?: ConnectionOptions): VirtualConnection
}

/** Of any camera: a device has no more channels (`DEFAULT_SIGNALING_LIMITS.maxChannels`). */
const MAX_SESSIONS = 64

const COAP_LABELS: readonly string[] = ['coap', 'nabto-coap']

/**
 * Serves IAM, the password login and the proof of the device on each session's CoAP channels, knows by which certificates
 * the session is, and shows the picture only to those who may see it. A session whose descriptions contradict each other about
 * its certificates is closed.
 * @throws {RangeError} the router has an endpoint of the guard's already
 */
export function createCameraGuard<Connection extends PeerConnection>(options: CameraGuardOptions): CameraGuard<Connection> {
  const { iam, signer, host, router = createCoapRouter<VirtualConnection>({ log: host.log, maxRunning: 2 * MAX_SESSIONS }), maxChannels = 4 } = options
  const connections = new VirtualConnections(iam, { limit: MAX_SESSIONS, ...options.connections })
  iam.attach(router)
  attachPasswordLogin(iam, router, host, options.passwordLimits ?? { ...DEFAULT_PASSWORD_LIMITS, maxWaiting: MAX_SESSIONS })
  addChallengeEndpoint(router, signer, host)

  /** By what the session has proved before it began. */
  function identify(connection: VirtualConnection, { keyId, authorized }: CameraSession<Connection>): void {
    if (authorized && options.authorizedRole !== undefined) iam.grantRole(connection, options.authorizedRole)
    const { links = {} } = options
    if (keyId === undefined || !Object.prototype.hasOwnProperty.call(links, keyId)) return
    try {
      iam.authorize(connection, links[keyId])
    } catch (thrown) {
      // A user who has been removed takes nothing along but the rights.
      if (!(thrown instanceof IamError) || thrown.code !== 'ERR_IAM_NO_SUCH_USER') throw thrown
      host.log('warn', 'guard.link.broken', { keyId, user: links[keyId] })
    }
  }

  const viewing = new Set<VirtualConnection>()

  /** Shows the picture, or ends the session where its role has as many viewers as it may have. */
  function show(session: CameraSession<Connection>, connection: VirtualConnection, begin: () => () => void): () => void {
    const { role = '' } = iam.identityOf(connection)
    const most = Object.entries(options.maxViewers ?? {}).find(([name]) => name === role)?.[1] ?? Infinity
    if ([...viewing].filter((other) => iam.identityOf(other).role === role).length >= most) {
      // Not within the change of IAM, or the attaching, that has led here.
      return host.clock.after(0, () => { session.refuse(SignalingErrorCodes.NO_MORE_CHANNELS, `This camera serves ${most} viewers with the role ${role} at a time.`) })
    }
    const end = begin()
    viewing.add(connection)
    return () => {
      viewing.delete(connection)
      end()
    }
  }

  return {
    router,
    connections,
    attach(session, { video } = {}, from): VirtualConnection {
      const connection = connections.begin(from)
      const fail = (thrown: unknown): void => {
        host.log('error', 'guard.session.failed', { channelId: session.channelId, reason: messageOf(thrown) })
        session.close()
      }
      const coap = createCoapSession({ router, context: connection, clock: host.clock }, options.coapLimits)
      const { onclose } = session
      session.onclose = () => {
        connection.end()
        onclose?.()
      }
      session.isStranger = () => {
        const { source, login } = iam.identityOf(connection)
        return source === 'unpaired' && login === undefined
      }
      session.checkDescription = createCertificatePin()
      identify(connection, session)
      const showing = video && whileAllowed(iam, connection, VIDEO_ACTION, () => show(session, connection, video), fail)
      const release = follow(session.peerConnection, { connection, coap, showing, maxChannels, fail })
      connection.onEnd(() => {
        release()
        coap.close()
        showing?.close()
      })
      return connection
    },
  }
}

interface Followed {
  readonly connection: VirtualConnection
  readonly coap: CoapSession
  readonly showing: AllowedActivity | undefined
  readonly maxChannels: number
  readonly fail: (thrown: unknown) => void
}

/** Reads the certificates at each step of the negotiation, and serves the channels that the client opens. @returns lets go */
function follow(peerConnection: PeerConnection, { connection, coap, showing, maxChannels, fail }: Followed): () => void {
  let channels = 0

  function onChange(): void {
    // Before DTLS has come up, nobody has proved to hold the certificate that the description names.
    if (peerConnection.connectionState !== 'connected') return
    try {
      connection.readFingerprints(peerConnection)
    } catch (thrown) {
      if (!(thrown instanceof SdpFingerprintError) || thrown.code !== 'ERR_SDP_NOT_IN_FORCE') fail(thrown)
      return
    }
    showing?.check()
  }

  function onChannel({ channel }: PeerConnectionEvents['datachannel']): void {
    if (!COAP_LABELS.includes(channel.label)) return
    if (channels >= maxChannels) {
      channel.close()
      return
    }
    channels++
    channel.addEventListener('close', () => {
      channels--
    })
    coap.attach(createDataChannelPipe(channel))
  }

  peerConnection.addEventListener('connectionstatechange', onChange)
  peerConnection.addEventListener('signalingstatechange', onChange)
  peerConnection.addEventListener('datachannel', onChannel)
  return () => {
    peerConnection.removeEventListener('connectionstatechange', onChange)
    peerConnection.removeEventListener('signalingstatechange', onChange)
    peerConnection.removeEventListener('datachannel', onChannel)
  }
}
