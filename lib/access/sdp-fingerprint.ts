import { LenskeyError } from '../errors.ts'

/**
 * - `ERR_SDP_FINGERPRINT`: a description without the one SHA-256 fingerprint that it should have
 * - `ERR_SDP_NOT_IN_FORCE`: there is no description in force now, or it cannot be told which one is
 * - `ERR_SDP_FINGERPRINT_CHANGED`: the description in force is of another certificate than the one before
 */
export type SdpFingerprintErrorCode = 'ERR_SDP_FINGERPRINT' | 'ERR_SDP_NOT_IN_FORCE' | 'ERR_SDP_FINGERPRINT_CHANGED'

export class SdpFingerprintError extends LenskeyError {
  declare readonly code: SdpFingerprintErrorCode

  constructor(code: SdpFingerprintErrorCode, message: string) {
    super(code, message)
    this.name = 'SdpFingerprintError'
  }
}

/** Characters; a description with a dozen tracks and all its candidates has a quarter of it. */
export const MAX_SDP_LENGTH = 262_144

const ATTRIBUTE = /^\s*a\s*=\s*fingerprint/i
const SHA256 = /^a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/i

/**
 * SHA-256 of the DTLS certificate that a description announces (RFC 8122 §5), 64 lower-case digits without colons, as
 * protocol/edge-webrtc.md §5 has it. All fingerprints in it must be this one: engines take a certificate that fits any of
 * them, or one by a better hash, so that a second fingerprint would let in a second certificate that nobody looks at.
 * @throws {SdpFingerprintError} `ERR_SDP_FINGERPRINT`: none, two that differ, one by another hash, one spelt in a way that
 * only some engines read, or a description of more than 262,144 characters
 */
export function sdpFingerprintOf(sdp: string): string {
  if (sdp.length > MAX_SDP_LENGTH) throw refused(`is longer than ${MAX_SDP_LENGTH} characters`)
  let found: string | undefined
  for (const line of sdp.split(/[\r\n]+/)) {
    if (!ATTRIBUTE.test(line)) continue
    const digits = SHA256.exec(line)?.[1]?.split(':').join('').toLowerCase()
    if (digits === undefined) throw refused('has a fingerprint that is no SHA-256 in the form of RFC 8122')
    if (found !== undefined && digits !== found) throw refused('has two different fingerprints')
    found = digits
  }
  if (found === undefined) throw refused('has no fingerprint')
  return found
}

function refused(why: string): SdpFingerprintError {
  return new SdpFingerprintError('ERR_SDP_FINGERPRINT', `the session description ${why}; without one to rely on, nobody can be verified`)
}

/** The certificates of both ends of a session. */
export interface CertificateFingerprints {
  readonly local: string
  readonly remote: string
}

interface Description {
  readonly sdp: string
}

/** What is read of a peer connection. Browsers tell the descriptions in force from those that are being negotiated, not all engines do. */
export interface DescribedConnection {
  readonly signalingState: string
  readonly localDescription: Description | null
  readonly remoteDescription: Description | null
  readonly currentLocalDescription?: Description | null
  readonly currentRemoteDescription?: Description | null
}

/**
 * The certificates by the descriptions in force: an offer that has not been answered proves nothing yet, whoever brings it.
 * @param before - what they were when the session came up. The transport keeps its certificates for life, so that a
 * description of another one is a lie, or the end of the session.
 * @throws {SdpFingerprintError} `ERR_SDP_FINGERPRINT`, `ERR_SDP_NOT_IN_FORCE`, `ERR_SDP_FINGERPRINT_CHANGED`
 */
export function fingerprintsInForce(connection: DescribedConnection, before?: CertificateFingerprints): CertificateFingerprints {
  const stable = connection.signalingState === 'stable'
  const read = (current: Description | null | undefined, latest: Description | null): string => {
    const inForce = current ?? (stable ? latest : null)
    if (inForce === null) throw new SdpFingerprintError('ERR_SDP_NOT_IN_FORCE', 'no session description is in force; ask again when negotiation has come to its end')
    return sdpFingerprintOf(inForce.sdp)
  }
  const found = {
    local: read(connection.currentLocalDescription, connection.localDescription),
    remote: read(connection.currentRemoteDescription, connection.remoteDescription),
  }
  if (before !== undefined && (before.local !== found.local || before.remote !== found.remote)) {
    throw changed()
  }
  return found
}

/**
 * Sees to it that all descriptions of one peer are of one certificate, before an engine is given them. What is read when the
 * connection is up is not enough: engines take a certificate that fits any description so far (werift), or look at it long
 * before they say that the connection is up (libdatachannel), so that a second description could name the certificate of
 * somebody else; and browsers begin DTLS anew with whomever a later description names.
 * @returns to be called with each description of the peer in turn
 * @throws {SdpFingerprintError} in that call: `ERR_SDP_FINGERPRINT`, `ERR_SDP_FINGERPRINT_CHANGED`; the session is to be ended then
 */
export function createCertificatePin(): (description: { readonly type: string; readonly sdp: string }) => void {
  let pinned: string | undefined
  return ({ type, sdp }) => {
    if (type === 'rollback') return
    const found = sdpFingerprintOf(sdp)
    pinned ??= found
    if (found !== pinned) throw changed()
  }
}

function changed(): SdpFingerprintError {
  return new SdpFingerprintError('ERR_SDP_FINGERPRINT_CHANGED', 'the session description changed its certificate; close the session')
}
