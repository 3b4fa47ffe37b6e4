export { addChallengeEndpoint, type ChallengedConnection, DEFAULT_CHALLENGE_RATE, MAX_CHALLENGE_BYTES } from './fingerprint-challenge.ts'
export { ChallengeError, type ChallengeErrorCode, verifyChallengeAnswer, verifyDevice } from './fingerprint-challenge-client.ts'
export {
  type CertificateFingerprints, createCertificatePin, type DescribedConnection, fingerprintsInForce, MAX_SDP_LENGTH, sdpFingerprintOf, SdpFingerprintError,
  type SdpFingerprintErrorCode,
} from './sdp-fingerprint.ts'
export { type ConnectionObserver, VirtualConnection, VirtualConnections, type VirtualConnectionsOptions } from './virtual-connection.ts'
