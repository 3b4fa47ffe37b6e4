import { type CertificateFingerprints, fingerprintsInForce, SdpFingerprintError, verifyDevice, whenSettled } from '../access/index.ts'
import type { CoapClient } from '../coap/index.ts'
import { fingerprintOf } from '../crypto/index.ts'
import type { SessionFingerprints } from '../iam/index.ts'
import type { Host } from '../runtime/index.ts'
import type { PeerConnection } from '../webrtc/index.ts'
import { ClientError } from './errors.ts'

/** Who is at the other end of one connection. It holds for this connection alone. */
export interface Proof {
  /** Fingerprint of the device's key once it has proved to be at the other end; undefined until then. */
  readonly device: string | undefined
  /** Certificates by the descriptions in force. @throws {SdpFingerprintError} */
  fingerprints(): SessionFingerprints
  /**
   * @throws {ChallengeError} {SdpFingerprintError} and what `CoapClient.request` rejects with: nothing is verified then,
   * though it may have been before
   * @param fingerprint - undefined after a login: then the key that answers is that of the device
   * @param firstUse - so it is without a login too
   * @returns the fingerprint of the device's key
   */
  verify(fingerprint: string | undefined, timeoutMs?: number, firstUse?: boolean): Promise<string>
  /** A login has proved that the other end knows the password, over these very certificates. */
  loggedIn(): void
  /** @throws {ClientError} `ERR_CLIENT_UNVERIFIED` */
  require(what: string): void
  close(): void
}

/** @param contradicted - called when the connection's descriptions change its certificates: it is to be ended then */
export function createProof(
  peerConnection: PeerConnection, coap: Pick<CoapClient, 'request'>, host: Pick<Host, 'clock' | 'random' | 'nativeCrypto'>, contradicted: (thrown: unknown) => void,
): Proof {
  let inForce: CertificateFingerprints | undefined
  let device: string | undefined
  let hasLoggedIn = false
  let closed = false

  function fingerprints(): SessionFingerprints {
    inForce = fingerprintsInForce(peerConnection, inForce)
    return { client: inForce.local, device: inForce.remote }
  }

  function whereTold(): SessionFingerprints | undefined {
    try {
      return fingerprints()
    } catch (thrown) {
      if (thrown instanceof SdpFingerprintError && thrown.code === 'ERR_SDP_NOT_IN_FORCE') return undefined
      throw thrown
    }
  }

  /** From the first time that the connection is up, no description may name another certificate. */
  function onChange(): void {
    if (peerConnection.connectionState !== 'connected') return
    try {
      whereTold()
    } catch (thrown) {
      device = undefined
      contradicted(thrown)
    }
  }

  peerConnection.addEventListener('connectionstatechange', onChange)
  peerConnection.addEventListener('signalingstatechange', onChange)
  return {
    get device() {
      return device
    },
    fingerprints,
    async verify(fingerprint, timeoutMs, firstUse = false): Promise<string> {
      device = undefined
      if (fingerprint === undefined && !hasLoggedIn && !firstUse) {
        throw new ClientError('ERR_CLIENT_UNVERIFIED', 'without a fingerprint to expect, only a login by password tells which device this is')
      }
      const settled = async (): Promise<SessionFingerprints> => await whenSettled(whereTold, host.clock) ?? fingerprints()
      const key = await verifyDevice(coap, fingerprint, await settled(), host, { timeoutMs })
      // Much may have happened while the device was thinking.
      await settled()
      if (closed) throw new ClientError('ERR_CLIENT_ENDED', 'the session with the camera is over')
      return (device = fingerprintOf(key, host.nativeCrypto))
    },
    loggedIn(): void {
      hasLoggedIn = true
    },
    require(what): void {
      if (device === undefined) {
        throw new ClientError('ERR_CLIENT_UNVERIFIED', `${what} is for the device alone, and nobody has proved to be it; verify its fingerprint first`)
      }
    },
    close(): void {
      closed = true
      device = undefined
      peerConnection.removeEventListener('connectionstatechange', onChange)
      peerConnection.removeEventListener('signalingstatechange', onChange)
    },
  }
}
